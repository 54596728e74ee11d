"""Going back to the former champion: at once, because it was approved before and little may be lost meanwhile."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.actions.versions import suspend_version
from governance.errors import DeveloperCannotApprove
from governance.events import Event
from governance.models import Rollback
from governance.queries.changes import built_by
from governance.queries.rollbacks import cleared_before, way_back
from governance.words import require_words
from registry.actions.clearances import grant_clearance, revoke_clearance
from registry.actions.versions import promote_to_champion
from registry.models import Clearance, ScoringModel


@action(Event.ROLLED_BACK, needs="governance.roll_back")
def roll_back(model: ScoringModel, rationale: str, *, by: User) -> Rollback:
    """Put the former champion in the place of the champion, which is suspended.

    1. The former champion can come back, and who says so did not build it.
    2. The champion loses its clearances.
    3. The former one is cleared on the evidence it was approved on, takes the place, and has used up its way back.

    Raises RationaleMissing, NoWayBack, WayBackExpired, WayBackDamaged or DeveloperCannotApprove.
    """
    # 1
    require_words("rationale", rationale)
    model = ScoringModel.objects.select_for_update().get(pk=model.pk)
    now = timezone.now()
    way = way_back(model, now)
    if by.pk in built_by(way.former):
        raise DeveloperCannotApprove(f"{by} built {way.former} and cannot also bring it back.")
    rollback = Rollback(
        model=model,
        from_version=way.champion,
        to_version=way.former,
        clearance=way.clearance,
        rationale=rationale,
        rolled_back_by=by,
        rolled_back_at=now,
    )
    rollback.entry = record(
        subject=way.former.subject,
        rationale=rationale,
        from_version=way.champion.number,
        to_version=way.former.number,
        artefact_sha256=way.former.artefact_id,
        clearance=way.clearance.pk,
    )
    rollback.save(force_insert=True)
    # 2
    suspend_version(way.champion, rationale, by=by)
    # 3
    before = cleared_before(way.former)
    grant_clearance(
        way.former,
        Clearance.Purpose.SCORE_LIVE,
        before.evidence_digest,
        before.approver_ids,
        before.change_request_id,
        by=by,
    )
    promote_to_champion(way.former, by=by)
    revoke_clearance(way.clearance, by=by, reason=f"{way.former} is the champion again.")
    return rollback
