"""A file is split where it comes in: what is protected never lies below monitoring."""

import io
from datetime import date
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from audit.errors import NotPermitted, Refusal
from audit.models import Entry
from audit.queries import service_account
from governance import data_files
from governance.actions.intake import extend_dataset, take_in_dataset
from governance.data_files import read_data_file, values_by_row
from governance.errors import UnreadableFile
from monitoring.models import ProtectedValue
from monitoring.queries.protected_values import attributes_of_rows
from registry.errors import (
    DatasetExists,
    DescriptionRefused,
    FileDiffersFromDescription,
    ProtectedColumn,
)
from registry.models import Dataset
from registry.queries import snapshot_of
from serving.queries import DecisionWindow

pytestmark = pytest.mark.django_db

DESCRIPTION = """
[dataset]
name = "small"
title = "A small file"
source = "tests"
licence = "none"
label_meaning = "Not repaid within a year."
jurisdiction = "US"
row_key = "id"

[label]
column = "status"
bad_values = ["charged off"]

[features.dti]
type = "number"
minimum = 0
maximum = 100
unit = "%"
reason_group = "obligations"

[features.purpose]
type = "category"
categories = ["car", "home"]
reason_group = "purpose"
missing = "allowed"

[reasons.obligations]
code = "R01"
statement = "Obligations in relation to income"
missing_statement = "Obligations could not be verified"

[reasons.purpose]
code = "R02"
statement = "Purpose of the loan"
missing_statement = "Purpose could not be verified"

[protected.sex]
basis = "sex"
description = "As stated by the applicant."

[protected.age]
basis = "age"
description = "In years."

[groups.sex]
control = "men"
men = {sex = "m"}
women = {sex = "f"}

[ignored]
note = "Free text."
"""
SECRET = "quarrelsome-protected-value"


def a_file(rows: int = 60, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": [f"A{number}" for number in range(rows)],
            "status": rng.choice(["repaid", "charged off"], rows),
            "dti": rng.uniform(5, 60, rows).round(2),
            "purpose": rng.choice(["car", "home"], rows),
            "sex": rng.choice(["m", "f"], rows),
            "age": rng.integers(20, 80, rows),
            "note": "x",
            **columns,
        }
    )


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def parquet(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink, index=False)
    return sink.getvalue()


@pytest.mark.parametrize("form", [csv, parquet])
def test_features_and_label_go_down_and_protected_columns_stay_above(developer, analyst, form):
    frame = a_file()

    dataset = take_in_dataset("small", form(frame), "small.csv", DESCRIPTION, by=developer)

    assert dataset.columns == ["row_id", "dti", "purpose", "bad"]
    snapshot = snapshot_of(dataset)
    assert snapshot.row_ids.tolist() == frame["id"].tolist()
    assert snapshot.bad.tolist() == (frame["status"] == "charged off").astype(int).tolist()
    attributes = attributes_of_rows(
        dataset.sha256, frame["id"].tolist(), {"sex", "age"}, reader=service_account("retrainer")
    )
    assert attributes["sex"].tolist() == frame["sex"].tolist()
    assert attributes["age"].tolist() == frame["age"].tolist()


def test_taking_in_is_one_act_of_three_entries(developer):
    take_in_dataset("small", csv(a_file()), "small.csv", DESCRIPTION, by=developer)

    assert list(Entry.objects.order_by("id").values_list("event", flat=True)) == [
        "registry.dataset.registered",
        "monitoring.protected_values.recorded",
        "governance.dataset.taken_in",
    ]


def test_no_protected_value_reaches_the_log_or_the_registry(developer):
    frame = a_file()
    frame.loc[0, "sex"] = SECRET

    dataset = take_in_dataset("small", csv(frame), "small.csv", DESCRIPTION, by=developer)

    bodies = b"".join(bytes(body) for body in Entry.objects.values_list("body", flat=True))
    assert SECRET.encode() not in bodies
    assert SECRET not in str(dataset.description)
    assert (
        b"".join(
            bytes(value) for value in ProtectedValue.objects.values_list("ciphertext", flat=True)
        ).count(SECRET.encode())
        == 0
    )


def test_a_column_that_nobody_classified_refuses_the_whole_file(developer):
    with pytest.raises(FileDiffersFromDescription) as refused:
        take_in_dataset("small", csv(a_file(zip_code="x")), "f.csv", DESCRIPTION, by=developer)

    assert [(p.field, p.type) for p in refused.value.errors] == [("zip_code", "unclassified")]
    assert not Dataset.objects.exists()
    assert not ProtectedValue.objects.exists()
    assert Entry.objects.get().event == "audit.action_refused"


def test_a_description_that_cannot_be_read_refuses_the_whole_file(developer):
    with pytest.raises(DescriptionRefused):
        take_in_dataset("small", csv(a_file()), "f.csv", "not = [toml", by=developer)


@pytest.mark.parametrize("data", [b"PAR1 and then nothing", b"", b"\x00\x01\xff\xfe"])
def test_a_file_that_is_no_table_is_refused(developer, data):
    with pytest.raises(UnreadableFile):
        take_in_dataset("small", data, "f.csv", DESCRIPTION, by=developer)


def typed(column: str, values: pa.Array) -> bytes:
    table = pa.Table.from_pandas(a_file(rows=4).drop(columns=column))
    sink = io.BytesIO()
    pq.write_table(table.append_column(column, values), sink)
    return sink.getvalue()


UNFIT = {
    "lists in a feature": (typed("dti", pa.array([[1.0]] * 4)), "dti"),
    "structures in a protected column": (typed("sex", pa.array([{"a": 1}] * 4)), "sex"),
    "dates in a protected column": (typed("age", pa.array([date(1980, 1, 1)] * 4)), "age"),
    "latin-1": (csv(a_file(note="Größe")).decode().encode("latin-1"), "file"),
    "half a Parquet file": (parquet(a_file())[:400], "file"),
    "a third label": (csv(a_file(status=["repaid", "charged off", "current"] * 20)), "status"),
    "no row": (csv(a_file().iloc[:0]), ""),
    "a column twice": (csv(a_file().assign(x=1)).replace(b"note,x", b"note,note"), "note.1"),
}


@pytest.mark.parametrize(("data", "field"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_file_is_refused_by_the_column_at_fault_and_nothing_is_kept(
    developer, data, field
):
    with pytest.raises(Refusal) as refused:
        take_in_dataset("small", data, "small.csv", DESCRIPTION, by=developer)

    assert refused.value.status == 422
    assert field in {problem.field for problem in refused.value.errors}
    assert not Dataset.objects.exists()
    assert not ProtectedValue.objects.exists()


def test_a_few_bytes_that_unfold_into_too_many_values_are_not_read(monkeypatch):
    monkeypatch.setattr(data_files, "MOST_CELLS", 100)

    with pytest.raises(UnreadableFile) as refused:
        read_data_file(parquet(a_file()))

    assert refused.value.errors[0].type == "too_large"


def test_a_label_may_have_more_values_where_the_description_says_what_each_means(developer):
    described = DESCRIPTION.replace(
        'bad_values = ["charged off"]',
        'bad_values = ["charged off"]\ngood_values = ["repaid", "repaid early"]',
    )
    file = a_file(status=["repaid", "charged off", "repaid early"] * 20)

    dataset = take_in_dataset("small", csv(file), "small.csv", described, by=developer)

    assert snapshot_of(dataset).bad.sum() == 20


def test_a_byte_order_mark_is_no_part_of_a_column(developer):
    data = b"\xef\xbb\xbf" + csv(a_file())

    assert take_in_dataset("small", data, "small.csv", DESCRIPTION, by=developer).rows == 60


def test_a_feature_named_like_a_protected_column_in_other_capitals_is_refused(developer):
    described = DESCRIPTION.replace("[features.dti]", "[features.SEX]")
    file = a_file().rename(columns={"dti": "SEX"})

    with pytest.raises(ProtectedColumn):
        take_in_dataset("small", csv(file), "small.csv", described, by=developer)


def test_a_feature_named_like_the_label_of_a_snapshot_is_refused(developer):
    described = DESCRIPTION.replace("[features.dti]", "[features.bad]")
    file = a_file().rename(columns={"dti": "bad"})

    with pytest.raises(DescriptionRefused):
        take_in_dataset("small", csv(file), "small.csv", described, by=developer)


def test_the_same_rows_are_taken_in_once(developer):
    take_in_dataset("small", csv(a_file()), "small.csv", DESCRIPTION, by=developer)

    for name in ("small", "other-name"):
        with pytest.raises(DatasetExists):
            take_in_dataset(name, csv(a_file()), "small.csv", DESCRIPTION, by=developer)
    assert Dataset.objects.count() == 1


def test_a_scoring_client_takes_nothing_in(lending):
    with pytest.raises(NotPermitted):
        take_in_dataset("small", csv(a_file()), "small.csv", DESCRIPTION, by=lending)


def test_values_that_are_not_known_are_left_out():
    frame = pd.DataFrame({"row_id": ["1", "2"], "sex": ["f", None], "age": [np.nan, 44]})

    assert values_by_row(frame) == {"1": {"sex": "f"}, "2": {"age": 44.0}}


def test_a_file_is_told_by_its_content_and_not_by_its_name():
    frame = a_file(3)

    assert read_data_file(parquet(frame)).equals(frame)
    assert read_data_file(csv(frame))["dti"].tolist() == frame["dti"].tolist()


def a_window(packed: np.ndarray, people: int) -> DecisionWindow:
    """One labelled decision per row, by that many people in turn."""
    rows = len(packed)
    persons = [uuid4() for _ in range(people)]
    return DecisionWindow(
        decision_ids=np.array([uuid4() for _ in range(rows)], dtype=object),
        subject_ids=np.array([persons[row % people] for row in range(rows)], dtype=object),
        version_numbers=np.ones(rows, dtype=np.int64),
        decided_at=np.array([timezone.now()] * rows, dtype=object),
        outcomes=np.array(["approved"] * rows, dtype=object),
        paths=np.array(["score"] * rows, dtype=object),
        packed=packed,
        margin=np.zeros(rows),
        pd=np.full(rows, 0.5),
        bad=np.array([float(row % 3 == 0) for row in range(rows)]),
        matured=np.ones(rows, dtype=bool),
        reasons=[[] for _ in range(rows)],
    )


def test_rows_of_the_first_file_are_learnt_from_only_while_there_are_too_few_decisions(developer):
    base = take_in_dataset("small", csv(a_file()), "small.csv", DESCRIPTION, by=developer)
    packed, retrainer = snapshot_of(base).packed, service_account("retrainer")

    with_base = extend_dataset(base, a_window(packed[:40], people=20), "few", by=retrainer)
    without = extend_dataset(base, a_window(packed, people=30), "enough", by=retrainer)

    assert with_base.rows == 60 + 40
    assert without.rows == 60
    assert all("/" in row_id for row_id in snapshot_of(without).row_ids)
