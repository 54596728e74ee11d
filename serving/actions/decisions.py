"""Deciding applications, one by one or many at once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from audit import vault
from audit.action import action, record
from audit.errors import FieldProblem, Refusal
from audit.ids import uuid7
from audit.models import Entry, SubjectSecret
from audit.vault import Private
from registry.restrictions import problems_under
from serving.actions.failures import record_explanation_failure
from serving.answers import refusal_answer
from serving.applications import Application, read_application
from serving.batches import refused_rows
from serving.choosing import live_versions
from serving.errors import (
    BatchOutOfBounds,
    ExplanationDoesNotAddUp,
    InvalidApplication,
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
from serving.scoring import LiveVersion

MOST_AT_ONCE = 10_000
ROWS_PER_INSERT = 500


@dataclass(frozen=True, slots=True)
class _Judged:
    """An application and its judgement, not yet kept; `lookups` is the freshness of what was looked up."""

    application: Application
    judgement: Judgement
    lookups: dict[str, Any] | None


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
    contract wants from feature tables, and judge. 4. Record and keep.

    Raises UnknownModel, NoClearedVersion, VersionNotCleared, NoNewDecisions, InvalidApplication or
    UseRestricted with every field at fault, NoPrincipalReason, or RequestInProgress. Returns a refusal, instead of raising it, where
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
    if isinstance(judged, ExplanationDoesNotAddUp):
        record_explanation_failure(live.loaded.version, judged.detail, by=by)
        return judged
    if isinstance(judged, Refusal):
        raise judged
    # 4
    [decision] = _kept(live, [judged], by)
    if key:
        _remember(key, by, decision=decision)
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
    rows, lookups = _looked_up(live, rows, by)
    rows = [_within_limits(live, row) if isinstance(row, Application) else row for row in rows]
    valid = [row for row in rows if isinstance(row, Application)]
    if not valid:
        return [row for row in rows if isinstance(row, Refusal)]
    judgements = iter(judge.judge([row.features for row in valid]))
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
        judged.append(_Judged(row, judgement, lookups.get(position)))
    return judged


def _looked_up(
    live: LiveVersion, rows: list[Application | Refusal], by: User
) -> tuple[list[Application | Refusal], dict[int, dict[str, Any]]]:
    """The applications with what the version's tables say of their people, and how fresh that is by position.

    Nothing is asked where the version looks nothing up.
    """
    judge, sources = live.loaded.judge, live.loaded.sources
    places = [place for place, row in enumerate(rows) if isinstance(row, Application)]
    if not sources or not places:
        return rows, {}
    applications = [row for row in rows if isinstance(row, Application)]
    found = look_up(judge.contract, sources, applications, by.get_username())
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


def _kept(live: LiveVersion, rows: Sequence[_Judged], by: User) -> list[Decision]:
    """Record each judged application and insert its rows. The same statements for one and for many."""
    client = by.get_username()
    people = vault.people_for(client, [row.application.subject_ref for row in rows])
    applications = vault.applications_for(
        client,
        {
            row.application.application_ref: people[row.application.subject_ref].subject_id
            for row in rows
        },
    )
    decisions, observations = [], []
    for row in rows:
        person = people[row.application.subject_ref]
        decision = _decision(live, row, person, applications[row.application.application_ref], by)
        decisions.append(decision)
        observations.append(_observation(live, row, decision))
    Decision.objects.bulk_create(decisions, batch_size=ROWS_PER_INSERT)
    Observation.objects.bulk_create(observations, batch_size=ROWS_PER_INSERT)
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
        "reasons": [reason.as_json() for reason in judgement.reasons],
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
        reasons=[reason.as_json() for reason in judgement.reasons],
        additivity_gap=judgement.additivity_gap,
        lookups=row.lookups,
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
