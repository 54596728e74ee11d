"""The one place where notices learn what became of an application: today the score's decision."""

from audit.errors import AlreadyErased
from serving.models import Decision, Observation
from serving.notices.composing import About, ActionTaken


def action_taken(decision: Decision) -> ActionTaken:
    """What the applicant is to be told. Raises AlreadyErased."""
    reasons = tuple(reason["statement"] for reason in _seen(decision).reasons)
    return ActionTaken(decision.outcome, reasons, decision.decided_at)


def about(decision: Decision) -> About:
    """The decision as a notice names it. Raises AlreadyErased."""
    seen = _seen(decision)
    factors = getattr(seen, "key_factors", None)
    return About(
        decision_id=str(decision.pk),
        application_id=str(decision.application_id),
        scores={"pd": seen.pd, "margin": seen.margin},
        key_factors=None if factors is None else tuple(each["statement"] for each in factors),
    )


def _seen(decision: Decision) -> Observation:
    try:
        return decision.observation
    except Observation.DoesNotExist:
        raise AlreadyErased(
            f"The person whom decision {decision.pk} concerns was erased."
        ) from None
