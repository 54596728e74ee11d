"""What the decision was, and by what and for whom it was made."""

from django.contrib import admin
from django.utils.html import format_html

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import link, tag
from serving.models import Decision
from serving.policy import DecisionOutcome
from serving.resolutions import resolution_in_force


@admin.display(description="Outcome", ordering="outcome")
def state(decision: Decision) -> str:
    return tag(decision.outcome)


@admin.display(description="What stands")
def stands(decision: Decision) -> str:
    found = resolution_in_force(decision)
    if found is not None:
        return format_html("{} by {}", tag(found.outcome), found.decided_by)
    if decision.outcome == DecisionOutcome.REFERRED:
        return "Nothing yet: a person decides."
    return "That outcome: no person decided otherwise."


@admin.display(description="Version", ordering="version")
def version_link(decision: Decision) -> str:
    return link(decision.version)


@admin.display(description="Days for the notice count from")
def clock(decision: Decision) -> str:
    start = decision.completed_at or decision.received_at
    return f"{start:%Y-%m-%d %H:%M} UTC ({decision.get_clock_basis_display().lower()})"


SUMMARY = Part(None, ("id", state, stands, "decision_path", "decided_at", clock))
DECIDED_BY = Part("Decided by", (version_link, "clearance", "policy_version", "role"))
MADE_OF = Part("Made of", ("artefact_sha256", "baseline_id"))
ASKED_FOR_BY = Part("Asked for by", ("client", "subject_id", "application_id", "received_at"))
