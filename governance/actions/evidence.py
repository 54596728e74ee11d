"""Opening evidence: what somebody saw before they decided is on record."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.canonical import digest_json
from governance.comparison import Comparison, compared
from governance.errors import NothingToCompare
from governance.events import Event
from governance.models import EvidenceView
from governance.queries.changes import champion_compared, change_with


@action(Event.EVIDENCE_OPENED, needs="governance.open_evidence")
def open_comparison(change_id: UUID, *, by: User) -> Comparison:
    """Show who would be decided otherwise than by the champion, and keep that this person saw it.

    Raises NoSuchChange or NothingToCompare, or what reading the two versions raises.
    """
    change = change_with(change_id)
    champion = champion_compared(change)
    if champion is None or change.version is None:
        raise NothingToCompare(
            f"{change}: there is no champion to compare with feature by feature."
        )
    comparison = compared(change.version, champion)
    shown = digest_json(comparison.as_json())
    entry = record(
        subject=change,
        part=EvidenceView.Part.COMPARISON,
        champion=champion.number,
        evidence_digest=change.evidence_digest,
        shown_sha256=shown,
    )
    EvidenceView.objects.create(
        change_request=change,
        viewer=by,
        part=EvidenceView.Part.COMPARISON,
        evidence_digest=change.evidence_digest,
        shown_sha256=shown,
        viewed_at=timezone.now(),
        entry=entry,
    )
    return comparison
