"""Deciding applications, one by one or many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit import keys, references, vault
from audit.action import action, insert_with_entries, record
from audit.context import Circumstances, circumstances, within
from audit.errors import FieldProblem, Refusal
from audit.models import Entry
from serving.actions.failures import record_explanation_failure
from serving.answers import refusal_answer
from serving.batches import refused_rows
from serving.choosing import live_versions
from serving.claims import claim, claimed
from serving.correcting import corrected_application
from serving.errors import (
    BatchOutOfBounds,
    ExplanationDoesNotAddUp,
    NotTogether,
    RowsRefused,
)
from serving.events import Event
from serving.idempotency import IdempotencyKey
from serving.in_service import MAY_DECIDE
from serving.judged import JudgedApplication, judged_applications, ruled_applications
from serving.models import Decision, IdempotencyRecord, Observation
from serving.recording import Recorder
from serving.scoring import LiveVersion

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to decide one application, and the circumstances in which it came."""

    document: object
    key: IdempotencyKey | None
    circumstances: Circumstances


@action(Event.DECISION_MADE, needs=MAY_DECIDE)
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
    claim(key, by)
    # 2
    now = timezone.now()
    found = live_versions(model_name, [document], now, number, by)
    if isinstance(found, Refusal):
        return found
    [live] = found
    # 3
    [judged] = judged_applications(live, [document], now, by)
    if isinstance(judged, Refusal):
        return _left_or_raised(live, judged, by)
    # 4
    [decision] = _kept(live, [judged], by)
    if key:
        _remember(key, by, decision=decision)
    return decision


@action(Event.DECISION_MADE, needs=MAY_DECIDE, is_done_again=True)
def decide_several(
    model_name: str, asked: Sequence[Asked], *, by: User, number: int | None = None
) -> list[Decision | None]:
    """Decide what several requests of one client ask for at one moment, in one transaction, each as `decide` does.

    None for a request that must be decided, or refused on record, alone. Raises NotTogether where that is all of
    them, and what `decide` raises where it concerns the model.
    """
    now = timezone.now()
    own = claimed(asked, by)
    found = live_versions(model_name, [one.document for one in own], now, number, by)
    if isinstance(found, Refusal):
        raise NotTogether(found.detail)
    decisions: dict[int, Decision] = {}
    for live in {live.clearance_id: live for live in found}.values():
        mine = [
            one
            for one, other in zip(own, found, strict=True)
            if other.clearance_id == live.clearance_id
        ]
        judged = zip(
            mine, judged_applications(live, [one.document for one in mine], now, by), strict=True
        )
        good = [(one, row) for one, row in judged if isinstance(row, JudgedApplication)]
        kept = _kept(live, [row for _, row in good], by, [one.circumstances for one, _ in good])
        decisions |= {id(one): decision for (one, _), decision in zip(good, kept, strict=True)}
    if not decisions:
        raise NotTogether("None of these requests can be decided with the others.")
    for one in own:
        if one.key and id(one) in decisions:
            _remember(one.key, by, decision=decisions[id(one)])
    return [decisions.get(id(one)) for one in asked]


@action(Event.DECISION_MADE, needs=MAY_DECIDE)
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
    [judged] = ruled_applications(live, [application], {0: lookups} if lookups else {})
    if isinstance(judged, Refusal):
        return _left_or_raised(live, judged, by)
    person = vault.secrets_of([original.subject_id])[original.subject_id]
    recorder = Recorder(live, by, keys.producer())
    [decision] = _inserted([recorder.recorded(judged, person, original.application_id)])
    return decision


@action(Event.DECISION_MADE, needs=MAY_DECIDE)
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
    claim(key, by)
    now = timezone.now()
    found = live_versions(model_name, documents, now, number, by)
    if isinstance(found, Refusal):
        return found
    judged: dict[int, JudgedApplication | Refusal] = {}
    groups = []
    for live in {live.clearance_id: live for live in found}.values():
        places = [
            place for place, other in enumerate(found) if other.clearance_id == live.clearance_id
        ]
        groups.append((live, places))
        these = judged_applications(live, [documents[place] for place in places], now, by)
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
        rows = [row for place in good if isinstance(row := judged[place], JudgedApplication)]
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


def _none_decided(judged: Mapping[int, JudgedApplication | Refusal]) -> RowsRefused | None:
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


def _kept(
    live: LiveVersion,
    rows: Sequence[JudgedApplication],
    by: User,
    came_in: Sequence[Circumstances] | None = None,
) -> list[Decision]:
    """Record each judged application and insert its rows. The same statements for one and for many.

    `came_in` says how each was asked for, where that was not in the request at hand.
    """
    client = by.get_username()
    people, applications = references.applicants_for(
        client, [(row.application.application_ref, row.application.subject_ref) for row in rows]
    )
    recorder, recorded = Recorder(live, by, keys.producer()), []
    for row, came in zip(rows, came_in or [circumstances()] * len(rows), strict=True):
        person = people[row.application.subject_ref]
        application_id = applications[row.application.application_ref]
        with within(came):
            recorded.append(recorder.recorded(row, person, application_id))
    return _inserted(recorded)


def _inserted(recorded: Sequence[tuple[Decision, Observation]]) -> list[Decision]:
    insert_with_entries(*chain.from_iterable(recorded))
    return [decision for decision, _ in recorded]


def _remember(
    key: IdempotencyKey,
    by: User,
    decision: Decision | None = None,
    results: list[dict[str, Any]] | None = None,
) -> None:
    insert_with_entries(
        IdempotencyRecord(
            client=by,
            key=key.key,
            body_sha256=key.body_sha256,
            decision=decision,
            results=results,
            created_at=timezone.now(),
        )
    )


def _result(result: Decision | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"problem": refusal_answer(result)}
    return {"decision_id": str(result.pk)}
