"""Whom a client means by its own references."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from audit import references
from audit.models import Erasure
from audit.purposes import MONITORING
from monitoring.demographics import Demographics
from serving.models import Decision

PER_QUERY = 500


def subjects_of(client: str, rows: Sequence[Demographics]) -> dict[tuple[str, str], UUID]:
    """The subject behind each row's reference; references that the vault does not know are left out."""
    by_kind: dict[str, list[str]] = {"subject": [], "application": []}
    for row in rows:
        kind, reference = row.reference
        by_kind[kind].append(reference)
    subjects = references.find(client, "subject", by_kind["subject"])
    applications = references.find(client, "application", by_kind["application"])
    applicants = _applicants(sorted(applications.values(), key=str))
    found = {("subject", reference): subject for reference, subject in subjects.items()}
    for reference, application in applications.items():
        if application in applicants:
            found["application", reference] = applicants[application]
    return found


def erased_among(subject_ids: Iterable[UUID]) -> set[UUID]:
    """Those whose monitoring attributes were erased: none are taken about them again."""
    wanted = sorted(set(subject_ids))
    erased: set[UUID] = set()
    for start in range(0, len(wanted), PER_QUERY):
        some = wanted[start : start + PER_QUERY]
        rows = Erasure.objects.filter(subject__in=some, purpose=MONITORING.name)
        erased.update(rows.values_list("subject_id", flat=True))
    return erased


def _applicants(application_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    found: dict[UUID, UUID] = {}
    for start in range(0, len(application_ids), PER_QUERY):
        rows = Decision.objects.filter(
            application_id__in=application_ids[start : start + PER_QUERY]
        )
        found |= dict(rows.values_list("application_id", "subject_id"))
    return found
