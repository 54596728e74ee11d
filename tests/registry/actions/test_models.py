"""Registering models."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from audit.errors import InvalidInput, NotPermitted
from audit.models import Entry
from registry.errors import ModelExists
from registry.models import ScoringModel
from tests.registry.builders import a_model

LastEntry = Callable[[], dict[str, Any]]


def test_a_registered_model_is_in_the_inventory_and_in_the_log(
    builder: User, last_entry: LastEntry
) -> None:
    model = a_model("loanapp", by=builder)

    assert ScoringModel.objects.get() == model
    entry = last_entry()
    assert entry["event"] == "registry.model.registered"
    assert entry["subject"] == {"type": "registry.scoringmodel", "id": "loanapp"}
    assert entry["public"]["tier"] == 2
    assert str(model.entry_id) == entry["id"]


def test_every_field_at_fault_is_named_and_nothing_is_registered(builder: User) -> None:
    with pytest.raises(InvalidInput) as refusal:
        a_model("Loan App", by=builder, tier=4, tier_rationale=" ", label_meaning="")

    assert {problem.field for problem in refusal.value.errors} == {
        "name",
        "tier",
        "tier_rationale",
        "label_meaning",
    }
    assert not ScoringModel.objects.exists()
    assert Entry.objects.get().event == "audit.action_refused"


def test_a_name_is_taken_once(builder: User) -> None:
    a_model("loanapp", by=builder)

    with pytest.raises(ModelExists):
        a_model("loanapp", by=builder)

    assert ScoringModel.objects.count() == 1


def test_a_superuser_without_the_role_registers_nothing(outsider: User) -> None:
    with pytest.raises(NotPermitted):
        a_model(by=outsider, owner=outsider)

    assert not ScoringModel.objects.exists()
    assert Entry.objects.get().event == "audit.action_refused"


@pytest.mark.parametrize(
    "statement", ["UPDATE registry_scoringmodel SET tier = 3", "DELETE FROM registry_scoringmodel"]
)
def test_the_database_refuses_to_change_or_remove_a_model(builder: User, statement: str) -> None:
    a_model(by=builder)

    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert ScoringModel.objects.get().tier == 2
