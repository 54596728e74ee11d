"""The registry's windows in the admin: read-only, linked, and for those with a role."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from registry.models import (
    Artefact,
    Baseline,
    Clearance,
    Dataset,
    FeatureTable,
    ModelVersion,
    Policy,
    Run,
)
from registry.models import ScoringModel as Model
from tests.registry.builders import a_model, a_run, a_version, the_builder
from tests.registry.tables import a_document, a_table, recorded

SignIn = Callable[[User], Client]
WINDOWS = (Model, Dataset, Run, Artefact, Baseline, ModelVersion, Policy, Clearance, FeatureTable)


@pytest.fixture
def version(db: None) -> ModelVersion:
    recorded(a_table(the_builder(), "bureau"), a_document("C-1", timezone.now()))
    return a_version(stage="production")


@pytest.fixture
def window(auditor: User, signed_in: SignIn) -> Client:
    return signed_in(auditor)


def address(model: type, page: str, *arguments: object) -> str:
    options = model._meta  # type: ignore[attr-defined]
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", WINDOWS)
def test_every_table_of_the_registry_has_a_window(
    model: type[Model], window: Client, version: ModelVersion
) -> None:
    row = model._default_manager.first()
    assert row is not None

    assert window.get(address(model, "changelist")).status_code == 200
    assert window.get(address(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", WINDOWS)
def test_nothing_is_written_through_a_window(
    model: type[Model], window: Client, version: ModelVersion
) -> None:
    row = model._default_manager.first()
    assert row is not None

    assert window.get(address(model, "add")).status_code == 403
    assert window.post(address(model, "change", row.pk), {}).status_code == 403
    assert window.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", WINDOWS)
def test_a_window_stays_shut_without_a_role(
    model: type[Model], superuser: User, signed_in: SignIn, version: ModelVersion
) -> None:
    assert signed_in(superuser).get(address(model, "changelist")).status_code == 403


def test_every_model_of_the_floor_is_registered() -> None:
    assert set(WINDOWS) <= set(admin.site._registry)


def test_a_version_links_to_what_it_is_made_of(window: Client, version: ModelVersion) -> None:
    page = window.get(address(ModelVersion, "change", version.pk)).content.decode()

    for row in (
        version.run, version.dataset, version.artefact, version.baseline, version.decision_policy
    ):  # fmt: skip
        assert address(type(row), "change", row.pk) in page
    assert "Total monthly obligations in relation to income" in page
    assert address(Clearance, "change", version.clearances.get().pk) in page


def test_a_data_set_links_to_its_runs_and_versions_and_shows_every_check(
    window: Client, version: ModelVersion
) -> None:
    page = window.get(address(Dataset, "change", version.dataset_id)).content.decode()

    assert address(Run, "change", version.run_id) in page
    assert address(ModelVersion, "change", version.pk) in page
    assert "both_outcomes" in page
    assert "age, sex" in page


def test_a_run_shows_its_measures_and_pictures(window: Client, version: ModelVersion) -> None:
    page = window.get(address(Run, "change", version.run_id)).content.decode()

    assert page.count("data:image/svg+xml;base64,") == 4
    assert f"{version.run.metrics['holdout']['performance']['auc']:.4f}" in page


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_run_that_has_not_ended_can_be_looked_at(window: Client, status: str) -> None:
    run = a_run(status=status)

    assert window.get(address(Run, "change", run.pk)).status_code == 200
    assert window.get(address(Run, "changelist")).status_code == 200


def test_text_from_outside_is_escaped(window: Client, db: None) -> None:
    model = a_model(title="<script>alert(1)</script>", limitations="<b>bold</b>")

    page = window.get(address(Model, "change", model.pk)).content.decode()

    assert "<script>alert(1)" not in page
    assert "<b>bold" not in page


def test_the_page_of_a_feature_table_says_how_fresh_it_is(
    window: Client, version: ModelVersion
) -> None:
    table = FeatureTable.objects.get()
    recorded(table, a_document("C-2", timezone.now() - timedelta(days=31)))

    page = window.get(address(FeatureTable, "change", table.pk)).content.decode()

    assert "50.0%" in page
    assert "data:image/svg+xml" in page
    assert "utilisation" in page
    assert "C-2" not in page
