"""Registering data sets: kept by digest once every check has passed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.errors import NotPermitted
from audit.models import Entry
from audit.store import content_store
from registry.actions.datasets import register_dataset
from registry.errors import (
    ContractMalformed,
    DatasetExists,
    DatasetFailsContract,
    NotParquet,
    ProtectedColumn,
)
from registry.models import Dataset
from registry.snapshots import to_parquet
from tests.registry.builders import CONTRACT, a_dataset, a_description, a_frame

LastEntry = Callable[[], dict[str, Any]]


def nothing_happened() -> bool:
    """No row; and the log holds the refusal alone."""
    return not Dataset.objects.exists() and Entry.objects.get().event == "audit.action_refused"


def test_a_data_set_is_kept_under_its_digest_with_the_result_of_every_check(
    builder: User, last_entry: LastEntry
) -> None:
    parquet = to_parquet(a_frame(), CONTRACT)

    dataset = a_dataset()

    assert content_store().get("datasets", dataset.sha256) == parquet
    assert dataset.rows == 1200
    assert dataset.validation["passed"] is True
    assert {check["check"] for check in dataset.validation["checks"]} >= {"range", "unique"}
    assert dataset.description["protected_columns"] == ["age", "sex"]
    entry = last_entry()
    assert entry["event"] == "registry.dataset.registered"
    assert entry["subject"] == {"type": "registry.dataset", "id": dataset.sha256}
    assert entry["public"]["contract_sha256"] == CONTRACT.sha256


def test_data_that_fails_its_contract_is_refused_with_every_failed_check(builder: User) -> None:
    frame = a_frame().copy()
    frame.loc[[0, 1], "dti"] = 400.0
    frame.loc[2, "purpose"] = "boat"

    with pytest.raises(DatasetFailsContract) as refusal:
        a_dataset(frame)

    assert [(problem.field, problem.type) for problem in refusal.value.errors] == [
        ("dti", "range"),
        ("purpose", "category"),
    ]
    assert "row ids 1, 2" in refusal.value.errors[0].detail
    assert nothing_happened()


def test_rows_with_the_same_id_are_refused(builder: User) -> None:
    frame = a_frame().copy()
    frame.loc[1, "row_id"] = "1"

    with pytest.raises(DatasetFailsContract) as refusal:
        a_dataset(frame)

    assert [problem.type for problem in refusal.value.errors] == ["unique"]


def test_a_feature_that_is_protected_is_refused(builder: User) -> None:
    with pytest.raises(ProtectedColumn) as refusal:
        a_dataset(protected_columns=("DTI", "sex"))

    assert [problem.field for problem in refusal.value.errors] == ["dti"]
    assert nothing_happened()


@pytest.mark.parametrize("part", ["protected", "groups"])
def test_a_description_that_still_tells_of_protected_columns_is_refused(
    builder: User, part: str
) -> None:
    with pytest.raises(ProtectedColumn):
        a_dataset(description={**a_description(), part: {"sex": {}}})

    assert nothing_happened()


def test_the_same_bytes_under_the_same_name_are_refused_with_their_number(builder: User) -> None:
    dataset = a_dataset(name="loans")

    with pytest.raises(DatasetExists, match=f"number {dataset.pk}"):
        a_dataset(name="loans")

    assert Dataset.objects.count() == 1


def test_the_same_bytes_under_another_name_are_another_data_set(builder: User) -> None:
    assert a_dataset(name="loans").sha256 == a_dataset(name="loans-again").sha256


def test_bytes_that_are_no_parquet_are_refused(builder: User) -> None:
    with pytest.raises(NotParquet):
        register_dataset("loans", b"row_id\n1\n", a_description(), (), by=builder)

    assert nothing_happened()


def test_a_description_without_a_contract_is_refused(builder: User) -> None:
    with pytest.raises(ContractMalformed):
        register_dataset("loans", b"", {}, (), by=builder)


def test_whoever_lacks_the_permission_registers_nothing(outsider: User) -> None:
    with pytest.raises(NotPermitted):
        a_dataset(by=outsider)

    assert nothing_happened()
