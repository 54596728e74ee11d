"""Storing protected attributes, and removing those of erased people."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import vault
from audit.action import action, record
from audit.errors import FieldProblem, Refusal
from audit.models import Entry
from audit.purposes import MONITORING
from monitoring.demographics import Demographics, read_demographics, value_problems
from monitoring.errors import ProtectedValuesRefused
from monitoring.events import Event
from monitoring.models import ProtectedValue
from monitoring.protected_key import protected_key
from monitoring.queries import people, protected_values
from monitoring.queries.policies import known_attributes
from monitoring.sealing import PROTECTED, Value
from serving.batches import refused_rows

MOST_AT_ONCE = 10_000
ROWS_PER_INSERT = 500


class RowValues(Protocol):
    """The known attributes of rows by row id, which can be gone through more than once: a mapping, or a file's pieces."""

    def items(self) -> Iterable[tuple[str, Mapping[str, Value]]]: ...


@action(Event.PROTECTED_VALUES_RECORDED, needs="monitoring.supply_protected")
def record_protected_values(dataset_sha256: str, rows: RowValues, *, by: User) -> int:
    """Store the protected attributes of a data set's rows, by row id, under the data set's digest.

    An attribute that is not known is left out of a row. Returns of how many rows any is known.
    Raises ProtectedValuesRefused naming every attribute whose values are unfit, or KeyMissing.
    """
    problems: dict[tuple[str, str], FieldProblem] = {}
    attributes: set[str] = set()
    people_known = 0
    for _, values in rows.items():
        problems |= {(problem.field, problem.type): problem for problem in value_problems(values)}
        attributes.update(values)
        people_known += bool(values)
    if problems:
        raise ProtectedValuesRefused(
            "Protected attributes of the data set cannot be stored.", errors=list(problems.values())
        )
    entry = record(
        subject=("registry.dataset", dataset_sha256),
        people=people_known,
        attributes=sorted(attributes),
    )
    scope = ProtectedValue.Scope.DATASET
    known = (
        (ProtectedValue(scope=scope, dataset_sha256=dataset_sha256, row_id=row_id), values)
        for row_id, values in rows.items()
        if values
    )
    while batch := list(islice(known, MOST_AT_ONCE)):
        _store(batch, entry)
    return people_known


@action(Event.PROTECTED_VALUES_RECORDED, needs="monitoring.supply_protected")
def record_demographics(
    documents: Sequence[object], *, by: User, client: str | None = None
) -> list[Refusal | None]:
    """Store protected attributes of applicants, named by the references of the client that sent them.

    `client` is the caller unless named. Good rows are stored together; answers one None or one
    refusal per row, in order, and the refused rows make one entry, without values. Raises
    ProtectedValuesRefused where the list is empty or too long, or KeyMissing.
    """
    if not 0 < len(documents) <= MOST_AT_ONCE:
        raise ProtectedValuesRefused(f"A list holds 1 to {MOST_AT_ONCE:,} people.")
    whose = client or by.get_username()
    known = known_attributes(timezone.now())
    read = [read_demographics(document, known) for document in documents]
    subjects = people.subjects_of(whose, [row for row in read if isinstance(row, Demographics)])
    erased = people.erased_among(subjects.values())
    results = [_result(row, subjects, erased) for row in read]
    good = [
        (subjects[row.reference], row.values)
        for row, result in zip(read, results, strict=True)
        if result is None and isinstance(row, Demographics)
    ]
    refused = {place: result for place, result in enumerate(results) if result is not None}
    entry = record(
        subject=("monitoring.client", whose),
        people=len(good),
        attributes=_names(values for _, values in good),
        **refused_rows(refused),
    )
    _store(
        [
            (ProtectedValue(scope=ProtectedValue.Scope.CLIENT, subject_id=subject_id), values)
            for subject_id, values in good
        ],
        entry,
    )
    return results


@action(Event.PROTECTED_VALUES_FORGOTTEN, needs="monitoring.forget_protected")
def forget_erased_people(*, by: User) -> int:
    """Remove the protected attributes of people who were erased. Returns how many rows went."""
    removed, _ = protected_values.erased_people().delete()
    record(subject=("monitoring.protectedvalue", "erased people"), rows=removed)
    return removed


def _result(
    row: Demographics | ProtectedValuesRefused,
    subjects: Mapping[tuple[str, str], UUID],
    erased: Collection[UUID],
) -> Refusal | None:
    if isinstance(row, Refusal):
        return row
    if row.reference not in subjects:
        return row.unknown_person()
    return row.erased_person() if subjects[row.reference] in erased else None


def _names(rows: Iterable[Mapping[str, Value]]) -> list[str]:
    return sorted({name for values in rows for name in values})


def _store(rows: Sequence[tuple[ProtectedValue, Mapping[str, Value]]], entry: Entry) -> None:
    """What is about a person is sealed under a key that goes with them, of which the key here is one half."""
    key, now = protected_key(), timezone.now()
    subjects = {row.subject_id for row, _ in rows if row.subject_id is not None}
    secrets = vault.secrets_made_for(subjects, MONITORING.name)
    for row, values in rows:
        own = secrets.get(row.subject_id) if row.subject_id is not None else None
        secret = (
            vault.subject_key(own, PROTECTED.label, key.secret) if own is not None else key.secret
        )
        row.attributes = sorted(values)
        row.ciphertext = PROTECTED.close(values, row.about, secret)
        row.key_id = key.key_id
        row.supplied_at = now
        row.entry = entry
    ProtectedValue.objects.bulk_create([row for row, _ in rows], batch_size=ROWS_PER_INSERT)
