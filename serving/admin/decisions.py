"""Decisions and what they were made of."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from audit.action import holds
from audit.admin_base import ReadOnlyAdmin
from serving.admin.chain import chain, persons_reasons
from serving.admin.parts import link, picture, table, tag
from serving.answers import decision_answer, receipt_answer
from serving.explainers.scores import output_of
from serving.models import Decision, Observation

SEEN_BY_FEW = "serving.view_observation"


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "state", "decision_path", "version_link", "client", "id")
    list_filter = ("outcome", "decision_path", "model_name", "version", "decided_at")
    list_select_related = ("version__model", "client")
    search_fields = ("=id",)
    date_hierarchy = "decided_at"
    fieldsets = (
        (None, {"fields": ("id", "state", "decision_path", "decided_at", "clock")}),
        ("What became of it", {"fields": ("chain",)}),
        ("Decided by", {"fields": ("version_link", "clearance", "policy_version", "role")}),
        ("Made of", {"fields": ("artefact_sha256", "baseline_id")}),
        ("Asked for by", {"fields": ("client", "subject_id", "application_id", "received_at")}),
        ("How it turned out", {"fields": ("outcomes_table",)}),
        ("Receipt", {"fields": ("receipt_table", "entry_link")}),
    )
    explained = (
        "Why",
        {
            "fields": (
                "score",
                "reasons_table",
                "persons_reasons",
                "contributions_picture",
                "attributions_table",
                "freshness_table",
            )
        },
    )

    def get_fieldsets(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """With the explanation, for those who may see what applicants said, until erasure."""
        shown = list(self.fieldsets)
        if obj and holds(request.user, SEEN_BY_FEW) and hasattr(obj, "observation"):
            shown.insert(1, self.explained)
        return shown

    @admin.display(description="Outcome", ordering="outcome")
    def state(self, decision: Decision) -> str:
        return tag(decision.outcome)

    @admin.display(description="Version", ordering="version")
    def version_link(self, decision: Decision) -> str:
        return link(decision.version)

    @admin.display(description="Days for the notice count from")
    def clock(self, decision: Decision) -> str:
        start = decision.completed_at or decision.received_at
        return f"{start:%Y-%m-%d %H:%M} UTC ({decision.get_clock_basis_display().lower()})"

    @admin.display(description="Probability of bad")
    def score(self, decision: Decision) -> str:
        seen = decision.observation
        return f"{seen.pd:.4f} against a cut-off of {seen.cut_off:g} ({unit_of(seen).lower()} {seen.margin:+.4f})"

    @admin.display(description="Principal reasons")
    def reasons_table(self, decision: Decision) -> str:
        reasons = decision.observation.reasons
        if not reasons:
            return "None: approved."
        return table(
            ["", "Code", "What the applicant is told", unit_of(decision.observation)],
            [
                (
                    reason["rank"],
                    reason["code"],
                    reason["statement"],
                    "knock-out"
                    if reason["contribution"] is None
                    else f"{reason['contribution']:+.3f}",
                )
                for reason in reasons
            ],
        )

    @admin.display(description="What people said")
    def persons_reasons(self, decision: Decision) -> str:
        return persons_reasons(decision)

    @admin.display(description="In order")
    def chain(self, decision: Decision) -> str:
        return chain(decision)

    @admin.display(description="From the baseline to this application")
    def contributions_picture(self, decision: Decision) -> str:
        from registry import charts  # brings altair, which only this picture needs

        explanation = decision_answer(decision)["explanation"]
        svg = charts.contributions(
            [(item["feature"], item["contribution"]) for item in explanation["attributions"]],
            explanation["base_value"],
            decision.observation.margin,
            unit=unit_of(decision.observation),
        )
        return picture(svg, f"Contributions of the features: {unit_of(decision.observation)}")

    @admin.display(description="Features")
    def attributions_table(self, decision: Decision) -> str:
        explanation = decision_answer(decision)["explanation"]
        rows = [
            (
                item["feature"],
                "not known" if item["value"] is None else item["value"],
                f"{item['contribution']:+.4f}",
            )
            for item in explanation["attributions"]
        ]
        return format_html(
            "{}<p>Method: {}; baseline {}.</p>",
            table(["Feature", "Value", unit_of(decision.observation)], rows),
            explanation["method"],
            explanation["baseline_id"],
        )

    @admin.display(description="Looked up by the service")
    def freshness_table(self, decision: Decision) -> str:
        lookups = decision.observation.lookups
        if lookups is None:
            return "Nothing: the application brought every feature."
        rows = [
            (
                one["feature"],
                f"{one['table']}/{one['table_version']}",
                one["state"],
                one["event_at"] or "-",
                "-" if one["age_seconds"] is None else timedelta(seconds=round(one["age_seconds"])),
                timedelta(seconds=one["ttl_seconds"]),
            )
            for one in lookups["features"]
        ]
        return format_html(
            "{}<p>As of {}.</p>",
            table(["Feature", "Table", "State", "Dates from", "Age", "Time to live"], rows),
            lookups["as_of"],
        )

    @admin.display(description="Labels")
    def outcomes_table(self, decision: Decision) -> str:
        outcomes = decision.outcomes.all()
        if not outcomes:
            return "Not known yet."
        return table(
            ["As of", "Turned out", "Months on book", "Final", "Source"],
            [
                (o.observed_on, "bad" if o.bad else "good", o.months_on_book, o.matured, o.source)
                for o in outcomes
            ],
        )

    @admin.display(description="Receipt")
    def receipt_table(self, decision: Decision) -> str:
        return format_html_join(
            "",
            '<p><b>{}</b><br><code style="white-space:pre-wrap">{}</code></p>',
            receipt_answer(decision).items(),
        )

    @admin.display(description="Entry in the log")
    def entry_link(self, decision: Decision) -> str:
        return link(decision.entry)


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    list_display = ("decision_link", "pd", "margin", "subject_id")
    list_select_related = ("decision",)
    fields = ("decision_link", "subject_id", "pd", "margin", "cut_off", "base_value", "reasons")
    search_fields = ("=decision__id",)

    @admin.display(description="Decision")
    def decision_link(self, observation: Observation) -> str:
        return link(observation.decision)


def unit_of(seen: Observation) -> str:
    """What the margin and the contributions of a decision are."""
    return output_of(seen.method).words
