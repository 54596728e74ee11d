"""Stopping a version at once. Stopping is safe, so one person does it; starting again takes the whole way."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.ending import end_rollouts
from governance.errors import WrongStage
from governance.events import Event
from governance.models import RetrainingCase
from governance.words import require_words
from registry.actions.clearances import revoke_clearance
from registry.actions.versions import change_stage
from registry.models import Clearance, ModelVersion, Stage
from registry.queries import live_clearances


@action(Event.VERSION_SUSPENDED, needs="governance.suspend_version")
def suspend_version(version: ModelVersion, rationale: str, *, by: User) -> ModelVersion:
    """Revoke every clearance of a version: the next application is already refused.

    Suspending the champion contains the breached retraining cases of its model. Raises RationaleMissing or WrongStage.
    """
    require_words("rationale", rationale)
    version = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if version.stage not in {Stage.STAGING, Stage.PRODUCTION}:
        raise WrongStage(f"{version} is {version.stage}; there is nothing to stop.")
    was_champion = version.stage == Stage.PRODUCTION
    end_rollouts(version.model, rationale, by=by, version=None if was_champion else version)
    now = timezone.now()
    revoked = [
        revoke_clearance(clearance, by=by, reason=rationale).pk
        for purpose in Clearance.Purpose
        for clearance in live_clearances(version, purpose, now)
    ]
    version = change_stage(version, Stage.SUSPENDED, by=by, reason=rationale)
    contained = _contain_breaches(version) if was_champion else []
    record(
        subject=version.subject, rationale=rationale, revocations=revoked, contained_cases=contained
    )
    return version


def _contain_breaches(version: ModelVersion) -> list[str]:
    breached = RetrainingCase.objects.filter(
        model=version.model, state=RetrainingCase.State.BREACHED, closed_at=None
    )
    contained = [str(case.pk) for case in breached]
    breached.update(state=RetrainingCase.State.CONTAINED)
    return contained
