"""Why: the score, the principal reasons, and what each feature gave."""

from datetime import timedelta

from django.contrib import admin
from django.utils.html import format_html

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import picture, table
from serving.answers import decision_answer
from serving.explainers.scores import output_of
from serving.models import Decision, Observation


@admin.display(description="Probability of bad")
def score(decision: Decision) -> str:
    seen = decision.observation
    return f"{seen.pd:.4f} against a cut-off of {seen.cut_off:g} ({unit_of(seen).lower()} {seen.margin:+.4f})"


@admin.display(description="Principal reasons")
def reasons_table(decision: Decision) -> str:
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
                "knock-out" if reason["contribution"] is None else f"{reason['contribution']:+.3f}",
            )
            for reason in reasons
        ],
    )


@admin.display(description="From the baseline to this application")
def contributions_picture(decision: Decision) -> str:
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
def attributions_table(decision: Decision) -> str:
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
def freshness_table(decision: Decision) -> str:
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


def unit_of(seen: Observation) -> str:
    """What the margin and the contributions of a decision are."""
    return output_of(seen.method).words


WHY = Part(
    "Why",
    (score, reasons_table, contributions_picture, attributions_table, freshness_table),
    of_few=True,
)
