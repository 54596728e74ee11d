"""Steps of a rollout: a version beside the champion begins, and stops, to decide a share of the applications."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import FieldProblem
from registry.actions.clearances import revoke_clearance
from registry.models import Clearance, ScoringModel
from registry.queries import champion, clearances_in_force
from serving.errors import (
    ContractsDiffer,
    NoClearedVersion,
    ReasonMissing,
    ShareOutOfBounds,
)
from serving.events import Event
from serving.in_service import running_deployments, sharing_deployments
from serving.models import Deployment
from serving.rollouts import require_guard_rails, running_step
from serving.scoring import require_ready


@action(Event.DEPLOYMENT_STARTED, needs="serving.start_deployment")
def start_deployment(
    clearance: Clearance, role: str, share_percent: int, *, by: User
) -> Deployment:
    """Give a cleared version its share from the next application on; its step before ends. A shadow takes nothing.

    What is stored of the version is read anew before the model's row is locked: a share goes to nobody who cannot score.
    Raises ArtefactRefused, NoClearedVersion, ContractsDiffer, NoGuardRails or ShareOutOfBounds.
    """
    version, now = clearance.version, timezone.now()
    require_ready(version)
    model = ScoringModel.objects.select_for_update().get(pk=version.model_id)
    beside = champion(model)
    if beside is None:
        raise NoClearedVersion(f"{model} has no champion to take a share from.")
    if beside.contract_sha256 != version.contract_sha256:
        raise ContractsDiffer(f"{version} takes other features than {beside}.")
    require_guard_rails(model, now)
    for step in running_deployments(model).filter(version=version):
        end_deployment(step.pk, f"{role} at {share_percent} % took its place.", by=by)
    others = sum(step.share_percent for step in sharing_deployments(model))
    if role != Deployment.Role.SHADOW and others + share_percent > Deployment.MOST_PERCENT:
        raise ShareOutOfBounds(
            f"{others} % go to other versions; together they get {Deployment.MOST_PERCENT} % at most."
        )
    deployment = Deployment(
        model=model,
        version=version,
        role=role,
        share_percent=share_percent,
        clearance=clearance,
        change_request_id=clearance.change_request_id,
        started_at=now,
    )
    deployment.entry = record(
        subject=version.subject,
        role=role,
        share_percent=share_percent,
        champion=beside.number,
        clearance=clearance.pk,
        change_request_id=clearance.change_request_id,
    )
    deployment.save(force_insert=True)
    return deployment


@action(Event.DEPLOYMENT_ENDED, needs="serving.end_deployment")
def end_deployment(deployment_id: int, reason: str, *, by: User) -> Deployment:
    """Give a version's share back to the champion, and take its clearance: stopping is safe, so one person does it.

    Raises NoSuchDeployment, DeploymentEnded or ReasonMissing.
    """
    deployment = running_step(deployment_id)
    if not reason.strip():
        problem = FieldProblem("reason", "missing", "Say why, in words that can be read later.")
        raise ReasonMissing("The reason is missing.", errors=[problem])
    now = timezone.now()
    deployment.ended_at, deployment.ending_reason = now, reason
    deployment.save(update_fields=["ended_at", "ending_reason"])
    if clearances_in_force(now).filter(pk=deployment.clearance_id).exists():
        revoke_clearance(deployment.clearance, by=by, reason=reason)
    record(
        subject=deployment.version.subject,
        deployment=deployment.pk,
        role=deployment.role,
        reason=reason,
    )
    return deployment
