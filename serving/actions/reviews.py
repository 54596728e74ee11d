"""Human review of a contested decision, from the contest to the letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, holds, record, require
from audit.canonical import digest_json
from audit.errors import FieldProblem, NotPermitted
from audit.ids import uuid7
from audit.models import Entry
from audit.vault import Private
from serving.actions.resolutions import PersonsWord, resolve_decision
from serving.errors import (
    EvidenceNotOpened,
    NoSuchReview,
    NotDecidedYet,
    NotTheReviewer,
    ReviewerCannotOverturn,
    ReviewerHadAPart,
    ReviewMalformed,
    ReviewNotLate,
    ReviewOpenAlready,
    WrongReviewState,
)
from serving.events import Event
from serving.models import LateReview, Review, ReviewStep
from serving.queries import decision_with
from serving.resolutions import final_of
from serving.reviews import deadline, evidence_of, had_a_part, newly_late_reviews, open_reviews

State, Kind = Review.State, ReviewStep.Kind
OVERTURN = "serving.resolve_decision"
SEE_DATA = "serving.view_observation"
RESULTS = (State.UPHELD, State.OVERTURNED, State.PARTLY)


@dataclass(frozen=True)
class Result:
    """How a review ends. `reasons` and `override_code` as a resolution takes them, where the outcome is overturned."""

    result: str
    letter: str
    rationale: str = ""
    override_code: str = ""
    reasons: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@action(Event.REVIEW_OPENED, needs="serving.open_review")
def open_review(
    decision_id: UUID, grounds: str, *, by: User, received_on: date | None = None
) -> Review:
    """Take in that an applicant contests a decision; the clock runs from the day on which that came, today if not said.

    A lending system does so for decisions that it asked for itself.
    Raises NoSuchDecision, NotPermitted, NotDecidedYet, ReviewOpenAlready, ReviewMalformed or AlreadyErased.
    """
    decision, today = decision_with(decision_id), timezone.now().date()
    if decision.client_id != by.pk and not holds(by, "serving.view_decision"):
        raise NotPermitted(f"{by.get_username()} did not ask for this decision.")
    received_on = received_on or today
    problems = _missing("grounds", grounds, "What the applicant says against the decision.")
    if not decision.decided_at.date() <= received_on <= today:
        detail = "Between the day of the decision and today."
        problems.append(FieldProblem("received_on", "out_of_range", detail))
    if problems:
        raise ReviewMalformed("The review cannot be taken in.", errors=problems)
    if not final_of(decision).is_final:
        raise NotDecidedYet("The case waits for a person's decision; that comes first.")
    if open_reviews().filter(decision=decision).exists():
        raise ReviewOpenAlready("An open review of the decision takes in what is said further.")
    policy, due_on, alert_on = deadline(decision.version.model, received_on)
    review = Review(
        id=uuid7(),
        decision=decision,
        received_on=received_on,
        due_on=due_on,
        alert_on=alert_on,
        policy=policy,
        opened_by=by,
        opened_at=timezone.now(),
    )
    review.entry = record(
        subject=review,
        private=Private(decision.subject_id, {"text": grounds}),
        decision=decision.pk,
        model=decision.model_name,
        received_on=received_on,
        due_on=due_on,
        policy=str(policy) if policy else None,
    )
    review.save(force_insert=True)
    _keep(review, Kind.OPENED, review.entry, by)
    return review


@action(Event.REVIEW_ACKNOWLEDGED, needs="serving.handle_review")
def acknowledge_review(review_id: UUID, *, by: User) -> Review:
    """Note that the applicant was told. Raises NoSuchReview or WrongReviewState."""
    review = _locked(review_id, State.CONTEST_RECEIVED)
    return _moved(review, State.ACKNOWLEDGED, Kind.ACKNOWLEDGED, record(subject=review), by)


@action(Event.REVIEW_ASSIGNED, needs="serving.handle_review")
def assign_review(review_id: UUID, reviewer: User, *, by: User) -> Review:
    """Give a review to somebody who had no part in the decision and can overturn it; also to another one later.

    Raises NoSuchReview, WrongReviewState, ReviewerHadAPart or ReviewerCannotOverturn.
    """
    review = _locked(
        review_id, State.ACKNOWLEDGED, State.ASSIGNED, State.INFORMATION_REQUESTED, State.REVIEWED
    )
    _require_fit(review, reviewer)
    review.reviewer = reviewer
    entry = record(subject=review, reviewer=reviewer.get_username())
    return _moved(review, State.ASSIGNED, Kind.ASSIGNED, entry, by)


@action(Event.REVIEW_INFORMATION_REQUESTED, needs=OVERTURN)
def request_information(review_id: UUID, text: str, *, by: User) -> Review:
    """Ask the applicant for something. Raises NoSuchReview, WrongReviewState, NotTheReviewer or ReviewMalformed."""
    review = _locked(review_id, State.ASSIGNED, State.REVIEWED)
    _require_reviewer(review, by)
    entry = _said(review, "text", text, "What is asked.")
    return _moved(review, State.INFORMATION_REQUESTED, Kind.INFORMATION_REQUESTED, entry, by)


@action(Event.REVIEW_INFORMATION_RECEIVED, needs="serving.open_review")
def receive_information(review_id: UUID, text: str, *, by: User) -> Review:
    """Take in what the applicant answered; the reviewer has to look again.

    Raises NoSuchReview, NotPermitted, WrongReviewState or ReviewMalformed.
    """
    review = _locked(review_id, State.INFORMATION_REQUESTED)
    if review.decision.client_id != by.pk and not holds(by, "serving.view_review"):
        raise NotPermitted(f"{by.get_username()} did not ask for this decision.")
    entry = _said(review, "text", text, "What the applicant answered.")
    return _moved(review, State.ASSIGNED, Kind.INFORMATION_RECEIVED, entry, by)


@action(Event.REVIEW_EVIDENCE_OPENED, needs=OVERTURN)
def open_review_evidence(review_id: UUID, *, by: User) -> dict[str, Any]:
    """Show the reviewer what the decision rests on and what was said, and keep that they saw it.

    Raises NoSuchReview, WrongReviewState, NotTheReviewer, NotPermitted or AlreadyErased.
    """
    require(by, SEE_DATA)
    review = _locked(review_id, State.ASSIGNED, State.REVIEWED)
    _require_reviewer(review, by)
    shown = evidence_of(review)
    digest = digest_json(shown)
    entry = record(subject=review, shown_sha256=digest)
    _moved(review, State.REVIEWED, Kind.EVIDENCE_OPENED, entry, by, shown_sha256=digest)
    return shown


@action(Event.REVIEW_CLOSED, needs=OVERTURN)
def close_review(review_id: UUID, result: Result, *, by: User) -> Review:
    """End a review with a letter to the applicant; overturning decides the case the other way round.

    1. The reviewer, fit as on the first day, has seen everything. 2. Decide anew where the decision is overturned.
    3. Record and close.

    Raises NoSuchReview, EvidenceNotOpened, WrongReviewState, NotTheReviewer, ReviewerHadAPart, ReviewMalformed, or
    what `resolve_decision` raises.
    """
    # 1
    review = _locked(review_id, State.ASSIGNED, State.REVIEWED)
    _require_reviewer(review, by)
    _require_fit(review, by)
    if review.state != State.REVIEWED:
        raise EvidenceNotOpened("Open the evidence first; something may have been said since.")
    problems = _missing("letter", result.letter, "What the applicant is told, with reasons.")
    if result.result not in RESULTS:
        problems.append(FieldProblem("result", "unknown", f"One of {', '.join(RESULTS)}."))
    if problems:
        raise ReviewMalformed("The review cannot end like that.", errors=problems)
    # 2
    if result.result == State.OVERTURNED:
        stands = final_of(review.decision).outcome
        outcome = "approved" if stands == "declined" else "declined"
        word = PersonsWord(outcome, result.rationale, result.override_code, result.reasons)
        resolve_decision(review.decision_id, word, by=by, review=review)
    # 3
    said = {"result": result.result, "text": result.letter}
    entry = record(subject=review, private=Private(review.decision.subject_id, said))
    review.closed_at = timezone.now()
    return _moved(review, State(result.result), Kind.CLOSED, entry, by)


@action(Event.REVIEW_LATE, needs="serving.notice_late_review")
def notice_late_review(review_id: UUID, *, by: User) -> LateReview:
    """Leave the fact that a review was not closed in time. Raises NoSuchReview or ReviewNotLate."""
    review, now = _locked(review_id, *State), timezone.now()
    if review.due_on is None or not newly_late_reviews(now.date()).filter(pk=review.pk).exists():
        raise ReviewNotLate(f"{review} is not late, or that is known.")
    return LateReview.objects.create(
        review=review,
        due_on=review.due_on,
        noticed_at=now,
        entry=record(subject=review, due_on=review.due_on, state=review.state),
    )


def _locked(review_id: UUID, *states: Review.State) -> Review:
    """The review, until the act ends. Raises NoSuchReview, or WrongReviewState where it is in none of these."""
    review = Review.objects.select_for_update().filter(pk=review_id).first()
    if review is None:
        raise NoSuchReview(f"There is no review {review_id}.")
    if review.state not in states:
        raise WrongReviewState(f"The review is {review.get_state_display().lower()}.")
    return review


def _require_reviewer(review: Review, by: User) -> None:
    if review.reviewer_id != by.pk:
        raise NotTheReviewer(f"The review was given to {review.reviewer or 'nobody'}.")


def _require_fit(review: Review, reviewer: User) -> None:
    if had_a_part(review.decision, reviewer):
        raise ReviewerHadAPart(f"{reviewer.get_username()} decided this case.")
    if not (holds(reviewer, OVERTURN) and holds(reviewer, SEE_DATA)):
        raise ReviewerCannotOverturn(
            f"{reviewer.get_username()} can look into no case and decide none."
        )


def _missing(name: str, text: str, detail: str) -> list[FieldProblem]:
    return [] if text.strip() else [FieldProblem(name, "missing", detail)]


def _said(review: Review, name: str, text: str, detail: str) -> Entry:
    if problems := _missing(name, text, detail):
        raise ReviewMalformed("It is said in words.", errors=problems)
    return record(subject=review, private=Private(review.decision.subject_id, {"text": text}))


def _moved(
    review: Review,
    state: Review.State,
    kind: ReviewStep.Kind,
    entry: Entry,
    by: User,
    shown_sha256: str = "",
) -> Review:
    """Keep the step first: the database closes no review whose evidence its reviewer did not open."""
    _keep(review, kind, entry, by, shown_sha256)
    review.state = state
    review.save(update_fields=["state", "reviewer", "closed_at"])
    return review


def _keep(
    review: Review, kind: ReviewStep.Kind, entry: Entry, by: User, shown_sha256: str = ""
) -> None:
    ReviewStep.objects.create(
        review=review,
        kind=kind,
        by=by,
        taken_at=timezone.now(),
        shown_sha256=shown_sha256,
        entry=entry,
    )
