"""Named reads."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.errors import NotFound
from registry import queries
from registry.errors import UnknownPlot, UnknownRun
from tests.registry.builders import a_clearance, a_model, a_run, a_version

pytestmark = pytest.mark.django_db


def test_what_does_not_exist_is_refused_by_name() -> None:
    model = a_model()

    for read in (
        lambda: queries.model_named("nobody"),
        lambda: queries.dataset_with(0),
        lambda: queries.run_with(uuid4()),
        lambda: queries.policy_with(0),
        lambda: queries.version_numbered(model, 1),
    ):
        with pytest.raises(NotFound):
            read()


def test_a_run_of_another_model_is_not_this_models() -> None:
    run = a_run()

    assert queries.run_of(run.model, run.pk) == run
    with pytest.raises(UnknownRun):
        queries.run_of(a_model(), run.pk)


def test_a_model_without_champion_has_none() -> None:
    assert queries.champion(a_version(stage="staging").model) is None


def test_the_newest_live_clearance_is_found_in_one_query() -> None:
    version = a_version(stage="staging")
    a_clearance(version)
    newest = a_clearance(version)

    with CaptureQueriesContext(
        connection,
    ) as captured:
        found = queries.live_clearance(version, "score_live", timezone.now())

    assert found == newest
    assert len(captured) == 1


def test_a_plot_is_read_by_its_name() -> None:
    run = a_run()

    assert queries.plot_of(run, "roc").startswith(b"<svg")
    with pytest.raises(UnknownPlot, match="calibration, confusion, importance, roc"):
        queries.plot_of(run, "lift")


def test_the_rows_of_a_data_set_come_back_as_arrays() -> None:
    run = a_run()

    snapshot = queries.snapshot_of(run.dataset)

    assert snapshot.packed.shape == (1200, 5)
    assert set(snapshot.bad.tolist()) == {0, 1}
