"""Named reads about rollouts: what each version of one does beside the champion, and what is still to be done."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Exists, OuterRef, QuerySet

from audit.cases import restricted_people
from audit.models import Erasure
from audit.purposes import DECISION
from registry.applicable import policy_for
from registry.models import ModelVersion, Policy, ScoringModel
from registry.queries import champion, clearances_in_force
from serving.errors import DeploymentEnded, NoGuardRails, NoSuchDeployment
from serving.guard_rails import NO_REASON, Arm, Flips, GuardRails
from serving.in_service import running_deployments
from serving.models import (
    Decision,
    Deployment,
    ExplanationFailure,
    GuardRailEvaluation,
    LoadFailure,
    ShadowScore,
)
from serving.policy import DecisionOutcome, DecisionPath
from serving.routing import SLOTS
from serving.serving_policy import ServingPolicy

APPROVED = DecisionOutcome.APPROVED.value
WITHOUT_POLICY = timedelta(days=1)
"""How far back a page looks where no guard rails are in force any more."""
MOST_TIMED = 5_000
"""Of how many decisions at most the times are read, the newest, unless the guard rails ask for more: the median's interval is narrow by then."""


@dataclass(frozen=True)
class Standing:
    """A running step beside the champion, from `since` on. `flips` of a shadow alone; `last` None: not evaluated yet."""

    step: Deployment
    since: datetime
    arm: Arm
    champion: Arm
    flips: Flips | None
    last: GuardRailEvaluation | None


def guard_rails_of(model: ScoringModel, at: datetime) -> tuple[Policy, GuardRails] | None:
    """None where no serving policy in force says any, so that no step may begin or go on.

    Raises ServingPolicyMalformed.
    """
    policy = policy_for(Policy.Kind.SERVING, model, at)
    part = ServingPolicy.from_json(policy.body).parts["rollout"] if policy else {}
    return (policy, GuardRails.from_part(part)) if policy and part else None


def require_guard_rails(model: ScoringModel, at: datetime) -> None:
    """Raises NoGuardRails, or ServingPolicyMalformed."""
    if guard_rails_of(model, at) is None:
        raise NoGuardRails(
            "No serving policy in force for the model has a part `rollout`: nothing would end the step by itself."
        )


def running_step(deployment_id: int) -> Deployment:
    """The step, locked until the act that asks ends. Raises NoSuchDeployment or DeploymentEnded."""
    steps = Deployment.objects.select_for_update(of=("self",))
    step = steps.select_related("model", "version__model").filter(pk=deployment_id).first()
    if step is None:
        raise NoSuchDeployment(f"There is no deployment {deployment_id}.")
    if step.ended_at is not None:
        raise DeploymentEnded(f"{step} ended at {step.ended_at:%Y-%m-%d %H:%M} UTC.")
    return step


def standings_of(model: ScoringModel, at: datetime) -> list[Standing]:
    """Every running step of the model, oldest first."""
    steps = running_deployments(model).select_related("model", "version__model", "clearance")
    found = guard_rails_of(model, at)
    limits = found[1] if found else None
    return [standing_of(step, champion(model), at, limits) for step in steps]


def standing_of(
    step: Deployment, beside: ModelVersion | None, at: datetime, limits: GuardRails | None
) -> Standing:
    """What a step did in the window of its guard rails until `at`, or since it began where that is later."""
    window = timedelta(minutes=limits.window_minutes) if limits else WITHOUT_POLICY
    since = max(at - window, step.started_at)
    last = step.evaluations.order_by("-pk").first()
    if step.role == Deployment.Role.SHADOW:
        return Standing(step, since, *_both(step, beside, since), last)
    of_model = Decision.objects.filter(model_name=step.model.name)
    own = of_model.filter(clearance=step.clearance_id)
    other = of_model.filter(version=beside, role=Decision.Role.CHAMPION)
    most = max(MOST_TIMED, limits.least_decisions if limits else 0)
    arms = (
        _arm(own, step.version_id, since, most),
        _arm(other, beside.pk if beside else None, since, most),
    )
    return Standing(step, since, *arms, None, last)


def steps_to_evaluate(at: datetime) -> Iterator[Deployment]:
    """Running steps whose last evaluation is as old as their policy allows; those without a policy at once."""
    for step in Deployment.objects.filter(ended_at=None).select_related("model").order_by("pk"):
        found = guard_rails_of(step.model, at)
        last = step.evaluations.order_by("-pk").first()
        if (
            last is None
            or found is None
            or at >= last.evaluated_at + timedelta(minutes=found[1].evaluate_minutes)
        ):
            yield step


def shadows_in_force(at: datetime) -> QuerySet[Deployment]:
    """Running shadows whose clearance holds, oldest first."""
    return Deployment.objects.filter(
        role=Deployment.Role.SHADOW, ended_at=None, clearance__in=clearances_in_force(at)
    ).order_by("pk")


def unscored_decisions(step: Deployment) -> QuerySet[Decision]:
    """Decisions since the shadow began, of its share and its contract, that it has not scored; oldest first.

    Its share are the last slots, because the champion keeps those longest.
    """
    last = step.shadow_passes.order_by("-pk").first()
    scored = ShadowScore.objects.filter(deployment=step, decision=OuterRef("pk"))
    return (
        Decision.objects.filter(
            ~Exists(scored),
            ~Exists(restricted_people(OuterRef("subject_id"))),
            model_name=step.model.name,
            decided_at__gte=last.complete_before if last else step.started_at,
            slot__gte=SLOTS - step.share_percent,
            version__contract_sha256=step.version.contract_sha256,
            observation__isnull=False,
        )
        .select_related("observation")
        .order_by("decided_at", "pk")
    )


def erased_shadow_scores() -> QuerySet[ShadowScore]:
    """Scores in the shadow whose person was erased and that are still there."""
    erasures = Erasure.objects.filter(subject=OuterRef("subject_id"), purpose=DECISION.name)
    return ShadowScore.objects.filter(Exists(erasures))


def _arm(decisions: QuerySet[Decision], version_id: int | None, since: datetime, most: int) -> Arm:
    """Counted by the database; only the times of the newest `most` decisions are read."""
    decisions = decisions.filter(
        ~Exists(restricted_people(OuterRef("subject_id"))), decided_at__gte=since
    ).order_by()
    failed = sum(
        facts._default_manager.filter(version=version_id, failed_at__gte=since).count()
        for facts in (LoadFailure, ExplanationFailure)
    )
    outcomes = dict(decisions.values_list("outcome").annotate(Count("pk")))
    explained = decisions.exclude(outcome=APPROVED).filter(observation__isnull=False)
    timed = decisions.filter(observation__judge_us__isnull=False).order_by("-decided_at")[:most]
    return Arm(
        decided=sum(outcomes.values()),
        failed=failed,
        approved=outcomes.get(APPROVED, 0),
        first_reasons=_counted(explained, "observation__reasons__0__reason_group"),
        judge_us=np.array(timed.values_list("observation__judge_us", flat=True), dtype=np.float64),
    )


def _both(step: Deployment, beside: ModelVersion | None, since: datetime) -> tuple[Arm, Arm, Flips]:
    """The shadow and the champion over the same applications: those that the champion decided by itself.

    The database counts. Where the shadow would have refused, its outcome is empty.
    """
    scores = (
        ShadowScore.objects.filter(
            ~Exists(restricted_people(OuterRef("subject_id"))),
            deployment=step,
            decision__version=beside,
            decision__role=Decision.Role.CHAMPION,
            decision__decided_at__gte=since,
        )
        .exclude(decision__decision_path=DecisionPath.RESTRICTED.value)
        .order_by()
    )
    both: Counter[tuple[bool, bool]] = Counter()
    refused = 0
    pairs = scores.values_list("outcome", "decision__outcome").annotate(Count("pk"))
    for own, other, n in pairs:
        if own:
            both[own == APPROVED, other == APPROVED] += n
        else:
            refused += n
    judged = scores.exclude(outcome="")
    own_reasons = _counted(judged.exclude(outcome=APPROVED), "reason_groups__0")
    other_reasons = _counted(
        judged.exclude(decision__outcome=APPROVED),
        "decision__observation__reasons__0__reason_group",
    )
    other_reasons.pop(NO_REASON, None)  # the person was erased
    gained, lost, untimed = both[True, False], both[False, True], np.empty(0)
    return (
        Arm(both.total(), refused, both[True, True] + gained, own_reasons, untimed),
        Arm(both.total(), 0, both[True, True] + lost, other_reasons, untimed),
        Flips(both.total(), gained, lost),
    )


def _counted(rows: QuerySet[Any], group: str) -> dict[str, int]:
    """How many rows there are of each first reason, or of none."""
    return {name or NO_REASON: n for name, n in rows.values_list(group).annotate(Count("pk"))}
