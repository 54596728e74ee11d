"""Scoring in the shadow: what a version would have made of applications that others decided."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import Refusal
from registry.models import Clearance
from registry.queries import clearances_in_force
from serving import in_service, scoring
from serving.actions.guard_rails import stop_at_guard_rail
from serving.errors import ArtefactRefused, NothingToScore, VersionNotCleared
from serving.events import Event
from serving.judging import Judge, Judgement
from serving.models import Decision, Deployment, GuardRailBreach, ShadowPass, ShadowScore
from serving.rollouts import running_step, unscored_decisions

MOST_AT_ONCE = 500
LATEST_COMMIT = timedelta(hours=1)
"""No transaction that decides is open for longer; what is older need not be looked for again."""


@action(Event.SHADOW_SCORED, needs="serving.score_shadow")
def score_shadow(step_id: int, *, by: User) -> ShadowPass | GuardRailBreach:
    """Score the next few hundred decided applications of a shadow's share, each once.

    The step is locked, so that two workers do not score the same. Nothing is kept of a pass that does not end: the
    decisions are still unscored, and the next one finds them. A version that does not load ends its step, and the
    fact is returned.

    Raises NoSuchDeployment, DeploymentEnded, VersionNotCleared, or NothingToScore where another worker was faster.
    """
    step, now = running_step(step_id), timezone.now()
    cleared = clearances_in_force(now).filter(
        pk=step.clearance_id,
        purpose=Clearance.Purpose.SCORE_SHADOW,
        artefact_sha256=step.version.artefact_id,
    )
    if not cleared.exists():
        raise VersionNotCleared(f"{step.version} has no live clearance to score in the shadow.")
    decisions = list(unscored_decisions(step)[:MOST_AT_ONCE])
    if not decisions:
        raise NothingToScore(f"Every application of {step} was scored.")
    try:
        judge = scoring.loaded(in_service.bytes_of(step.version)).judge
    except ArtefactRefused as refusal:
        return stop_at_guard_rail(step, refusal.detail, by=by)
    judged = _judged(judge, decisions)
    made = _pass(step, decisions, judged, now)
    ShadowScore.objects.bulk_create(
        _score(made, decision, each) for decision, each in zip(decisions, judged, strict=True)
    )
    return made


def _judged(judge: Judge, decisions: Sequence[Decision]) -> list[Judgement | Refusal]:
    packed = [np.frombuffer(decision.observation.packed) for decision in decisions]
    return judge.judge([judge.contract.unpack(row) for row in packed])


def _pass(
    step: Deployment,
    decisions: Sequence[Decision],
    judged: Sequence[Judgement | Refusal],
    now: datetime,
) -> ShadowPass:
    before = step.shadow_passes.order_by("-pk").first()
    complete_before = before.complete_before if before else step.started_at
    if len(decisions) < MOST_AT_ONCE:
        complete_before = max(complete_before, now - LATEST_COMMIT)
    refused = sum(isinstance(each, Refusal) for each in judged)
    ids = "".join(f"{decision.pk}\n" for decision in decisions)
    made = ShadowPass(
        deployment=step,
        scored=len(judged) - refused,
        refused=refused,
        decisions_sha256=hashlib.sha256(ids.encode()).hexdigest(),
        scored_at=now,
        complete_before=complete_before,
    )
    made.entry = record(
        subject=step.version.subject,
        deployment=step.pk,
        artefact_sha256=step.version.artefact_id,
        scored=made.scored,
        refused=refused,
        first=decisions[0].pk,
        last=decisions[-1].pk,
        decisions_sha256=made.decisions_sha256,
    )
    made.save(force_insert=True)
    return made


def _score(made: ShadowPass, decision: Decision, judged: Judgement | Refusal) -> ShadowScore:
    score = ShadowScore(
        deployment=made.deployment,
        decision=decision,
        subject_id=decision.subject_id,
        shadow_pass=made,
    )
    if isinstance(judged, Refusal):
        score.problem = judged.type
        return score
    score.margin, score.pd, score.outcome = judged.margin, judged.pd, judged.ruling.outcome
    score.reason_groups = [reason.reason_group for reason in judged.reasons]
    return score
