"""Why: the score, the principal reasons, and what each feature gave."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from registry.features import in_words
from serving.admin.decision_parts.parts import Part
from serving.admin.parts import picture, table
from serving.answers import decision_answer
from serving.explainers.scores import output_of
from serving.in_service import contract_of
from serving.lookups import table_of
from serving.models import Decision, Observation


@admin.display(description="Probability of bad")
def score(decision: Decision) -> str:
    seen = decision.observation
    return f"{seen.pd:.4f} against a cut-off of {seen.cut_off:g} ({unit_of(seen).lower()} {seen.margin:+.4f})"


@admin.display(description="Principal reasons")
def reasons_table(decision: Decision) -> str:
    seen = decision.observation
    return _told(seen.reasons, unit_of(seen)) if seen.reasons else "None: approved."


@admin.display(description="Do the reasons say what counted?")
def reason_check(decision: Decision) -> str:
    check = decision.observation.reason_check
    if check is None:
        return "Not asked: they are not from the score."
    would = "would" if check["would_flip"] else "would not"
    return (
        f"They name {check['share_named']:.0%} of what weighed against the applicant. With typical values in their "
        f"place the score {would} have given another outcome."
    )


@admin.display(description="Key factors of the credit score (FCRA)")
def key_factors_table(decision: Decision) -> str:
    seen = decision.observation
    if seen.key_factors is None:
        return "None: the score is no credit score."
    return _told(seen.key_factors, unit_of(seen)) if seen.key_factors else "Nothing against."


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
    contract = contract_of(decision.version)
    rows = [
        (
            contract.by_name[item["feature"]].heading,
            in_words(item["value"]),
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
            table_of(one),
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


def _told(reasons: list[dict[str, Any]], unit: str) -> str:
    return table(
        ["", "Code", "What the applicant is told", unit],
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


WHY = Part(
    "Why",
    (
        score,
        reasons_table,
        reason_check,
        key_factors_table,
        contributions_picture,
        attributions_table,
        freshness_table,
    ),
    of_few=True,
)
