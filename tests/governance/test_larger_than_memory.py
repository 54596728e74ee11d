"""A data set that is larger than memory is taken in piece by piece, and what comes of it does not show where the pieces ended."""

import hashlib
import io
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User

from audit.errors import Refusal
from audit.store import FolderStore
from governance.actions.intake import take_in_dataset
from governance.data_files import FileRows, ValuesByRow
from governance.sources.splitting_off import split_off
from monitoring.actions import protected_values
from monitoring.models import ProtectedValue
from registry import repeats, snapshots
from registry.description import Description
from registry.expectations import evaluate, read_expectations
from registry.repeats import repeated_rows
from registry.snapshots import SnapshotFile, arrow_schema, write_snapshot
from registry.validation import validate
from tests.governance.test_intake import DESCRIPTION, UNFIT, a_file, csv, parquet
from tests.registry.applicants import CONTRACT, a_frame
from tests.registry.test_expectations import TODAY

WHOLE = 1_000_000
PIECES = (1, 7, 1000)
MORE_FEATURES = """
[features.children]
type = "integer"
missing_values = [99]
missing = "allowed"
reason_group = "obligations"

[features.owner]
type = "boolean"
missing = "allowed"
reason_group = "obligations"

[features.region]
type = "category"
categories = ["1", "2", "x"]
missing_values = [9]
missing = "allowed"
reason_group = "purpose"

[features.rating]
type = "category"
categories = ["1", "2"]
missing = "allowed"
reason_group = "purpose"

[features.steps]
type = "category"
categories = ["1.0", "2.5"]
reason_group = "purpose"

[reasons.obligations]
"""
DESCRIBED = Description.from_toml(
    DESCRIPTION.replace("[reasons.obligations]\n", MORE_FEATURES, 1).replace('row_key = "id"\n', "")
    + 'id = "Not needed."\n\n[time]\ncolumn = "opened"\n'
)


def a_shifting_file(rows: int = 60) -> pd.DataFrame:
    """Columns whose first rows look like another type than the whole has."""
    place = np.arange(rows)
    return a_file(rows).assign(
        dti=np.where(place < 30, 5, 5.123456789),
        children=np.where(place % 8 == 3, 99, place % 5),
        owner=pd.Series(
            [[True, False, None][one % 3] if one > 20 else True for one in place], dtype=object
        ),
        region=pd.Series([1 if one < 40 else ["2", "x", "9"][one % 3] for one in place]).astype(
            str
        ),
        rating=pd.Series([1.0 if one < 30 else [2.0, None][one % 2] for one in place]),
        steps=np.where(place < 50, 1.0, 2.5),
        sex=["1" if one < 25 else "f" for one in place],
        age=pd.Series([40.0 if one < 35 else None for one in place]),
        opened=[f"2026-01-{one % 28 + 1:02}" for one in place],
    )


def came_of(data: bytes, described: Description, piece_rows: int) -> tuple[str, dict[str, object]]:
    """The digest of the snapshot, and the protected values."""
    with split_off(FileRows(io.BytesIO(data), piece_rows), described) as parts:
        parts.snapshot.seek(0)
        digest = hashlib.sha256(parts.snapshot.read()).hexdigest()
        return digest, dict(ValuesByRow(parts.protected).items())


@pytest.mark.parametrize("form", [csv, parquet])
@pytest.mark.parametrize("piece_rows", PIECES)
def test_the_same_rows_have_the_same_digest_whole_and_in_pieces(
    form: Callable[[pd.DataFrame], bytes], piece_rows: int
) -> None:
    data = form(a_shifting_file())

    digest, protected = came_of(data, DESCRIBED, piece_rows)

    assert (digest, protected) == came_of(data, DESCRIBED, WHOLE)
    assert len(protected) == 60


def test_values_are_those_of_the_whole_file() -> None:
    data = csv(a_shifting_file())

    with split_off(FileRows(io.BytesIO(data), 7), DESCRIBED) as parts:
        parts.snapshot.seek(0)
        found = pq.read_table(parts.snapshot).to_pydict()

    assert found["row_id"] == [str(number) for number in range(1, 61)]
    assert found["dti"] == [5.0] * 30 + [5.123456789] * 30
    assert found["children"] == [None if row % 8 == 3 else row % 5 for row in range(60)]
    assert found["owner"] == [
        [True, False, None][row % 3] if row > 20 else True for row in range(60)
    ]
    assert found["rating"] == ["1"] * 30 + ["2", None] * 15
    assert found["steps"] == ["1.0"] * 50 + ["2.5"] * 10


def test_row_groups_are_cut_at_fixed_rows_and_as_pyarrow_cuts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "GROUP_ROWS", 500)
    frame, schema = a_frame(), arrow_schema(CONTRACT, with_time=False)
    expected = io.BytesIO()
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    pq.write_table(
        table.replace_schema_metadata(None), expected, compression="zstd", row_group_size=500
    )

    for piece_rows in (7, 499, 500, 501, 1200):
        file = io.BytesIO()
        frames = [frame[start : start + piece_rows] for start in range(0, len(frame), piece_rows)]
        write_snapshot(frames, schema, file)

        assert file.getvalue() == expected.getvalue()


def refusal(data: bytes, piece_rows: int) -> list[tuple[str, str, str]]:
    described = Description.from_toml(DESCRIPTION)
    try:
        with split_off(FileRows(io.BytesIO(data), piece_rows), described) as parts:
            list(ValuesByRow(parts.protected).items())
            checks = validate(SnapshotFile(parts.snapshot, piece_rows), described.features)
            return [(one.field, one.check, one.observed) for one in checks if not one.passed]
    except Refusal as refused:
        return [(one.field, one.type, one.detail) for one in refused.errors]


REFUSED = {
    **{name: data for name, (data, _) in UNFIT.items()},
    "no table": b"",
    "a column nobody classified": csv(a_file(zip_code="x")),
    "a column that is absent": csv(a_file().drop(columns="dti")),
    "texts among numbers": csv(a_file(dti=[*range(53), *"abcdefg"])),
    "true and false for numbers": csv(a_file(dti=True)),
    "rows without a key": csv(a_file(id=[*(f"A{one}" for one in range(50)), *[None] * 10])),
    "rows of the same key": csv(a_file(id=[f"A{one % 58}" for one in range(60)])),
    "values out of range": csv(a_file(dti=[*range(40), *range(200, 220)])),
    "unknown categories": csv(a_file(purpose=["car"] * 52 + ["boat"] * 8)),
    "one outcome": csv(a_file(status="repaid")),
    "a row that is too long": csv(a_file()) + b"a,b,c,d,e,f,g,h,i\n",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_whole_is_refused_in_pieces_in_the_same_words(
    data: bytes,
) -> None:
    expected = refusal(data, WHOLE)

    assert expected
    assert refusal(data, 25) == expected


def test_expectations_come_to_the_same_in_pieces() -> None:
    asked = read_expectations(
        {
            "expectations": [
                {"check": "row_count", "at_least": 2000},
                {"check": "range", "column": "dti", "maximum": 30},
                {"check": "null_share", "column": "purpose", "at_most": 0.0},
                {"check": "set", "column": "purpose", "values": ["car"]},
                {"check": "unique", "column": "purpose"},
                {"check": "unique", "column": "row_id"},
                {"check": "type", "column": "bad", "type": "text"},
                {"check": "freshness", "column": "bad", "days": 3},
            ]
        }
    )
    parquet_bytes = snapshots.to_parquet(a_frame().head(300), CONTRACT)

    whole, pieces = (
        evaluate(SnapshotFile(io.BytesIO(parquet_bytes), rows), asked, TODAY)
        for rows in (WHOLE, 70)
    )

    assert pieces == whole
    assert {one.passed for one in whole} == {True, False}


@pytest.mark.parametrize("most", [2, 1000])
def test_repeated_values_are_counted_wherever_they_lie(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(repeats, "MOST_COMPARED", most)
    monkeypatch.setattr(repeats, "_AT_ONCE", 3)
    file = io.BytesIO()
    values = [0.0, 1.0, 2.0, None, 1.0, None, -0.0, 5.0, 1.0]
    pq.write_table(pa.table({"row_id": list("abcdefghi"), "x": values}), file)

    assert repeated_rows(SnapshotFile(file, 2), "x") == (5, ["a", "b", "e", "g", "i"])
    assert repeated_rows(SnapshotFile(file, 2), "row_id") == (0, [])


def test_values_that_only_share_a_digest_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pd.util, "hash_pandas_object", lambda values, index: np.ones(len(values)))
    file = io.BytesIO()
    pq.write_table(pa.table({"row_id": ["a", "b", "c", "b"]}), file)

    assert repeated_rows(SnapshotFile(file, 1), "row_id") == (2, ["b", "b"])


def test_a_column_of_nothing_but_true_and_false_is_a_boolean() -> None:
    data = csv(a_shifting_file().assign(owner=[True, False] * 30))

    with split_off(FileRows(io.BytesIO(data)), DESCRIBED) as parts:
        parts.snapshot.seek(0)
        assert pq.read_table(parts.snapshot)["owner"].to_pylist() == [True, False] * 30


def test_protected_values_are_stored_in_batches(
    monkeypatch: pytest.MonkeyPatch, developer: User, db: None
) -> None:
    monkeypatch.setattr(protected_values, "MOST_AT_ONCE", 7)

    dataset = take_in_dataset(
        "small", io.BytesIO(csv(a_file())), "f.csv", DESCRIPTION, by=developer
    )

    assert ProtectedValue.objects.filter(dataset_sha256=dataset.sha256).count() == 60


ROWS = 1_200_000
TEXT_PER_ROW = 220


def take_in(path: Path) -> None:
    """Run in a process of its own, whose memory at the most is what is asked about."""
    described = Description.from_toml(DESCRIPTION)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with path.open("rb") as file, split_off(FileRows(file), described) as parts:
        checks = validate(SnapshotFile(parts.snapshot), described.features, ["sex", "age"])
        assert all(check.passed for check in checks)
        people = sum(1 for _ in ValuesByRow(parts.protected).items())
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            FolderStore(Path(folder)).put_file("datasets", parts.snapshot)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(people, (after - before) >> 10)


@pytest.mark.long
def test_a_file_of_several_hundred_megabytes_takes_far_less_memory(tmp_path: Path) -> None:
    path, made = tmp_path / "large.csv", 0
    with path.open("w") as file:
        while made < ROWS:
            frame = a_file(50_000, note="x" * TEXT_PER_ROW)
            frame["id"] = [f"A{number}" for number in range(made, made + len(frame))]
            frame.to_csv(file, index=False, header=made == 0)
            made += len(frame)

    words = "import sys, django; django.setup(); from pathlib import Path; from tests.governance.test_larger_than_memory import take_in; take_in(Path(sys.argv[1]))"
    ran = subprocess.run(
        [sys.executable, "-c", words, str(path)], capture_output=True, text=True, check=True
    )

    people, grown_mb = map(int, ran.stdout.split())
    file_mb = path.stat().st_size >> 20
    print(f"{people:,} rows, a file of {file_mb} MiB; memory grew by {grown_mb} MiB at the most")
    assert people == ROWS
    assert file_mb > 250
    assert grown_mb < file_mb / 2
