"""Correcting what a decision was made of: the application is decided anew, and both decisions stay."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit.action import action, record
from audit.errors import FieldProblem, NotPermitted, Refusal
from audit.vault import Private
from serving.actions.decisions import decide_again
from serving.correcting import features_of
from serving.errors import CorrectionMalformed
from serving.events import Event
from serving.models import Correction
from serving.queries import decision_with


@action(Event.DECISION_CORRECTED, needs="serving.decide")
def correct_decision(
    decision_id: UUID, features: Mapping[str, Any], source: str, *, by: User
) -> Correction | Refusal:
    """Offer a new decision with corrected features, by the champion of now; the one before is not overwritten.

    `source` says where the right values come from. Only for the lending system that asked for the decision.
    Raises NoSuchDecision, NotPermitted, AlreadyErased, CorrectionMalformed with every name at fault, or what `decide`
    raises; returns a refusal where `decide` does.
    """
    original = decision_with(decision_id)
    if original.client_id != by.pk:
        raise NotPermitted(f"{by.get_username()} did not ask for this decision.")
    if not source.strip():
        problem = FieldProblem("source", "missing", "Say where the right values come from.")
        raise CorrectionMalformed("The source is missing.", errors=[problem])
    result = decide_again(original, features, by=by)
    if isinstance(result, Refusal):
        return result
    before = features_of(original)
    changed = {
        name: {"was": before.get(name), "is": value}
        for name, value in features.items()
        if before.get(name) != value
    }
    entry = record(
        subject=original,
        private=Private(original.subject_id, {"features": changed, "source": source}),
        decision=result.pk,
        features=sorted(changed),
    )
    return Correction.objects.create(
        original=original, decision=result, features=sorted(changed), entry=entry
    )
