"""Protected attributes never lie where scoring can reach them."""

import pytest
from django.apps import apps
from django.db.models import ForeignKey

from registry.queries import contract_of_version, protected_names, snapshot_of
from serving.scoring import PROHIBITED_BASES
from tests.registry.builders import PROTECTED_COLUMNS

# Words of prohibited bases as they would stand in a column's name.
BASES = PROHIBITED_BASES | {"protected", "demographic"} | set(PROTECTED_COLUMNS)


def reachable_models():
    """Serving's tables, and every table that a foreign key leads to from there."""
    found, waiting = set(), list(apps.get_app_config("serving").get_models())
    while waiting:
        model = waiting.pop()
        if model in found:
            continue
        found.add(model)
        waiting += [
            field.related_model
            for field in model._meta.get_fields()
            if isinstance(field, ForeignKey)
        ]
    return found


def reachable_columns():
    return sorted(
        f"{field.model._meta.db_table}.{field.column}"
        for model in reachable_models()
        for field in model._meta.concrete_fields
    )


def test_no_table_that_serving_reaches_lies_above_it():
    floors = {model._meta.app_label for model in reachable_models()}

    assert floors & {"serving", "registry", "audit"} == {"serving", "registry", "audit"}
    assert not floors & {"monitoring", "governance"}


def test_no_column_that_serving_reaches_is_a_protected_attribute():
    columns = reachable_columns()

    assert len(columns) > 100
    for column in columns:
        name = column.split(".")[1]
        words = {name, *name.split("_")}
        assert not words & BASES, column


@pytest.mark.django_db
def test_no_feature_that_a_champion_takes_is_a_protected_attribute(champion):
    features = {name.casefold() for name in contract_of_version(champion).names}
    columns = {column.feature.casefold() for column in contract_of_version(champion).columns}

    assert features == columns
    assert not features & (BASES | protected_names(champion))
    assert snapshot_of(champion.dataset).packed.shape[1] == len(features)
