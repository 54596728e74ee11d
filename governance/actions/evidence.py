"""Opening evidence: what somebody saw before they decided is on record."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record, require
from audit.canonical import digest_json
from audit.queries import service_account
from governance.comparison import Comparison, compared
from governance.errors import NothingToCompare
from governance.events import Event
from governance.models import ChangeRequest, EvidenceView
from governance.queries.changes import champion_compared, change_with
from governance.queries.evidence import shown_to
from monitoring.queries.reports import FAIRNESS_PERMISSION

OPEN = "governance.open_evidence"


@action(Event.EVIDENCE_OPENED, needs=OPEN)
def open_comparison(change_id: UUID, *, by: User) -> Comparison:
    """Show who would be decided otherwise than by the champion, and keep that this person saw it.

    Protected values are read by the monitoring account, and the entry says which. Whoever may not see fairness
    reports cannot open it: half a comparison is not what a decision rests on.
    Raises NoSuchChange, NotPermitted or NothingToCompare, or what reading the two versions raises.
    """
    require(by, FAIRNESS_PERMISSION)
    change, now = change_with(change_id), timezone.now()
    champion = champion_compared(change)
    if champion is None or change.version is None:
        raise NothingToCompare(
            f"{change}: there is no champion to compare with feature by feature."
        )
    comparison = compared(change.version, champion, now, reader=service_account("monitor"))
    _keep(
        change,
        EvidenceView.Part.COMPARISON,
        comparison.as_json(),
        by,
        champion=champion.number,
        protected_columns_read=comparison.protected_columns,
        protected_people_read=comparison.protected_people,
    )
    return comparison


@action(Event.EVIDENCE_OPENED, needs=OPEN)
def open_part(change_id: UUID, part: str, *, by: User) -> dict[str, Any]:
    """Show one part of the evidence other than the comparison, and keep that this person saw it.

    Raises NoSuchChange, or NoSuchEvidence where the change has no such part.
    """
    change = change_with(change_id)
    shown = shown_to(by, change, part)
    _keep(change, part, shown, by)
    return shown


def _keep(
    change: ChangeRequest, part: str, shown: dict[str, Any], by: User, **details: Any
) -> EvidenceView:
    digest = digest_json(shown)
    entry = record(
        subject=change,
        part=part,
        evidence_digest=change.evidence_digest,
        shown_sha256=digest,
        **details,
    )
    return EvidenceView.objects.create(
        change_request=change,
        viewer=by,
        part=part,
        evidence_digest=change.evidence_digest,
        shown_sha256=digest,
        viewed_at=timezone.now(),
        entry=entry,
    )
