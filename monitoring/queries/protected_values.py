"""Reading protected attributes: the only place where they are decrypted.

Every function checks that the reader may, through a role. Whoever reads for a report or a gate says
in the entry of that act which attributes of how many people were read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from audit import vault
from audit.action import require
from audit.deferred import deferred
from audit.models import Erasure
from audit.purposes import MONITORING
from monitoring.errors import ProtectedValueUnreadable
from monitoring.models import ProtectedValue
from monitoring.protected_key import protected_key
from monitoring.sealing import PROTECTED, Value

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = deferred("pandas")

PERMISSION = "monitoring.read_protected"
PER_QUERY = 500


@dataclass(frozen=True)
class SuppliedAttributes:
    """One row of protected attributes about a person, and when it came."""

    supplied_at: datetime
    values: dict[str, Value]


def attributes_of_subjects(
    subject_ids: Sequence[UUID], columns: Collection[str], *, reader: User
) -> pd.DataFrame:
    """One row per subject, in order; what is not known is missing. Erased people are not known.

    Raises NotPermitted, KeyMissing or ProtectedValueUnreadable.
    """
    require(reader, PERMISSION)
    wanted = [str(subject_id) for subject_id in subject_ids]
    found = _opened(_of_subjects(wanted), columns)
    return _frame([found.get(f"subject {subject_id}", {}) for subject_id in wanted], columns)


def attributes_of_rows(
    dataset_sha256: str, row_ids: Sequence[str], columns: Collection[str], *, reader: User
) -> pd.DataFrame:
    """One row per data set row, in order; what is not known is missing.

    A row of a data set that was made of decisions is named `<subject>/<decision>`; its attributes
    are the subject's. Raises NotPermitted, KeyMissing or ProtectedValueUnreadable.
    """
    require(reader, PERMISSION)
    found = _opened(_of_rows(dataset_sha256, row_ids), columns)
    by_row = [found.get(f"row {dataset_sha256}/{row_id}") for row_id in row_ids]
    subjects = {row_id: subject for row_id in row_ids if (subject := _subject_in(row_id))}
    of_subjects = _opened(_of_subjects(sorted(set(subjects.values()))), columns)
    values = [
        known if known is not None else of_subjects.get(f"subject {subjects.get(row_id)}", {})
        for known, row_id in zip(by_row, row_ids, strict=True)
    ]
    return _frame(values, columns)


def attributes_about(subject_id: UUID, *, reader: User) -> list[SuppliedAttributes]:
    """Everything that is held about one person, oldest first, for their own request. Raises as the others do."""
    require(reader, PERMISSION)
    supplied = []
    for row in ProtectedValue.objects.filter(~Exists(_erasure()), subject_id=subject_id).order_by(
        "pk"
    ):
        values = _opened([row], row.attributes)
        if values:
            supplied.append(SuppliedAttributes(row.supplied_at, values[row.about]))
    return supplied


def erased_people() -> QuerySet[ProtectedValue]:
    """Protected values whose person was erased and that are still there."""
    return ProtectedValue.objects.filter(Exists(_erasure()))


def _of_subjects(subject_ids: Sequence[str]) -> Iterable[ProtectedValue]:
    rows = ProtectedValue.objects.filter(~Exists(_erasure())).order_by("pk")
    for start in range(0, len(subject_ids), PER_QUERY):
        yield from rows.filter(subject_id__in=subject_ids[start : start + PER_QUERY])


def _of_rows(dataset_sha256: str, row_ids: Sequence[str]) -> Iterable[ProtectedValue]:
    wanted = set(row_ids)
    rows = ProtectedValue.objects.filter(dataset_sha256=dataset_sha256).order_by("pk")
    return (row for row in rows.iterator() if row.row_id in wanted)


def _erasure() -> QuerySet[Erasure]:
    return Erasure.objects.filter(subject_id=OuterRef("subject_id"), purpose=MONITORING.name)


def _opened(
    rows: Iterable[ProtectedValue], columns: Collection[str]
) -> dict[str, dict[str, Value]]:
    """The wanted attributes by whom they are about; what was supplied later counts."""
    found: dict[str, dict[str, Value]] = {}
    for some in _batches(rows):
        key = protected_key()
        people = {row.subject_id for row in some if row.subject_id is not None}
        own = vault.subject_keys(people, MONITORING.name, PROTECTED.label, key.secret)
        for row in some:
            _require_key(row, key.key_id)
            if row.subject_id is not None and row.subject_id not in own:
                continue  # erased at this very moment
            secret = own[row.subject_id] if row.subject_id is not None else key.secret
            values = PROTECTED.open(bytes(row.ciphertext), row.about, secret)
            wanted = {name: value for name, value in values.items() if name in columns}
            found.setdefault(row.about, {}).update(wanted)
    return found


def _batches(rows: Iterable[ProtectedValue]) -> Iterator[list[ProtectedValue]]:
    waiting = iter(rows)
    while some := list(islice(waiting, PER_QUERY)):
        yield some


def _require_key(row: ProtectedValue, key_id: str) -> None:
    if row.key_id != key_id:
        raise ProtectedValueUnreadable(
            f"The protected attributes of {row.about} need the key {row.key_id}, "
            f"and this installation has {key_id}."
        )


def _frame(values: list[dict[str, Value]], columns: Collection[str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(values, columns=sorted(columns))


def _subject_in(row_id: str) -> str | None:
    subject, slash, _ = row_id.partition("/")
    try:
        return str(UUID(subject)) if slash else None
    except ValueError:
        return None
