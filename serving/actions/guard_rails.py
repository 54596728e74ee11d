"""Evaluating the guard rails of a rollout: a step that meets one ends by itself, and leaves a fact."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from registry.queries import champion
from serving.actions.deployments import end_deployment
from serving.events import Event
from serving.guard_rails import Reading, State, read_all, state_of
from serving.models import Deployment, GuardRailBreach, GuardRailEvaluation
from serving.rollouts import guard_rails_of, running_step, standing_of

NO_POLICY = "No serving policy in force says at which measures the step ends, so it ends."


@action(Event.GUARD_RAILS_EVALUATED, needs="serving.evaluate_guard_rails")
def evaluate_guard_rails(
    step_id: int, *, by: User, further: Sequence[Reading] = ()
) -> GuardRailEvaluation:
    """Measure a running step beside the champion; one breach, or no policy, ends it now.

    `further` are readings that a higher floor made. Raises NoSuchDeployment or DeploymentEnded.
    """
    step, now = running_step(step_id), timezone.now()
    found = guard_rails_of(step.model, now)
    readings = list(further)
    if found is not None:
        stands = standing_of(step, champion(step.model), now, found[1])
        readings = read_all(stands.arm, stands.champion, stands.flips, found[1]) + readings
    state = state_of(readings) if found else State.BREACH
    evaluation = GuardRailEvaluation(
        deployment=step,
        policy=found[0] if found else None,
        state=state,
        readings=[reading.as_json() for reading in readings],
        evaluated_at=now,
    )
    evaluation.entry = record(
        subject=step.version.subject,
        deployment=step.pk,
        state=state,
        policy=found[0].sha256 if found else None,
        readings=evaluation.readings,
    )
    evaluation.save(force_insert=True)
    if state == State.BREACH:
        breaches = [str(reading) for reading in readings if reading.state == State.BREACH]
        stop_at_guard_rail(step, "; ".join(breaches) or NO_POLICY, by=by)
    return evaluation


@action(Event.GUARD_RAIL_BREACHED, needs="serving.evaluate_guard_rails")
def stop_at_guard_rail(step: Deployment, reason: str, *, by: User) -> GuardRailBreach:
    """Give the share back to the champion, and leave the fact. Raises NoSuchDeployment or DeploymentEnded."""
    entry = record(
        subject=step.version.subject,
        artefact_sha256=step.version.artefact_id,
        deployment=step.pk,
        reason=reason,
    )
    breach = GuardRailBreach.objects.create(
        version=step.version,
        deployment=step,
        artefact_sha256=step.version.artefact_id,
        reason=reason,
        failed_at=timezone.now(),
        entry=entry,
    )
    end_deployment(step.pk, f"Guard rail: {reason}", by=by)
    return breach
