"""Passes: asked for by an act, carried out once, all reports or none, and never lost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from monitoring.actions.passes import fail_pass, finish_pass, request_pass
from monitoring.errors import NoMonitoringPolicy, PassFinished, PassUnknown, WindowMalformed
from monitoring.execution import request_passes, run_pass, sweep_passes
from monitoring.models import MonitoringPass, Report
from monitoring.queries.reports import pass_with
from registry.errors import UnknownModel
from tests.monitoring.builders import (
    LONG_AGO,
    a_draft,
    a_monitored_champion,
    a_monitoring_policy,
    ago,
    decided,
    known_demographics,
    known_rows,
    labelled,
    the_monitor,
    the_supplier,
)
from tests.registry import builders as registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker(operator):
    return operator


def a_pass(version, by, **options):
    return request_pass(version.model.name, by=by, **options)


def sent(callbacks):
    return [callback.func.__name__ for callback in callbacks]


def test_a_pass_is_an_intent_with_a_window_as_long_as_the_policy_says(asker):
    asked = a_pass(a_monitored_champion(), asker)

    assert asked.state == "requested"
    assert asked.kinds == ["drift", "fairness", "performance"]
    assert asked.window_end - asked.window_start == timedelta(days=30)
    assert Entry.objects.filter(event="monitoring.pass.requested").count() == 1


def test_a_pass_is_sent_to_a_worker_once_it_is_committed(asker, django_capture_on_commit_callbacks):
    version = a_monitored_champion()

    with django_capture_on_commit_callbacks() as callbacks:
        a_pass(version, asker)
        a_pass(version, asker, send=False)

    assert len(callbacks) == 1


@pytest.mark.parametrize("window", [{"start": 0, "end": 1}, {"start": 2, "end": -1}])
def test_a_window_that_cannot_be_is_refused_by_its_field(asker, window):
    version = a_monitored_champion()

    with pytest.raises(WindowMalformed) as refused:
        a_pass(version, asker, **{name: ago(hours=hours) for name, hours in window.items()})

    assert [problem.field for problem in refused.value.errors] == ["window_end"]
    assert not MonitoringPass.objects.exists()


def test_a_pass_over_an_unknown_model_or_without_limits_is_refused_at_once(asker):
    with pytest.raises(UnknownModel):
        request_pass("nothing", by=asker)
    with pytest.raises(NoMonitoringPolicy):
        a_pass(registry.a_version(stage="production"), asker)

    assert not MonitoringPass.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 2


def test_asking_needs_a_permission(lending):
    version = a_monitored_champion()

    with pytest.raises(NotPermitted):
        a_pass(version, lending)


def test_a_pass_files_every_report_on_behalf_of_whoever_asked(asker):
    version = a_monitored_champion()
    labelled(decided(version, 150))
    known_demographics(150, by=the_supplier())
    known_rows(version, by=the_supplier())
    asked = a_pass(version, asker)

    run_pass(asked.pk, by=the_monitor())

    finished = pass_with(asked.pk)
    assert (finished.state, finished.problem) == ("finished", "")
    assert sorted(finished.reports.values_list("kind", flat=True)) == [
        "drift",
        "fairness",
        "performance",
    ]
    actor = parse(bytes(Entry.objects.filter(event="monitoring.report.made").first().body))["actor"]
    assert actor["name"] == "monitor"
    assert actor["on_behalf_of"] == asker.get_username()


def test_a_pass_is_carried_out_once(asker):
    version = a_monitored_champion()
    decided(version)
    asked = a_pass(version, asker, kinds=["drift"])
    monitor = the_monitor()

    run_pass(asked.pk, by=monitor)
    run_pass(asked.pk, by=monitor)

    assert Report.objects.count() == 1
    with pytest.raises(PassFinished):
        finish_pass(asked.pk, [a_draft(version)], by=monitor)
    assert Report.objects.count() == 1


def test_kinds_with_nothing_to_measure_are_left_out_by_name(asker):
    version = a_monitored_champion()
    known_rows(version, by=the_supplier())
    asked = a_pass(version, asker)

    run_pass(asked.pk, by=the_monitor())

    finished = pass_with(asked.pk)
    assert finished.state == "finished"
    assert list(finished.reports.values_list("kind", flat=True)) == ["fairness"]
    assert "drift:" in finished.problem
    assert "performance:" in finished.problem


def test_a_pass_with_nothing_at_all_to_measure_fails_with_the_reason(asker):
    asked = a_pass(a_monitored_champion(), asker, kinds=["drift"])

    run_pass(asked.pk, by=the_monitor())

    failed = pass_with(asked.pk)
    assert failed.state == "failed"
    assert "decided nothing" in failed.problem
    assert Entry.objects.filter(event="monitoring.pass.failed").count() == 1


def test_a_pass_that_may_not_read_protected_attributes_fails_and_files_nothing(asker):
    version = a_monitored_champion()
    decided(version)
    asked = a_pass(version, asker)
    monitor = the_monitor()
    for group in monitor.groups.all():
        group.permissions.remove(*group.permissions.filter(codename="read_protected"))

    run_pass(asked.pk, by=monitor)

    assert pass_with(asked.pk).state == "failed"
    assert "read_protected" in pass_with(asked.pk).problem
    assert not Report.objects.exists()


def test_a_pass_without_a_champion_fails_with_the_reason(asker):
    version = registry.a_version(stage="staging")
    a_monitoring_policy(version)
    asked = a_pass(version, asker)

    run_pass(asked.pk, by=the_monitor())

    assert "no champion" in pass_with(asked.pk).problem


def test_what_does_not_exist_is_named():
    with pytest.raises(PassUnknown):
        run_pass(uuid4(), by=the_monitor())
    with pytest.raises(PassUnknown):
        fail_pass(uuid4(), "", by=the_monitor())


def test_a_pass_whose_message_was_lost_is_sent_again(asker, django_capture_on_commit_callbacks):
    asked = a_pass(a_monitored_champion(), asker)

    with django_capture_on_commit_callbacks() as early:
        sweep_passes(timezone.now())
    with django_capture_on_commit_callbacks() as late:
        sweep_passes(timezone.now() + timedelta(minutes=5))

    assert early == []
    assert [callback.args for callback in late] == [("monitoring.run_pass", (str(asked.pk),))]


def test_every_model_in_service_with_limits_is_asked_for_on_schedule():
    version = a_monitored_champion()
    registry.a_version(stage="production")
    registry.a_version(stage="staging")

    asked = request_passes(by=the_monitor())

    assert [found.model for found in asked] == [version.model]


def test_the_database_lets_a_pass_end_and_nothing_else():
    version = a_monitored_champion()
    asked = a_pass(version, the_monitor(), start=LONG_AGO)

    for attempt in (
        lambda: MonitoringPass.objects.update(window_start=ago(days=1)),
        lambda: MonitoringPass.objects.update(state="finished"),
        lambda: MonitoringPass.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert pass_with(asked.pk).state == "requested"
