"""Judging decisions again from their record: one that somebody asks for, and every night a random sample."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import AlreadyErased
from registry.applicable import policy_for
from registry.models import Policy, ScoringModel
from serving import queries
from serving.events import Event
from serving.models import Replay, ReplayFailure, ReplayRun
from serving.rejudging import Comparison, libraries, rejudged, trained_with
from serving.replaying import Difference
from serving.sampling import restricted_among, sample
from serving.serving_policy import ServingPolicy

SAMPLE_WITHOUT_POLICY = 25
A_DAY = timedelta(days=1)
MOST_NAMED = 50
"""So many differences are named in an entry; the rest are counted."""


@dataclass(frozen=True)
class Replayed:
    """What is kept of a replay, and what it found: values are for whoever may see what applicants said."""

    row: Replay
    differences: tuple[Difference, ...]


@action(Event.DECISION_REPLAYED, needs="serving.replay_decision")
def replay_decision(decision_id: UUID, *, by: User) -> Replayed:
    """Judge one decision again from its record and the archive, and keep whether everything came out equal.

    Raises NoSuchDecision, or AlreadyErased where the person was erased.
    """
    [found] = rejudged([queries.decision_with(decision_id)])
    if found.erased:
        raise AlreadyErased(f"The person whom decision {decision_id} concerns was erased.")
    return Replayed(record_replay(found, None, by=by), found.differences)


@action(Event.SAMPLE_REPLAYED, needs="serving.replay_sample")
def replay_sample(model: ScoringModel, until: datetime, seed: int, *, by: User) -> ReplayRun:
    """Judge a random sample of the model's decisions from before `until` again: most from the last day, some older.

    The `serving` policy says how many (`replay.nightly_sample`); 25 without one.
    """
    policy = policy_for(Policy.Kind.SERVING, model, until)
    part = ServingPolicy.from_json(policy.body).parts["replay"] if policy else {}
    asked = int(part.get("nightly_sample", SAMPLE_WITHOUT_POLICY))
    since = until - A_DAY
    chosen = sample(model.name, since, until, asked, seed)
    decisions = list(queries.decisions_by_id(chosen).values())
    closed = restricted_among(chosen)
    found = list(rejudged([decision for decision in decisions if decision.pk not in closed]))
    judged = [one for one in found if not one.erased]
    counts = Counter(_result(one) for one in judged)
    run = ReplayRun(
        model=model,
        policy=policy if part else None,
        asked=asked,
        seed=seed,
        since=since,
        until=until,
        sampled=len(decisions),
        equal=counts[Replay.Result.EQUAL],
        different=counts[Replay.Result.DIFFERENT],
        impossible=counts[Replay.Result.IMPOSSIBLE],
        erased=len(found) - len(judged),
        restricted=len(closed),
        replayed_at=timezone.now(),
    )
    run.entry = record(
        subject=("registry.scoringmodel", model.name),
        policy=str(run.policy) if run.policy else None,
        asked=asked,
        seed=str(seed),
        since=since,
        until=until,
        sampled=run.sampled,
        equal=run.equal,
        different=run.different,
        impossible=run.impossible,
        erased=run.erased,
        restricted=run.restricted,
        libraries=libraries(),
    )
    run.save(force_insert=True)
    for one in judged:
        if _result(one) != Replay.Result.EQUAL:
            record_replay(one, run, by=by)
    return run


@action(Event.DECISION_REPLAYED, needs="serving.replay_decision")
def record_replay(found: Comparison, run: ReplayRun | None, *, by: User) -> Replay:
    """Keep what judging a decision again came to, by names alone; where it is not equal, the fact for an incident too."""
    decision, result = found.decision, _result(found)
    names = [one.field for one in found.differences]
    replay = Replay(
        decision=decision,
        run=run,
        result=result,
        differences=names,
        reason=found.impossible,
        packages={"now": libraries(), "trained_with": trained_with(decision.version)},
        replayed_by=by,
        replayed_at=timezone.now(),
    )
    replay.entry = record(
        subject=decision,
        result=result,
        differences=names[:MOST_NAMED],
        differences_count=len(names),
        reason=found.impossible,
        artefact_sha256=decision.artefact_sha256,
        libraries=libraries(),
    )
    replay.save(force_insert=True)
    if result != Replay.Result.EQUAL:
        record_replay_failure(replay, by=by)
    return replay


@action(Event.REPLAY_FAILED, needs="serving.replay_decision")
def record_replay_failure(replay: Replay, *, by: User) -> ReplayFailure:
    """Keep the fact that a decision did not come out equal."""
    version = replay.decision.version
    what = (
        replay.reason or f"{', '.join(replay.differences[:5])} ({len(replay.differences)} in all)"
    )
    reason = f"Decision {replay.decision_id} {replay.get_result_display()}: {what}"
    entry = record(
        subject=version.subject,
        artefact_sha256=version.artefact_id,
        decision=str(replay.decision_id),
        reason=reason,
    )
    return ReplayFailure.objects.create(
        version=version,
        replay=replay,
        artefact_sha256=version.artefact_id,
        reason=reason,
        failed_at=timezone.now(),
        entry=entry,
    )


def _result(found: Comparison) -> Replay.Result:
    if found.impossible:
        return Replay.Result.IMPOSSIBLE
    return Replay.Result.DIFFERENT if found.differences else Replay.Result.EQUAL
