"""Acts on feature tables: defining them, recording rows, and forgetting the erased."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max
from django.utils import timezone

from audit import references, turns
from audit.action import action, record
from audit.bodies import MOST_LISTED
from audit.errors import FieldProblem
from registry import feature_tables
from registry.contract import FeatureContract
from registry.errors import FeatureRowsRefused, FeatureTableRefused, ProtectedColumn
from registry.events import Event
from registry.features import LONGEST_TTL_SECONDS
from registry.models import FeatureIngest, FeatureRow, FeatureTable
from registry.requests import feature_problems, read_moment, read_reference

MOST_AT_ONCE = 100_000
ROWS_PER_INSERT = 500
_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)
_MEMBERS = ("subject_ref", "event_at", "created_at", "features")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row without problems."""

    subject_ref: str
    event_at: datetime
    created_at: datetime | None
    features: Mapping[str, Any]


@action(Event.FEATURE_TABLE_DEFINED, needs="registry.define_featuretable")
def define_feature_table(
    name: str,
    features: Mapping[str, Any],
    ttl_seconds: int,
    client: User,
    source: str,
    protected_columns: Collection[str] = (),
    *,
    by: User,
) -> FeatureTable:
    """A new version of a feature table, which holds no rows yet; those before it stay as they are.

    `features` is a contract; `client` is the system in whose references people are named; `protected_columns`
    are names of what the source holds and the table must not. Raises ContractMalformed, ProtectedColumn (also for a
    name that was split off any data set as protected) or FeatureTableRefused.
    """
    contract = FeatureContract.from_json(features)
    _require_unprotected(contract, protected_columns)
    problems = _faults(name, contract, ttl_seconds, source)
    if problems:
        raise FeatureTableRefused("The table cannot be defined so; see `errors`.", errors=problems)
    # Two who define one table at the same moment get two versions: the second waits for the first.
    turns.take(f"credence-feature-table-name/v1\n{name}")
    newest = FeatureTable.objects.filter(name=name).aggregate(Max("version"))["version__max"] or 0
    table = FeatureTable(
        name=name,
        version=newest + 1,
        features=contract.as_json(),
        contract_sha256=contract.sha256,
        ttl_seconds=ttl_seconds,
        client=client,
        source=source,
        defined_by=by,
        created_at=timezone.now(),
    )
    table.entry = record(
        subject=table.subject,
        features=list(contract.names),
        contract_sha256=contract.sha256,
        ttl_seconds=ttl_seconds,
        client=client.get_username(),
        source=source,
    )
    table.save(force_insert=True)
    return table


@action(Event.FEATURES_RECORDED, needs="registry.record_features")
def record_features(
    table: FeatureTable, documents: Sequence[object], source: str, *, by: User
) -> FeatureIngest:
    """Add rows to a table: all of them, or none. Training and decisions see them at once.

    A document is `{"subject_ref", "event_at", "created_at"?, "features": {name: value}}` with every feature of the table.
    `created_at` is when the source knew the row, for rows from before they came here; without it that is now.

    1. Judge the rows. 2. Find out whom they are about. 3. Take the table's turn, and only then the time. 4. Keep.

    Raises FeatureRowsRefused naming every fault by its row, or AlreadyErased.
    """
    # 1
    rows = _read(table, documents, source)
    # 2
    people = references.people_for(table.client.get_username(), [row.subject_ref for row in rows])
    # 3
    turns.take(feature_tables.turn_of(feature_tables.source_of(table)))
    now = timezone.now()
    # 4
    ingest = FeatureIngest(
        table=table,
        rows=len(rows),
        newest_event_at=max(row.event_at for row in rows),
        source=source,
        recorded_by=by,
        recorded_at=now,
    )
    ingest.entry = record(
        subject=table.subject,
        rows=ingest.rows,
        people=len(people),
        newest_event_at=ingest.newest_event_at,
        backdated=sum(row.created_at is not None for row in rows),
        source=source,
    )
    ingest.save(force_insert=True)
    packed = FeatureContract.from_json(table.features).pack([row.features for row in rows])
    FeatureRow.objects.bulk_create(
        (
            FeatureRow(
                table=table,
                ingest=ingest,
                subject_id=people[row.subject_ref].subject_id,
                event_at=row.event_at,
                created_at=row.created_at or now,
                packed=values.tobytes(),
            )
            for row, values in zip(rows, packed, strict=True)
        ),
        batch_size=ROWS_PER_INSERT,
    )
    return ingest


@action(Event.FEATURES_DELETED, needs="registry.delete_featurerow")
def forget_erased_people(*, by: User) -> int:
    """Delete what feature tables hold about people who were erased. Returns how many rows went.

    The database refuses it for anybody whose erasure it does not hold.
    """
    deleted, _ = feature_tables.erased_rows().delete()
    record(subject=("registry.featurerow", "erased people"), rows=deleted)
    return deleted


def _require_unprotected(contract: FeatureContract, declared: Collection[str]) -> None:
    barred = {name.casefold() for name in (*declared, *feature_tables.protected_everywhere())}
    if found := [name for name in contract.names if name.casefold() in barred]:
        raise ProtectedColumn(
            "Protected attributes are no features.",
            errors=[
                FieldProblem(f"features.{name}", "protected", "Declared protected; leave it out.")
                for name in found
            ],
        )


def _faults(
    name: str, contract: FeatureContract, ttl_seconds: int, source: str
) -> list[FieldProblem]:
    found = []
    if not _NAME.fullmatch(name) or len(name) > 100:
        detail = "Must be at most 100 small letters, digits and single hyphens."
        found.append(FieldProblem("name", "malformed", detail))
    if not 0 < ttl_seconds <= LONGEST_TTL_SECONDS:
        detail = f"Must be from 1 to {LONGEST_TTL_SECONDS:,} seconds."
        found.append(FieldProblem("ttl_seconds", "out_of_range", detail))
    if not source.strip():
        found.append(FieldProblem("source", "blank", "Say where the values come from."))
    found += [
        FieldProblem(f"features.{one.name}.table", "unexpected", "A table looks nothing up itself.")
        for one in contract.features
        if one.table
    ]
    return found


def _read(table: FeatureTable, documents: Sequence[object], source: str) -> list[_Row]:
    problems = []
    if not 0 < len(documents) <= MOST_AT_ONCE:
        detail = f"A batch holds 1 to {MOST_AT_ONCE:,} rows."
        problems.append(FieldProblem("rows", "out_of_range", detail))
    if not 0 < len(source.strip()) <= 200:
        problems.append(FieldProblem("source", "malformed", "Say in 1 to 200 characters."))
    contract, barred = (
        FeatureContract.from_json(table.features),
        feature_tables.protected_everywhere(),
    )
    now, rows = timezone.now(), []
    for position, document in enumerate(documents[:MOST_AT_ONCE]):
        row, faults = _row(document, contract, barred, now)
        problems += [
            FieldProblem(f"rows.{position}.{fault.field}", fault.type, fault.detail)
            for fault in faults
        ]
        if row is not None:
            rows.append(row)
        if len(problems) >= MOST_LISTED:
            break
    if problems:
        raise FeatureRowsRefused(
            f"No row was taken by {table}; see `errors`.", errors=problems[:MOST_LISTED]
        )
    return rows


def _row(
    document: object, contract: FeatureContract, barred: Collection[str], now: datetime
) -> tuple[_Row | None, list[FieldProblem]]:
    if not isinstance(document, Mapping):
        return None, [FieldProblem("row", "wrong_type", "Must be an object.")]
    problems: list[FieldProblem] = []
    if any(name not in _MEMBERS for name in document):
        detail = f"A row has {', '.join(_MEMBERS)} and nothing else."
        problems.append(FieldProblem("row", "unexpected", detail))
    reference = read_reference(document, "subject_ref", problems, "Whom is the row about?")
    event_at = read_moment(document, "event_at", now, problems)
    created_at = read_moment(document, "created_at", now, problems)
    if document.get("event_at") is None:
        problems.append(FieldProblem("event_at", "missing", "Since when do the values hold?"))
    if event_at and created_at and created_at < event_at:
        detail = "Nothing is known before it happens: must not be before event_at."
        problems.append(FieldProblem("created_at", "out_of_range", detail))
    features = document.get("features")
    if isinstance(features, Mapping):
        problems += [
            FieldProblem(f"features.{fault.field}", fault.type, fault.detail)
            for fault in feature_problems(features, contract, barred)
        ]
    else:
        problems.append(FieldProblem("features", "wrong_type", "Must be an object."))
    if problems:
        return None, problems
    assert event_at is not None
    assert isinstance(features, Mapping)
    return _Row(reference, event_at, created_at, features), []
