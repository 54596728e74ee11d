"""A person decides: a referred case, or otherwise than what stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit import keys
from audit.action import action, record
from audit.errors import AlreadyErased, FieldProblem
from audit.ids import uuid7
from audit.vault import Private
from registry.reason_library import ReasonLibrary
from serving.errors import (
    NothingToOverride,
    NotTheReviewer,
    ResolutionInForce,
    ResolutionMalformed,
    ReviewOpenAlready,
    WrongReviewState,
)
from serving.events import Event
from serving.models import Decision, Observation, Resolution, Review
from serving.persons_reasons import combined, reason_problems, room_for_own
from serving.policy import DecisionPolicy
from serving.queries import decision_with
from serving.receipts import signed_receipt
from serving.resolutions import resolution_in_force

Kind, Code = Resolution.Kind, Resolution.OverrideCode
CODES = {Resolution.Outcome.APPROVED: Code.LOW_SIDE, Resolution.Outcome.DECLINED: Code.HIGH_SIDE}


@dataclass(frozen=True)
class PersonsWord:
    """What a person decides and why. Each reason has a `reason_group` of the library, or a `statement` of its own."""

    outcome: str
    rationale: str
    override_code: str = ""
    reasons: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@action(Event.DECISION_RESOLVED, needs="serving.resolve_decision")
def resolve_decision(
    decision_id: UUID, word: PersonsWord, *, by: User, review: Review | None = None
) -> Resolution:
    """Decide a referred case, or override what stands; after the first only by a review.

    A person who declines gives their own reasons; the score's go with them where it did not pass.

    Raises NoSuchDecision, AlreadyErased, ResolutionInForce, ReviewOpenAlready, NothingToOverride, WrongReviewState,
    NotTheReviewer, or ResolutionMalformed with every field at fault.
    """
    decision = decision_with(decision_id)
    before = resolution_in_force(decision)
    if review is not None:
        _require_reviewing(review, decision, by)
    elif before is not None:
        raise ResolutionInForce(f"{before.decided_by} decided this case; it takes a review now.")
    elif Review.objects.filter(decision=decision, closed_at=None).exists():
        raise ReviewOpenAlready("The decision is being reviewed; whoever reviews it decides.")
    stands = before.outcome if before else decision.outcome
    kind = Kind.REFERRAL if stands == "referred" else Kind.OVERRIDE
    if word.outcome == stands:
        raise NothingToOverride(f"The decision is {stands}, and stands without an override.")
    reasons = _reasons(decision, word, kind)
    resolution = Resolution(
        id=uuid7(),
        decision=decision,
        kind=kind,
        outcome=word.outcome,
        override_code=word.override_code,
        supersedes=before,
        review=review,
        decided_by=by,
    )
    said = {
        "outcome": word.outcome,
        "override_code": word.override_code,
        "reasons": reasons,
        "rationale": word.rationale,
    }
    resolution.entry = record(
        subject=resolution,
        private=Private(decision.subject_id, said),
        decision=decision.pk,
        model=decision.model_name,
        version=decision.version.number,
        kind=kind,
        supersedes=before.pk if before else None,
        review=review.pk if review else None,
    )
    resolution.decided_at = resolution.entry.occurred_at
    resolution.key_id, resolution.signature = signed_receipt(
        resolution.entry, resolution.decided_at, keys.producer()
    )
    resolution.save(force_insert=True)
    return resolution


def _require_reviewing(review: Review, decision: Decision, by: User) -> None:
    if review.decision_id != decision.pk or review.state != Review.State.REVIEWED:
        raise WrongReviewState(f"{review} is {review.get_state_display().lower()}.")
    if review.reviewer_id != by.pk:
        raise NotTheReviewer(f"{review} was given to {review.reviewer}.")


def _reasons(decision: Decision, word: PersonsWord, kind: Resolution.Kind) -> list[dict[str, Any]]:
    """The reasons as they are kept, ranked. Raises ResolutionMalformed or AlreadyErased."""
    try:
        seen = decision.observation
    except Observation.DoesNotExist:
        raise AlreadyErased(f"The person whom {decision} concerns was erased.") from None
    problems = []
    if word.outcome not in Resolution.Outcome.values:
        problems.append(FieldProblem("outcome", "unknown", "approved or declined."))
    wanted = CODES.get(Resolution.Outcome(word.outcome), "") if not problems else ""
    wanted = wanted if kind == Kind.OVERRIDE else ""
    if not problems and word.override_code != wanted:
        detail = f"Must be {wanted}." if wanted else "A referred case has none."
        problems.append(FieldProblem("override_code", "mismatch", detail))
    if not word.rationale.strip():
        detail = "Say why, in words that can be read later."
        problems.append(FieldProblem("rationale", "missing", detail))
    if word.outcome == Resolution.Outcome.APPROVED and word.reasons:
        problems.append(FieldProblem("reasons", "unexpected", "Only who declines gives reasons."))
    reasons: list[dict[str, Any]] = []
    if word.outcome == Resolution.Outcome.DECLINED:
        policy = DecisionPolicy.from_json(decision.version.decision_policy.body)
        library = ReasonLibrary.from_json(decision.version.reason_library.body)
        room = room_for_own(seen.reasons, policy.max_reasons)
        if found := reason_problems(word.reasons, library, room):
            problems += found
        else:
            reasons = combined(word.reasons, seen.reasons, library, policy.max_reasons)
    if problems:
        raise ResolutionMalformed("The case cannot be decided like that.", errors=problems)
    return reasons
