"""Decisions judged again, known answers, and what came of both."""

from django.contrib import admin
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from serving.admin.parts import link, table, tag
from serving.models import (
    ProbeFailure,
    ProbeResult,
    ProbeSet,
    Replay,
    ReplayFailure,
    ReplayRun,
)


@admin.register(ReplayRun)
class ReplayRunAdmin(ReadOnlyAdmin):
    list_display = ("replayed_at", "model", "sampled", "equal", "different", "impossible", "erased")
    list_filter = ("model", "replayed_at")
    list_select_related = ("model",)
    fields = (
        "model", "policy", "asked", "seed", "since", "until", "sampled", "equal", "different", "impossible", "erased", "restricted",
        "not_equal", "replayed_at", "entry",
    )  # fmt: skip

    @admin.display(description="Not equal")
    def not_equal(self, run: ReplayRun) -> SafeString | str:
        return replays_table(list(run.replays.select_related("decision"))) or "None."


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    list_display = ("replayed_at", "result_shown", "decision_link", "replayed_by", "run")
    list_filter = ("result", "replayed_at")
    list_select_related = ("decision", "replayed_by", "run__model")
    search_fields = ("=decision__id",)
    fields = (
        "decision_link", "result_shown", "differences", "reason", "packages", "run", "replayed_by", "replayed_at", "entry",
    )  # fmt: skip

    @admin.display(description="Result", ordering="result")
    def result_shown(self, replay: Replay) -> SafeString:
        return tag(replay.result)

    @admin.display(description="Decision")
    def decision_link(self, replay: Replay) -> str:
        return link(replay.decision)


@admin.register(ProbeSet)
class ProbeSetAdmin(ReadOnlyAdmin):
    list_display = ("version", "number", "kept_by", "kept_at")
    list_select_related = ("version__model", "kept_by")
    fields = (
        "version", "number", "artefact_sha256", "answers_sha256", "reason", "packages", "answers_table", "results_table",
        "kept_by", "kept_at", "entry",
    )  # fmt: skip

    @admin.display(description="Known answers")
    def answers_table(self, probes: ProbeSet) -> SafeString:
        rows = [
            (
                number,
                answer["outcome"],
                answer.get("pd", "-"),
                answer.get("margin", "-"),
                ", ".join(reason["code"] for reason in answer.get("reasons", [])) or "-",
            )
            for number, answer in enumerate(probes.answers)
        ]
        return table(["Applicant", "Outcome", "Probability of bad", "Margin", "Reasons"], rows)

    @admin.display(description="Answered in service")
    def results_table(self, probes: ProbeSet) -> SafeString | str:
        results = list(probes.results.all()[:20])
        if not results:
            return "Not asked yet."
        return table(
            ["Since", "By", "Differs in"],
            [
                (f"{one.probed_at:%Y-%m-%d %H:%M} UTC", one.process, ", ".join(one.differences) or "nothing")
                for one in results
            ],
        )  # fmt: skip


@admin.register(ProbeResult)
class ProbeResultAdmin(ReadOnlyAdmin):
    list_display = ("probed_at", "probes", "process", "differences")
    list_filter = ("process", "probed_at")
    list_select_related = ("probes__version__model",)


@admin.register(ReplayFailure, ProbeFailure)
class StandingFailureAdmin(ReadOnlyAdmin):
    list_display = ("version", "reason", "failed_at")
    list_filter = ("version__model", "failed_at")
    list_select_related = ("version__model",)


def replays_table(replays: list[Replay]) -> SafeString | None:
    """None where there are none."""
    if not replays:
        return None
    rows = [
        (
            link(replay, f"{replay.replayed_at:%Y-%m-%d %H:%M} UTC"),
            tag(replay.result),
            replay.reason or ", ".join(replay.differences) or "nothing differs",
            link(replay.decision),
        )
        for replay in replays
    ]
    return table(["Judged again", "Result", "What differs", "Decision"], rows)
