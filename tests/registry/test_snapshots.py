"""A data file becomes a snapshot and, apart from it, its protected columns."""

import pandas as pd
import pytest

from registry.contract import FeatureContract
from registry.description import Description
from registry.errors import FileDiffersFromDescription, NotParquet
from registry.snapshots import load_snapshot, read_parquet, to_parquet
from registry.splitting import split_file
from tests.registry.applicants import CONTRACT, a_frame, an_application
from tests.registry.test_description import TEXT

DESCRIPTION = Description.from_toml(TEXT)


def a_file(**changes: object) -> pd.DataFrame:
    columns: dict[str, object] = {
        "id": [11, 12, 13],
        "status": ["paid", "default", "charged off"],
        "opened": ["2007-06-01", "2008-01-01", "2009-12-31"],
        "dti": [12.5, 999, 40],
        "purpose": [1, 2, 1],
        "sex": [1, 2, 2],
        "age": [30, 40, None],
        "colour": ["r", "g", "b"],
    }
    return pd.DataFrame({**columns, **changes})


def problems(file: pd.DataFrame) -> dict[str, str]:
    with pytest.raises(FileDiffersFromDescription) as refusal:
        split_file(file, DESCRIPTION)
    return {problem.field: problem.detail for problem in refusal.value.errors}


def test_a_file_is_split_into_what_is_scored_and_what_is_protected() -> None:
    split = split_file(a_file(), DESCRIPTION)

    assert list(split.snapshot) == ["row_id", "dti", "purpose", "bad", "observed_on"]
    assert list(split.protected) == ["row_id", "sex", "age"]
    assert split.snapshot["row_id"].tolist() == split.protected["row_id"].tolist()
    assert split.snapshot["bad"].tolist() == [0, 1, 1]


def test_codes_for_missing_values_become_missing() -> None:
    split = split_file(a_file(), DESCRIPTION)

    assert split.snapshot["dti"].isna().tolist() == [False, True, False]


def test_numbers_that_name_categories_become_texts() -> None:
    split = split_file(a_file(purpose=[1.0, 2.0, 1.0]), DESCRIPTION)

    assert split.snapshot["purpose"].tolist() == ["1", "2", "1"]


def test_a_file_without_a_key_gets_row_numbers() -> None:
    description = Description.from_toml(TEXT.replace('row_key = "id"', ""))

    split = split_file(a_file().drop(columns="id"), description)

    assert split.snapshot["row_id"].tolist() == ["1", "2", "3"]


def test_values_of_another_type_are_named_by_column_and_row_and_not_shown() -> None:
    found = problems(a_file(dti=["12.5", "secret", "40"], opened=["x", "2008-01-01", "2009-01-01"]))

    assert set(found) == {"dti", "opened"}
    assert "rows 12" in found["dti"]
    assert "secret" not in found["dti"]


def test_a_missing_label_or_key_is_refused() -> None:
    assert set(problems(a_file(status=["paid", None, "default"], id=[11, None, 13]))) == {
        "id",
        "status",
    }


def test_a_snapshot_comes_back_from_parquet_as_arrays() -> None:
    split = split_file(a_file(), DESCRIPTION)

    snapshot = load_snapshot(to_parquet(split.snapshot, DESCRIPTION.features), DESCRIPTION.features)

    assert snapshot.row_ids.tolist() == ["11", "12", "13"]
    assert snapshot.bad.tolist() == [0, 1, 1]
    assert snapshot.packed[:, 1].tolist() == [0.0, 1.0, 0.0]
    assert snapshot.observed_on is not None
    assert str(snapshot.observed_on[2]) == "2009-12-31"


def test_equal_frames_make_equal_bytes() -> None:
    assert to_parquet(a_frame(), CONTRACT) == to_parquet(a_frame().copy(), CONTRACT)


def test_a_row_of_a_snapshot_packs_like_an_application() -> None:
    contract = FeatureContract.from_json(CONTRACT.as_json())
    row = pd.DataFrame([{"row_id": "1", **an_application(income=None), "bad": 0}])

    snapshot = load_snapshot(to_parquet(row, contract), contract)

    assert snapshot.packed.tobytes() == contract.pack([an_application(income=None)]).tobytes()


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"row_id,bad\n1,0\n"])
def test_bytes_that_are_no_parquet_are_refused(damage: bytes) -> None:
    with pytest.raises(NotParquet):
        read_parquet(damage)


def test_truncated_parquet_is_refused() -> None:
    with pytest.raises(NotParquet):
        read_parquet(to_parquet(a_frame(), CONTRACT)[:-20])
