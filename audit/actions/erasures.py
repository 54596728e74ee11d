"""Requests for erasure: recorded by one person, decided and carried out by another."""

from datetime import date
from hashlib import sha256
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import holdings, references
from audit.action import action, record
from audit.actions.subjects import erase_subject
from audit.errors import (
    ErasureDisputed,
    FieldProblem,
    InvalidInput,
    NoSuchErasureCase,
    Refusal,
    UnderLegalHold,
)
from audit.events import Event
from audit.ids import uuid7
from audit.letters import erasure_letter
from audit.models import ErasureCase, ErasureDispute
from audit.months import ANSWER_MONTHS, EXTENDED_MONTHS, months_after
from audit.person_requests import PersonRequest, PersonRequestMalformed
from audit.weighing import ERASED_UNDER, GROUNDS, Assessment, Facts, settled, weighed


class ErasureDecided(Refusal):
    """The request was decided."""


class DisputeMalformed(InvalidInput):
    """A dispute does not say by whom, on which ground or why."""


class ErasureUndisputed(Refusal):
    """Nobody disputes the request: it is decided from the facts."""


class ErasureUnderWay(Refusal):
    """A request of the same person is open."""


class FactsChanged(Refusal):
    """What would be erased is not what the decider saw. Look again."""


class RecorderCannotDecide(Refusal):
    """Whoever recorded a request does not also decide it: what is erased does not come back."""

    status = 403


class TooLateToExtend(Refusal):
    """The person must be told of an extension within the first month."""


@action(Event.ERASURE_REQUESTED, needs="audit.record_erasure")
def record_erasure_request(request: PersonRequest, *, by: User) -> ErasureCase:
    """Start the clock of a request. Raises PersonRequestMalformed or ErasureUnderWay.

    Somebody whom the vault does not know gets a case as well, and an answer.
    """
    request.require_sound(timezone.now().date())
    subject_id = references.subject_named(request.client, request.subject_ref, request.subject_id)
    if subject_id and ErasureCase.objects.filter(subject=subject_id, state="open").exists():
        raise ErasureUnderWay(f"A request of {subject_id} is open already.")
    case_id, due_on = uuid7(), months_after(request.received_on, ANSWER_MONTHS)
    return ErasureCase.objects.create(
        id=case_id,
        subject_id=subject_id,
        correspondence=request.correspondence,
        identity_check=request.identity_check,
        received_on=request.received_on,
        due_on=due_on,
        recorded_by=by.get_username(),
        recorded_at=timezone.now(),
        entry=record(
            subject=("audit.erasurecase", str(case_id)),
            person=subject_id,
            correspondence=request.correspondence,
            identity_check=request.identity_check,
            received_on=request.received_on,
            due_on=due_on,
        ),
    )


@action(Event.ERASURE_EXTENDED, needs="audit.record_erasure")
def extend_erasure_case(case_id: UUID, reason: str, *, by: User) -> ErasureCase:
    """Take two further months, of which the person is told in time. Raises NoSuchErasureCase, ErasureDecided,
    PersonRequestMalformed or TooLateToExtend."""
    case = _undecided(case_id)
    if not reason.strip():
        problem = FieldProblem("reason", "missing", "Say why: the person is told.")
        raise PersonRequestMalformed("An extension needs a reason.", errors=[problem])
    if case.extended_until or timezone.now().date() > case.due_on:
        raise TooLateToExtend(
            f"The answer was due on {case.due_on}; it is extended once, and before that day."
        )
    case.extended_until = months_after(case.received_on, EXTENDED_MONTHS)
    case.extension_reason = reason
    case.save(update_fields=["extended_until", "extension_reason"])
    record(
        subject=("audit.erasurecase", str(case_id)),
        reason=reason,
        extended_until=case.extended_until,
    )
    return case


@action(Event.ERASURE_DECIDED, needs="audit.decide_erasure")
def decide_erasure_case(case_id: UUID, seen: str, *, by: User) -> ErasureCase:
    """Decide a request from the facts as they are now, and carry it out. What is erased does not come back.

    1. Hold the facts still, and weigh them. 2. Compare with what the decider saw: `seen` is the digest of the
    assessment. 3. Erase. 4. Keep the outcome and the letter.

    Raises NoSuchErasureCase, ErasureDecided, ErasureDisputed, RecorderCannotDecide or FactsChanged.
    """
    # 1
    case = _undecided(case_id)
    if ErasureDispute.objects.filter(case=case).exists():
        raise ErasureDisputed("The request is disputed. Ask for a change request about it.")
    if case.recorded_by == by.get_username():
        raise RecorderCannotDecide(f"{by} recorded this request and cannot also decide it.")
    today = timezone.now().date()
    facts = _locked_facts(case)
    assessment = weighed(facts, today)
    # 2
    _require_seen(seen, assessment)
    # 3
    _erase(case, assessment, by)
    # 4
    return _close(case, assessment, today, by)


@action(Event.ERASURE_DISPUTED, needs="audit.dispute_erasure")
def dispute_erasure_case(
    case_id: UUID, disputed_by: str, ground: str, reason: str, *, by: User
) -> ErasureDispute:
    """Put on record that the person or the bank's counsel disputes on which ground a request is answered.

    From then on nobody decides it alone. Raises NoSuchErasureCase, ErasureDecided, ErasureDisputed, or DisputeMalformed
    naming every bad field.
    """
    case = _undecided(case_id)
    sides, problems = ErasureDispute.Side.values, []
    if disputed_by not in sides:
        problems.append(FieldProblem("disputed_by", "unknown", f"One of {', '.join(sides)}."))
    if ground not in GROUNDS:
        problems.append(FieldProblem("ground", "unknown", f"One of {', '.join(GROUNDS)}."))
    if not reason.strip():
        problems.append(FieldProblem("reason", "missing", "Say what is disputed, without names."))
    if problems:
        raise DisputeMalformed("The dispute cannot be recorded; see `errors`.", errors=problems)
    if ErasureDispute.objects.filter(case=case).exists():
        raise ErasureDisputed("The request is disputed already.")
    return ErasureDispute.objects.create(
        case=case,
        disputed_by=disputed_by,
        ground=ground,
        reason=reason,
        recorded_by=by.get_username(),
        recorded_at=timezone.now(),
        entry=record(
            subject=("audit.erasurecase", str(case_id)),
            disputed_by=disputed_by,
            ground=ground,
            reason=reason,
        ),
    )


@action(Event.ERASURE_SETTLED, needs="audit.settle_erasure")
def settle_erasure_case(case_id: UUID, ground: str, seen: str, *, by: User) -> ErasureCase:
    """Carry out what two people decided about a disputed request: all is erased, or kept on a ground of `KEPT_ON`.

    `seen` is the digest of the assessment that they had before them. Who the two are is decided on a floor above, and
    held by the database: no disputed request closes without a granted change request.

    Raises NoSuchErasureCase, ErasureDecided, ErasureUndisputed, FactsChanged or UnderLegalHold.
    """
    case = _undecided(case_id)
    if not ErasureDispute.objects.filter(case=case).exists():
        raise ErasureUndisputed("Nobody disputes the request; decide it.")
    today = timezone.now().date()
    facts = _locked_facts(case)
    _require_seen(seen, weighed(facts, today))
    if ground == ERASED_UNDER and facts.covering:
        raise UnderLegalHold("A legal hold covers the person; nothing is erased until it is released.")  # fmt: skip
    assessment = settled(facts, ground)
    _erase(case, assessment, by)
    return _close(case, assessment, today, by)


def _locked_facts(case: ErasureCase) -> Facts:
    return holdings.locked_facts(case.subject_id) if case.subject_id else holdings.nobody()


def _require_seen(seen: str, assessment: Assessment) -> None:
    if seen != assessment.digest:
        raise FactsChanged("What would be erased has changed since you looked. Read it again.")


def _erase(case: ErasureCase, assessment: Assessment, by: User) -> None:
    if case.subject_id and assessment.erased:
        erase_subject(
            case.subject_id,
            legal_basis=ERASED_UNDER,
            reason=f"Request {case.correspondence}",
            purposes=assessment.erased,
            by=by,
        )


def _close(case: ErasureCase, assessment: Assessment, today: date, by: User) -> ErasureCase:
    case.state, case.outcome = ErasureCase.State.DECIDED, assessment.outcome
    case.assessment = assessment.as_json()
    case.letter = erasure_letter(assessment, case.correspondence, case.received_on, today)
    case.is_restricted = bool(assessment.restriction)
    case.decided_by, case.decided_at = by.get_username(), timezone.now()
    case.save(
        update_fields=[
            "state", "outcome", "assessment", "letter", "is_restricted", "decided_by", "decided_at",
        ]
    )  # fmt: skip
    record(
        subject=("audit.erasurecase", str(case.pk)),
        person=case.subject_id,
        article=assessment.article,
        is_restricted=case.is_restricted,
        in_time=today <= case.answer_due_on,
        letter_sha256=sha256(case.letter.encode()).hexdigest(),
        **case.assessment,
    )
    return case


def _undecided(case_id: UUID) -> ErasureCase:
    case = ErasureCase.objects.select_for_update().filter(pk=case_id).first()
    if case is None:
        raise NoSuchErasureCase(f"There is no request for erasure {case_id}.")
    if case.state != ErasureCase.State.OPEN:
        raise ErasureDecided(f"The request was decided: {case.outcome}.")
    return case
