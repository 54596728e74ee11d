"""Recording how decided applications turned out."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import vault
from audit.action import action, record
from audit.errors import FieldProblem, Refusal
from audit.models import Entry
from audit.vault import Private
from serving import queries
from serving.batches import refused_rows
from serving.errors import BatchOutOfBounds, InvalidOutcome
from serving.events import Event
from serving.models import Outcome
from serving.outcome_reports import OutcomeReport, read_report

MOST_AT_ONCE = 10_000
ROWS_PER_INSERT = 500


@action(Event.OUTCOME_RECORDED, needs="serving.record_outcome")
def record_outcome(document: object, *, by: User) -> Outcome:
    """Record how one application turned out. Raises InvalidOutcome with every bad field."""
    [result] = _checked([document])
    if isinstance(result, Refusal):
        raise result
    [outcome] = _kept([result], by)
    return outcome


@action(Event.OUTCOME_RECORDED, needs="serving.record_outcome")
def record_outcomes(documents: Sequence[object], *, by: User) -> list[Outcome | Refusal]:
    """Record many at once: good rows commit together, the refused ones make one entry.

    Raises BatchOutOfBounds.
    """
    if not 0 < len(documents) <= MOST_AT_ONCE:
        raise BatchOutOfBounds(f"A batch holds 1 to {MOST_AT_ONCE:,} labels.")
    checked = _checked(documents)
    good = [row for row in checked if isinstance(row, OutcomeReport)]
    kept = iter(_kept(good, by) if good else [])
    results = [row if isinstance(row, Refusal) else next(kept) for row in checked]
    refused = {row: result for row, result in enumerate(results) if isinstance(result, Refusal)}
    if refused:
        record_refused_outcomes(refused, by=by)
    return results


@action(Event.OUTCOMES_REFUSED, needs="serving.record_outcome")
def record_refused_outcomes(refused: Mapping[int, Refusal], *, by: User) -> Entry:
    """Keep which positions of a batch of outcomes were refused and why."""
    return record(subject=("serving.outcome", "batch"), **refused_rows(refused))


def _checked(documents: Sequence[object]) -> list[OutcomeReport | Refusal]:
    """Each document as a report, or the refusal that names everything wrong with it."""
    read = [read_report(document, timezone.now().date()) for document in documents]
    decision_ids = [report.decision_id for report, _ in read if report]
    decided_on = queries.decided_on(decision_ids)
    known = queries.outcome_days(decision_ids)
    checked: list[OutcomeReport | Refusal] = []
    for report, problems in read:
        if report:
            problems = _conflicts(report, decided_on.get(report.decision_id), known)
            known.add((report.decision_id, report.observed_on))
        checked.append(report if report and not problems else _refused(problems))
    return checked


def _conflicts(
    report: OutcomeReport, decided_on: date | None, known: set[tuple[UUID, date]]
) -> list[FieldProblem]:
    if decided_on is None:
        return [
            FieldProblem(
                "decision_id", "unknown", "There is no such decision, or its person was erased."
            )
        ]
    if (report.decision_id, report.observed_on) in known:
        return [
            FieldProblem("observed_on", "already_known", "The outcome of that day is recorded.")
        ]
    if report.observed_on < decided_on:
        return [FieldProblem("observed_on", "out_of_range", "Must not be before the decision.")]
    return []


def _refused(problems: list[FieldProblem]) -> InvalidOutcome:
    return InvalidOutcome(
        "The label cannot be taken; `errors` names every field that is wrong.", errors=problems
    )


def _kept(reports: Sequence[OutcomeReport], by: User) -> list[Outcome]:
    subjects = queries.subjects_of([report.decision_id for report in reports])
    secrets = vault.secrets_of(subjects.values())
    outcomes = []
    for report in reports:
        subject_id = subjects[report.decision_id]
        entry = record(
            subject=("serving.decision", str(report.decision_id)),
            private=Private(subject_id, report.as_json(), secret=secrets[subject_id]),
        )
        outcomes.append(Outcome(**report.as_json(), supplied_by=by, entry=entry))
    return Outcome.objects.bulk_create(outcomes, batch_size=ROWS_PER_INSERT)
