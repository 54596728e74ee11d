"""How the standing controls stand: what last night's replays came to, and whether versions answer as known."""

from django.db.models import Max

from registry.models import ModelVersion, Stage
from serving.models import ProbeResult, ReplayRun


def last_nights() -> dict[str, ReplayRun]:
    """The newest nightly replay of each model, by the model's name."""
    newest = ReplayRun.objects.order_by().values("model").annotate(newest=Max("pk"))
    runs = ReplayRun.objects.filter(pk__in=newest.values("newest")).select_related("model")
    return {run.model.name: run for run in runs}


def newest_answers(version: ModelVersion) -> list[ProbeResult]:
    """What each kind of process answered last to the version's newest probes; empty where it was not asked yet."""
    probes = version.probe_sets.first()
    if probes is None:
        return []
    newest = [probes.results.filter(process=kind).first() for kind in ProbeResult.Process.values]
    return [result for result in newest if result is not None]


def champions_differing() -> int:
    """How many times a kind of process last answered for a champion other than was known."""
    champions = ModelVersion.objects.filter(stage=Stage.PRODUCTION)
    return sum(bool(one.differences) for version in champions for one in newest_answers(version))
