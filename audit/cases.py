"""Named reads about requests for erasure and legal holds."""

from uuid import UUID

from django.db.models import OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.errors import NoSuchErasureCase, NoSuchHold
from audit.holdings import facts_about, nobody
from audit.models import ErasureCase, ErasureDispute, LegalHold
from audit.weighing import Assessment, weighed


def restricted_people(subject_id: OuterRef) -> QuerySet[ErasureCase]:
    """The decided requests that restrict a person, for an `Exists` over rows about people."""
    return ErasureCase.objects.filter(subject=subject_id, is_restricted=True)


def erasure_case_with(case_id: UUID) -> ErasureCase:
    """Raises NoSuchErasureCase."""
    case = ErasureCase.objects.filter(pk=case_id).first()
    if case is None:
        raise NoSuchErasureCase(f"There is no request for erasure {case_id}.")
    return case


def assessment_of(case: ErasureCase) -> Assessment:
    """What would become of a request if it were decided now: a dry run, which changes nothing."""
    facts = facts_about([case.subject_id])[0] if case.subject_id else nobody()
    return weighed(facts, timezone.now().date())


def is_disputed(subject_id: UUID) -> bool:
    """Whether an open request of the person is disputed: until it is settled, nothing else erases them."""
    return ErasureDispute.objects.filter(
        case__subject=subject_id, case__state=ErasureCase.State.OPEN
    ).exists()


def open_erasure_cases() -> QuerySet[ErasureCase]:
    """Those that run out of time first, first."""
    due = Coalesce("extended_until", "due_on")
    return ErasureCase.objects.filter(state=ErasureCase.State.OPEN).order_by(due, "pk")


def hold_with(hold_id: UUID) -> LegalHold:
    """Raises NoSuchHold."""
    hold = LegalHold.objects.filter(pk=hold_id).first()
    if hold is None:
        raise NoSuchHold(f"There is no legal hold {hold_id}.")
    return hold


def holds_in_force() -> QuerySet[LegalHold]:
    """Those to be reviewed first, first."""
    return LegalHold.objects.filter(released_at=None).order_by("review_on", "pk")
