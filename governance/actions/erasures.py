"""Asking for a disputed request for erasure to be settled by two people."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action
from audit.actions.erasures import ErasureDecided, ErasureUndisputed
from audit.cases import assessment_of, erasure_case_with
from audit.errors import FieldProblem, UnderLegalHold
from audit.models import ErasureCase
from audit.weighing import ERASED_UNDER, KEPT_ON, Outcome
from governance.asking import put_request
from governance.errors import ChangeMalformed
from governance.events import Event
from governance.models import ChangeRequest
from governance.queries.accounts import account
from governance.queries.changes import erasure_evidence

ERASE, REFUSE = "erase", "refuse"
GROUNDS_OF: dict[str, tuple[str, ...]] = {ERASE: (ERASED_UNDER,), REFUSE: KEPT_ON}
"""By outcome, the grounds that it can rest on."""


@action(Event.CHANGE_REQUESTED, needs="governance.request_erasure")
def request_erasure(
    case_id: UUID, outcome: str, ground: str, rationale: str, *, by: User
) -> ChangeRequest:
    """Ask for a disputed request to be granted (`erase`) or refused (`refuse`) as a whole, on one ground.

    Legal counsel and a privacy officer decide, neither of whom asked or recorded the request; then it is carried out.
    Raises NoSuchErasureCase, ErasureDecided, ErasureUndisputed, UnderLegalHold, RationaleMissing, AlreadyRequested, or
    ChangeMalformed naming every bad field.
    """
    case = erasure_case_with(case_id)
    if case.state != ErasureCase.State.OPEN:
        raise ErasureDecided(f"The request was decided: {case.outcome}.")
    if not hasattr(case, "dispute"):
        raise ErasureUndisputed("Nobody disputes the request; decide it.")
    assessment = assessment_of(case)
    if problems := _problems(outcome, ground, assessment.outcome):
        raise ChangeMalformed("The outcome cannot be asked for; see `errors`.", errors=problems)
    if outcome == ERASE and assessment.matters:
        raise UnderLegalHold("A legal hold covers the person; nothing is erased until it is released.")  # fmt: skip
    terms = {"outcome": outcome, "ground": ground}
    change = ChangeRequest(
        kind=ChangeRequest.Kind.ERASURE, erasure_case=case, made_by=account(case.recorded_by)
    )
    return put_request(change, erasure_evidence(case, terms), rationale, by, timezone.now())


def _problems(outcome: str, ground: str, undisputed: Outcome) -> list[FieldProblem]:
    if outcome not in GROUNDS_OF:
        detail = f"Outcomes are {', '.join(GROUNDS_OF)}."
        return [FieldProblem("outcome", "unknown", detail)]
    problems = []
    if ground not in GROUNDS_OF[outcome]:
        detail = f"To {outcome} takes one of {', '.join(GROUNDS_OF[outcome])}."
        problems.append(FieldProblem("ground", "unknown", detail))
    if outcome == ERASE and undisputed == Outcome.REFUSED_NOT_SUBJECT:
        problems.append(FieldProblem("outcome", "nothing_held", "Nothing is held to be erased."))
    return problems
