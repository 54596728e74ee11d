"""Whom a client means by its own references."""

from collections.abc import Sequence
from uuid import UUID

from audit import vault
from monitoring.demographics import Demographics
from serving.models import Decision

PER_QUERY = 500


def subjects_of(client: str, rows: Sequence[Demographics]) -> dict[tuple[str, str], UUID]:
    """The subject behind each row's reference; references that the vault does not know are left out."""
    by_kind: dict[str, list[str]] = {"subject": [], "application": []}
    for row in rows:
        kind, reference = row.reference
        by_kind[kind].append(reference)
    subjects = vault.find(client, "subject", by_kind["subject"])
    applications = vault.find(client, "application", by_kind["application"])
    applicants = _applicants(sorted(applications.values(), key=str))
    found = {("subject", reference): subject for reference, subject in subjects.items()}
    for reference, application in applications.items():
        if application in applicants:
            found["application", reference] = applicants[application]
    return found


def _applicants(application_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    found: dict[UUID, UUID] = {}
    for start in range(0, len(application_ids), PER_QUERY):
        rows = Decision.objects.filter(
            application_id__in=application_ids[start : start + PER_QUERY]
        )
        found |= dict(rows.values_list("application_id", "subject_id"))
    return found
