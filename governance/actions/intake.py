"""Taking data in: features and label go down to the registry, protected columns into the vault, and they meet by row id alone."""

import io
from typing import IO

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.store import content_store
from governance.data_files import (
    ValuesByRow,
    is_window_row,
    values_by_row,
    window_row_id,
    with_decided,
)
from governance.events import Event
from governance.sources.gathering import from_file, from_source
from governance.sources.places import Gathered
from governance.sources.splitting_off import split_off
from monitoring.actions.protected_values import RowValues, record_protected_values
from monitoring.models import ProtectedValue
from monitoring.queries.protected_values import attributes_of_rows
from registry.actions.datasets import register_dataset
from registry.description import Description
from registry.errors import DatasetExists
from registry.models import Dataset
from registry.queries import contract_of
from registry.snapshots import ROW_ID, as_frame, read_parquet, to_parquet
from serving.queries import DecisionWindow


@action(Event.DATASET_TAKEN_IN, needs="governance.take_in_dataset")
def take_in_dataset(
    name: str, data: bytes | IO[bytes], filename: str, description: str, *, by: User
) -> Dataset:
    """Register a CSV or Parquet file as its description (TOML) says, with protected columns split off.

    `data` may be an open file, of which one piece at a time is in memory (docs/datasets.md).
    Features of feature tables are joined to it, each as it was known at the time of the row. Raises UnreadableFile,
    DescriptionRefused, UnknownFeatureTable, FeaturesDifferFromTable, FileDiffersFromDescription (an unclassified column
    among them), DatasetFailsContract, DatasetFailsExpectations, DatasetExists or ProtectedValuesRefused; nothing is stored then.
    """
    described = Description.from_toml(description)
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    return _take_in(name, from_file(file, filename, timezone.now()), described, by)


@action(Event.DATASET_TAKEN_IN, needs="governance.take_in_dataset")
def take_in_from_source(
    name: str, source: str, description: str, *, query: str = "", key: str = "", by: User
) -> Dataset:
    """Register what a configured source gives for a query of a database, or for a key below a bucket's prefix.

    The source is read inside of the act, so that only who may take data in makes it work, and refusals are recorded.
    Raises what `take_in_dataset` raises, and NoSuchSource, SourcesMalformed, SourceOfAnotherKind, SourceUnavailable,
    QueryRefused or ObjectRefused.
    """
    described = Description.from_toml(description)
    return _take_in(name, from_source(source, query, key, timezone.now()), described, by)


@action(Event.DATASET_EXTENDED, needs="governance.take_in_dataset")
def extend_dataset(base: Dataset, window: DecisionWindow, name: str, *, by: User) -> Dataset:
    """A new data set: the window's applications whose outcome is final, and the base's rows while those are more.

    An applicant may be among the base's rows under another name, and a person on both sides of a later split
    flatters the model: so the base is left out once there are as many decisions. Protected attributes of the
    base's rows are carried across; those of applicants stay with the applicant, so that erasing a person takes
    them everywhere. Raises DatasetExists or DatasetFailsContract.
    """
    final = window.matured & ~np.isnan(window.bad)
    contract = contract_of(base)
    frame = as_frame(read_parquet(content_store().get("datasets", base.sha256)))
    if final.sum() >= base.rows:
        frame = frame.iloc[:0]
    pairs = zip(window.subject_ids[final], window.decision_ids[final], strict=True)
    extended = with_decided(
        frame,
        contract,
        [window_row_id(*pair) for pair in pairs],
        window.packed[final],
        window.bad[final],
        [moment.date() for moment in window.decided_at[final]],
    )
    description = dict(base.description)
    protected = description.pop("protected_columns")
    description.pop(
        "feature_tables", None
    )  # its counts are the base's; the contract still names the tables
    dataset = register_dataset(
        name,
        to_parquet(extended, contract),
        description,
        protected,
        by=by,
        origin={"kind": "decisions", "base_sha256": base.sha256},
    )
    own = [str(row_id) for row_id in frame[ROW_ID] if not is_window_row(row_id)]
    carried = _carry_across(base, dataset, own, protected, by) if own else 0
    record(
        subject=dataset.subject,
        base_sha256=base.sha256,
        sha256=dataset.sha256,
        rows_of_base=len(frame),
        rows_added=len(extended) - len(frame),
        people_with_protected_values=carried,
    )
    return dataset


def _take_in(name: str, gathered: Gathered, described: Description, by: User) -> Dataset:
    with gathered, split_off(gathered.rows, described) as parts:
        dataset = register_dataset(
            name,
            parts.snapshot,
            described.registry_part() | parts.provenance,
            list(described.protected),
            by=by,
            origin=gathered.origin,
        )
        people = _protect(dataset, ValuesByRow(parts.protected), by)
    record(
        subject=dataset.subject,
        origin=gathered.origin,
        rows=dataset.rows,
        sha256=dataset.sha256,
        protected_columns=sorted(described.protected),
        people_with_protected_values=people,
        **parts.provenance,
    )
    return dataset


def _carry_across(
    base: Dataset, dataset: Dataset, own: list[str], columns: list[str], by: User
) -> int:
    values = attributes_of_rows(base.sha256, own, columns, reader=by)
    values.insert(0, ROW_ID, own)
    return _protect(dataset, values_by_row(values), by)


def _protect(dataset: Dataset, values: RowValues, by: User) -> int:
    """Store the protected columns, once per digest: they are found by it, whatever name the data set has."""
    if ProtectedValue.objects.filter(dataset_sha256=dataset.sha256).exists():
        raise DatasetExists(f"The same rows as {dataset} were taken in before, under another name.")
    return record_protected_values(dataset.sha256, values, by=by)
