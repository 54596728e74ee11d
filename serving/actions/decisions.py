"""Deciding applications, one by one or many at once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter_ns
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from audit import vault
from audit.action import action, record
from audit.context import Circumstances, circumstances, within
from audit.errors import FieldProblem, Refusal
from audit.ids import uuid7
from audit.models import Entry, SubjectSecret
from audit.statements import insert_rows
from audit.vault import Private
from registry.restrictions import problems_under
from serving.actions.failures import record_explanation_failure
from serving.answers import refusal_answer
from serving.applications import Application, read_application
from serving.batches import refused_rows
from serving.choosing import live_versions
from serving.correcting import corrected_application
from serving.errors import (
    BatchOutOfBounds,
    ExplanationDoesNotAddUp,
    InvalidApplication,
    NotTogether,
    RequestInProgress,
    RowsRefused,
    UseRestricted,
)
from serving.events import Event
from serving.idempotency import IdempotencyKey
from serving.judging import Judgement
from serving.lookups import look_up
from serving.models import Decision, IdempotencyRecord, Observation
from serving.policy import left_to_a_person
from serving.receipts import signed_receipt
from serving.routing import slot
from serving.scoring import LiveVersion

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to decide one application, and the circumstances in which it came."""

    document: object
    key: IdempotencyKey | None
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class _Judged:
    """An application and its judgement, not yet kept; `lookups` is the freshness of what was looked up.

    `judge_us` is None for one of several.
    """

    application: Application
    judgement: Judgement
    lookups: dict[str, Any] | None
    judge_us: int | None


@action(Event.DECISION_MADE, needs="serving.decide")
def decide(
    model_name: str,
    document: object,
    *,
    by: User,
    number: int | None = None,
    key: IdempotencyKey | None = None,
) -> Decision | Refusal:
    """Decide one application by the model's champion, which is version `number` if one is asked for, or by the
    version that a rollout gives it to.

    1. Claim the key. 2. Find the champion, its live clearance and what restricts its use. 3. Look up what its
    contract wants from feature tables and online stores, and judge. 4. Record and keep.

    Raises UnknownModel, NoClearedVersion, VersionNotCleared, NoNewDecisions, InvalidApplication or
    UseRestricted with every field at fault, OnlineStoreUnavailable, NoPrincipalReason, or RequestInProgress. Returns a refusal, instead of raising it, where
    the version itself is at fault: the row and the entry that say so must be committed.
    """
    # 1
    _claim(key, by)
    # 2
    now = timezone.now()
    found = live_versions(model_name, [document], now, number, by)
    if isinstance(found, Refusal):
        return found
    [live] = found
    # 3
    [judged] = _judged(live, [document], now, by)
    if isinstance(judged, Refusal):
        return _left_or_raised(live, judged, by)
    # 4
    [decision] = _kept(live, [judged], by)
    if key:
        _remember(key, by, decision=decision)
    return decision


@action(Event.DECISION_MADE, needs="serving.decide")
def decide_several(
    model_name: str, asked: Sequence[Asked], *, by: User, number: int | None = None
) -> list[Decision | None]:
    """Decide what several requests of one client ask for at one moment, in one transaction, each as `decide` does.

    None for a request that must be decided, or refused on record, alone. Raises NotTogether where that is all of
    them, and what `decide` raises where it concerns the model.
    """
    now = timezone.now()
    claimed = [one for one in _with_own_keys(asked) if _is_claimed(one.key, by)]
    found = live_versions(model_name, [one.document for one in claimed], now, number, by)
    if isinstance(found, Refusal):
        raise NotTogether(found.detail)
    decisions: dict[int, Decision] = {}
    for live in {live.clearance_id: live for live in found}.values():
        mine = [
            one
            for one, other in zip(claimed, found, strict=True)
            if other.clearance_id == live.clearance_id
        ]
        judged = zip(mine, _judged(live, [one.document for one in mine], now, by), strict=True)
        good = [(one, row) for one, row in judged if isinstance(row, _Judged)]
        kept = _kept(live, [row for _, row in good], by, [one.circumstances for one, _ in good])
        decisions |= {id(one): decision for (one, _), decision in zip(good, kept, strict=True)}
    if not decisions:
        raise NotTogether("None of these requests can be decided with the others.")
    for one in claimed:
        if one.key and id(one) in decisions:
            _remember(one.key, by, decision=decisions[id(one)])
    return [decisions.get(id(one)) for one in asked]


@action(Event.DECISION_MADE, needs="serving.decide")
def decide_again(
    original: Decision, corrected: Mapping[str, Any], *, by: User
) -> Decision | Refusal:
    """Decide the application of a decision anew by the champion, with some of its features put right.

    Raises AlreadyErased, CorrectionMalformed with every name at fault, and raises and returns what `decide` does.
    """
    now = timezone.now()
    found = live_versions(original.model_name, [None], now, None, by)
    if isinstance(found, Refusal):
        return found
    [live] = found
    judge = live.loaded.judge
    application, lookups = corrected_application(
        original, corrected, judge.contract, judge.barred, now
    )
    [judged] = _ruled(live, [application], {0: lookups} if lookups else {})
    if isinstance(judged, Refusal):
        return _left_or_raised(live, judged, by)
    person = vault.secrets_of([original.subject_id])[original.subject_id]
    [decision] = _inserted([_recorded(live, judged, person, original.application_id, by)])
    return decision


@action(Event.DECISION_MADE, needs="serving.decide")
def decide_batch(
    model_name: str,
    documents: Sequence[object],
    *,
    by: User,
    number: int | None = None,
    key: IdempotencyKey | None = None,
    whole: bool = False,
) -> list[Decision | Refusal] | Refusal:
    """Decide many applications in one act: each gets its decision or its own refusal, in order.

    Good rows commit together; the refused ones make one entry. A refusal in the place of a document, where whoever
    read it found none, is the answer of that row. With `whole`, none is decided where one is refused: RowsRefused. Raises and returns as `decide`
    does where the whole batch is concerned, and BatchOutOfBounds.
    """
    if not 0 < len(documents) <= MOST_AT_ONCE:
        raise BatchOutOfBounds(f"A batch holds 1 to {MOST_AT_ONCE:,} applications.")
    _claim(key, by)
    now = timezone.now()
    found = live_versions(model_name, documents, now, number, by)
    if isinstance(found, Refusal):
        return found
    judged: dict[int, _Judged | Refusal] = {}
    groups = []
    for live in {live.clearance_id: live for live in found}.values():
        places = [
            place for place, other in enumerate(found) if other.clearance_id == live.clearance_id
        ]
        groups.append((live, places))
        these = _judged(live, [documents[place] for place in places], now, by)
        refused = {
            place: row for place, row in zip(places, these, strict=True) if isinstance(row, Refusal)
        }
        if refused:
            record_refused_applications(live, refused, by=by)
        judged |= dict(zip(places, these, strict=True))
    if whole and (none := _none_decided(judged)):
        return none
    answers = {place: row for place, row in judged.items() if isinstance(row, Refusal)}
    results: dict[int, Decision | Refusal] = dict(answers)
    for live, places in groups:
        good = [place for place in places if place not in answers]
        rows = [row for place in good if isinstance(row := judged[place], _Judged)]
        results |= dict(zip(good, _kept(live, rows, by), strict=True))
    in_order = [results[place] for place in range(len(documents))]
    if key:
        _remember(key, by, results=[_result(result) for result in in_order])
    return in_order


@action(Event.APPLICATIONS_REFUSED, needs="serving.decide")
def record_refused_applications(
    live: LiveVersion, refused: Mapping[int, Refusal], *, by: User
) -> Entry:
    """Keep which positions of a batch were refused and why, and the facts about a version at fault."""
    for refusal in refused.values():
        if isinstance(refusal, ExplanationDoesNotAddUp):
            record_explanation_failure(live.loaded.version, refusal.detail, by=by)
    return record(subject=live.loaded.version.subject, **refused_rows(refused))


def _left_or_raised(live: LiveVersion, refusal: Refusal, by: User) -> Refusal:
    """Raises the refusal, unless the version itself is at fault and the fact of that is to be kept."""
    if not isinstance(refusal, ExplanationDoesNotAddUp):
        raise refusal
    record_explanation_failure(live.loaded.version, refusal.detail, by=by)
    return refusal


def _none_decided(judged: Mapping[int, _Judged | Refusal]) -> RowsRefused | None:
    """Why nothing is decided, when something is refused."""
    problems = [
        FieldProblem(f"{place}.{problem.field}", problem.type, problem.detail)
        for place, row in sorted(judged.items())
        if isinstance(row, Refusal)
        for problem in row.errors or [FieldProblem("application", row.type, row.detail)]
    ]
    if not problems:
        return None
    return RowsRefused("None was decided; `errors` names what is wrong, by row.", errors=problems)


def _judged(
    live: LiveVersion, documents: Sequence[object], now: datetime, by: User
) -> list[_Judged | Refusal]:
    judge = live.loaded.judge
    rows: list[Application | Refusal] = []
    for document in documents:
        if isinstance(document, Refusal):
            rows.append(document)
            continue
        application, problems = read_application(document, judge.contract, judge.barred, now)
        rows.append(application or _invalid(problems))
    return _ruled(live, *_looked_up(live, rows, by))


def _ruled(
    live: LiveVersion, rows: list[Application | Refusal], lookups: Mapping[int, dict[str, Any]]
) -> list[_Judged | Refusal]:
    """The judgement of each application, or why there is none; `lookups` by position."""
    judge = live.loaded.judge
    rows = [_within_limits(live, row) if isinstance(row, Application) else row for row in rows]
    valid = [row for row in rows if isinstance(row, Application)]
    if not valid:
        return [row for row in rows if isinstance(row, Refusal)]
    started = perf_counter_ns()
    judgements = iter(judge.judge([row.features for row in valid]))
    judge_us = (perf_counter_ns() - started) // 1000 if len(rows) == 1 else None
    judged: list[_Judged | Refusal] = []
    for position, row in enumerate(rows):
        if isinstance(row, Refusal):
            judged.append(row)
            continue
        judgement = next(judgements)
        if isinstance(judgement, Refusal):
            judged.append(judgement)
            continue
        if live.referring:
            judgement = replace(judgement, ruling=left_to_a_person(judgement.ruling))
        judged.append(_Judged(row, judgement, lookups.get(position), judge_us))
    return judged


def _looked_up(
    live: LiveVersion, rows: list[Application | Refusal], by: User
) -> tuple[list[Application | Refusal], dict[int, dict[str, Any]]]:
    """The applications with what tables and online stores say of their people, and how fresh that is by position.

    Nothing is asked where the version looks nothing up.
    """
    judge = live.loaded.judge
    places = [place for place, row in enumerate(rows) if isinstance(row, Application)]
    if not judge.contract.looked_up or not places:
        return rows, {}
    applications = [row for row in rows if isinstance(row, Application)]
    found = look_up(judge.contract, live.loaded.sources, applications, by.get_username())
    completed, lookups = list(rows), {}
    for place, application, one in zip(places, applications, found, strict=True):
        completed[place] = (
            _invalid(one.problems) if one.problems else application.with_features(one.values)
        )
        lookups[place] = one.freshness
    return completed, lookups


def _invalid(problems: list[FieldProblem]) -> InvalidApplication:
    return InvalidApplication(
        "The application cannot be decided; `errors` names every field that is wrong.",
        errors=problems,
    )


def _within_limits(live: LiveVersion, application: Application) -> Application | UseRestricted:
    """The application, or why it is never scored."""
    problems = problems_under(live.limits, application.features)
    if not problems:
        return application
    return UseRestricted(
        f"{live.loaded.version} may not be used for this application; see `errors`.",
        errors=problems,
    )


def _kept(
    live: LiveVersion,
    rows: Sequence[_Judged],
    by: User,
    came_in: Sequence[Circumstances] | None = None,
) -> list[Decision]:
    """Record each judged application and insert its rows. The same statements for one and for many.

    `came_in` says how each was asked for, where that was not in the request at hand.
    """
    client = by.get_username()
    people = vault.people_for(client, [row.application.subject_ref for row in rows])
    applications = vault.applications_for(
        client,
        {
            row.application.application_ref: people[row.application.subject_ref].subject_id
            for row in rows
        },
    )
    recorded = []
    for row, came in zip(rows, came_in or [circumstances()] * len(rows), strict=True):
        person = people[row.application.subject_ref]
        application_id = applications[row.application.application_ref]
        with within(came):
            recorded.append(_recorded(live, row, person, application_id, by))
    return _inserted(recorded)


def _recorded(
    live: LiveVersion, row: _Judged, person: SubjectSecret, application_id: UUID, by: User
) -> tuple[Decision, Observation]:
    decision = _decision(live, row, person, application_id, by)
    return decision, _observation(live, row, decision)


def _inserted(recorded: Sequence[tuple[Decision, Observation]]) -> list[Decision]:
    decisions = [decision for decision, _ in recorded]
    insert_rows(decisions)
    insert_rows([observation for _, observation in recorded])
    return decisions


def _decision(
    live: LiveVersion, row: _Judged, person: SubjectSecret, application_id: UUID, by: User
) -> Decision:
    version, application, judgement = live.loaded.version, row.application, row.judgement
    completed = application.completed_at is not None
    restricted: dict[str, Any] = {"restricted_by": live.referring} if live.referring else {}
    decision = Decision(
        id=uuid7(),
        model_name=version.model.name,
        version=version,
        artefact_sha256=version.artefact_id,
        clearance_id=live.clearance_id,
        role=live.role,
        slot=slot(version.model.name, application.application_ref),
        outcome=judgement.ruling.outcome,
        decision_path=judgement.ruling.path,
        baseline_id=version.baseline_id,
        policy_version=version.decision_policy.version,
        client=by,
        subject_id=person.subject_id,
        application_id=application_id,
        received_at=application.received_at,
        completed_at=application.completed_at,
        clock_basis=Decision.ClockBasis.COMPLETED_AT
        if completed
        else Decision.ClockBasis.RECEIVED_AT,
    )
    decision.entry = record(
        subject=decision,
        private=Private(person.subject_id, _private_part(live, row, application_id), secret=person),
        model=decision.model_name,
        version=version.number,
        artefact_sha256=decision.artefact_sha256,
        contract_sha256=version.contract_sha256,
        baseline_id=decision.baseline_id,
        clearance=live.clearance_id,
        role=decision.role,
        slot=decision.slot,
        decision_path=decision.decision_path,
        decision_policy=version.decision_policy.sha256,
        policy_version=decision.policy_version,
        reason_library=version.reason_library.sha256,
        method=live.loaded.judge.scorer.method,
        clock_basis=decision.clock_basis,
        **restricted,
    )
    decision.decided_at = decision.entry.occurred_at
    decision.key_id, decision.signature = signed_receipt(decision.entry, decision.decided_at)
    return decision


def _private_part(live: LiveVersion, row: _Judged, application_id: UUID) -> dict[str, Any]:
    judge, judgement, application = live.loaded.judge, row.judgement, row.application
    lookups = {} if row.lookups is None else {"lookups": row.lookups}
    return {
        "application_id": application_id,
        "received_at": application.received_at,
        "completed_at": application.completed_at,
        "outcome": judgement.ruling.outcome,
        "pd": judgement.pd,
        "margin": judgement.margin,
        "cut_off": judge.policy.cut_off,
        "base_value": judgement.base_value,
        "features": judge.contract.unpack(judgement.packed),
        "attributions": dict(
            zip(judge.contract.names, judgement.attributions.tolist(), strict=True)
        ),
        **judgement.reasoning,
        **lookups,
    }


def _observation(live: LiveVersion, row: _Judged, decision: Decision) -> Observation:
    judgement = row.judgement
    return Observation(
        decision=decision,
        subject_id=decision.subject_id,
        packed=judgement.packed.tobytes(),
        attributions=judgement.attributions.tobytes(),
        method=live.loaded.judge.scorer.method,
        base_value=judgement.base_value,
        margin=judgement.margin,
        pd=judgement.pd,
        cut_off=live.loaded.judge.policy.cut_off,
        additivity_gap=judgement.additivity_gap,
        lookups=row.lookups,
        **judgement.reasoning,
        judge_us=row.judge_us,
    )


def _claim(key: IdempotencyKey | None, by: User) -> None:
    """Raises RequestInProgress where a request with the same key is going on, or has only just ended.

    PostgreSQL runs acts side by side, so the key is locked until the act ends; SQLite runs one act
    at a time, and the row of the one before is there to see.
    """
    if key is None:
        return
    free = connection.vendor == "sqlite" or _locked(f"{by.pk}\n{key.key}")
    if not free or IdempotencyRecord.objects.filter(client=by, key=key.key).exists():
        raise RequestInProgress("A request with this Idempotency-Key is being answered; ask again.")


def _with_own_keys(asked: Sequence[Asked]) -> list[Asked]:
    """Without requests whose key an earlier one of them has."""
    first: dict[str, Asked] = {}
    for one in asked:
        if one.key:
            first.setdefault(one.key.key, one)
    return [one for one in asked if one.key is None or first[one.key.key] is one]


def _is_claimed(key: IdempotencyKey | None, by: User) -> bool:
    try:
        _claim(key, by)
    except RequestInProgress:
        return False
    return True


def _locked(name: str) -> bool:
    """True when PostgreSQL gave this transaction the lock of that name; False when another has it."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _remember(
    key: IdempotencyKey,
    by: User,
    decision: Decision | None = None,
    results: list[dict[str, Any]] | None = None,
) -> None:
    IdempotencyRecord.objects.create(
        client=by,
        key=key.key,
        body_sha256=key.body_sha256,
        decision=decision,
        results=results,
        created_at=timezone.now(),
    )


def _result(result: Decision | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"problem": refusal_answer(result)}
    return {"decision_id": str(result.pk)}
