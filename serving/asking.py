"""Asking versions in service for their known answers, in the process that decides: by the very judge that it decides with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.contrib.auth.models import User

from audit.action import require_act
from audit.canonical import digest_json
from registry.applicable import policy_for
from registry.models import ModelVersion, Policy, ScoringModel
from serving import in_service, scoring
from serving.actions.probes import keep_probes, record_probe_failure, record_probe_result
from serving.errors import ArtefactRefused, NoClearedVersion, NoKnownAnswers
from serving.in_service import ClearedVersion
from serving.models import ProbeFailure, ProbeResult, ProbeSet
from serving.probing import answered_otherwise, answers
from serving.replaying import Difference
from serving.serving_policy import ServingPolicy

MINUTES_WITHOUT_POLICY = 5
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Answered:
    """What a version in service answered in this process, beside what is known."""

    probes: ProbeSet
    differences: list[Difference]


def ask_due(now: datetime, *, by: User) -> None:
    """Ask every version in service whose minute it is; whichever has no known answers yet gets them first.

    The `serving` policy says how often (`probes.minutes`); every 5 minutes without one. Minutes are counted from 1970, so
    that nothing need be kept about when it was asked last.
    """
    require_act(record_probe_result, by=by)
    minute = int(now.timestamp()) // 60
    for model in ScoringModel.objects.all():
        if minute % minutes_between(model, now):
            continue
        for cleared in _in_service(model, now):
            version = _version(cleared)
            try:
                if not version.probe_sets.exists():
                    keep_probes(version, by=by)
                _ask(cleared, ProbeResult.Process.WORKER, now, by)
            except ArtefactRefused as refusal:
                _note(version, refusal.detail, now, by)


def ask_champion(model_name: str, now: datetime, *, by: User) -> Answered:
    """Ask the champion in this web process. What it answers is kept where it is news.

    Raises NotPermitted, UnknownModel, NoClearedVersion, NoKnownAnswers or ArtefactRefused.
    """
    require_act(record_probe_result, by=by)
    cleared = in_service.cleared_version(model_name, now)
    return _ask(cleared, ProbeResult.Process.WEB, now, by)


def _ask(cleared: ClearedVersion, process: str, now: datetime, by: User) -> Answered:
    probes = _version(cleared).probe_sets.select_related("version__model").first()
    if probes is None:
        raise NoKnownAnswers("The version has no known answers yet; a worker keeps them.")
    judge = scoring.loaded(cleared.bytes_of).judge
    packed = np.frombuffer(probes.packed).reshape(len(probes.answers), -1)
    found = answers(judge, packed)
    differences = answered_otherwise(probes.answers, found)
    last = probes.results.filter(process=process).first()
    is_news = last is None or last.answers_sha256 != digest_json(found)
    if is_news or (last and now - last.probed_at >= A_DAY):
        names = [one.field for one in differences]
        record_probe_result(probes, process, found, names, by=by)
    return Answered(probes, differences)


def _in_service(model: ScoringModel, now: datetime) -> Iterator[ClearedVersion]:
    try:
        cleared = in_service.cleared_version(model.name, now)
    except NoClearedVersion:
        return
    yield cleared
    yield from in_service.rollout_of(model.name, now).versions.values()


def _note(version: ModelVersion, reason: str, now: datetime, by: User) -> None:
    """That a version could not answer at all, at most once a day."""
    if not ProbeFailure.objects.filter(version=version, failed_at__gt=now - A_DAY).exists():
        record_probe_failure(version, reason, by=by)


def _version(cleared: ClearedVersion) -> ModelVersion:
    versions = ModelVersion.objects.select_related("model", "baseline", "decision_policy", "reason_library")  # fmt: skip
    return versions.get(pk=cleared.bytes_of.version_id)


def minutes_between(model: ScoringModel, now: datetime) -> int:
    """How many minutes lie between two times that a version of the model is asked."""
    policy = policy_for(Policy.Kind.SERVING, model, now)
    part = ServingPolicy.from_json(policy.body).parts["probes"] if policy else {}
    return int(part.get("minutes", MINUTES_WITHOUT_POLICY))
