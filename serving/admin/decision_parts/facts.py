"""What the decision was, and by what and for whom it was made."""

from django.contrib import admin

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import link, tag
from serving.models import Decision


@admin.display(description="Outcome", ordering="outcome")
def state(decision: Decision) -> str:
    return tag(decision.outcome)


@admin.display(description="Version", ordering="version")
def version_link(decision: Decision) -> str:
    return link(decision.version)


@admin.display(description="Days for the notice count from")
def clock(decision: Decision) -> str:
    start = decision.completed_at or decision.received_at
    return f"{start:%Y-%m-%d %H:%M} UTC ({decision.get_clock_basis_display().lower()})"


SUMMARY = Part(None, ("id", state, "decision_path", "decided_at", clock))
DECIDED_BY = Part("Decided by", (version_link, "clearance", "policy_version", "role"))
MADE_OF = Part("Made of", ("artefact_sha256", "baseline_id"))
ASKED_FOR_BY = Part("Asked for by", ("client", "subject_id", "application_id", "received_at"))
