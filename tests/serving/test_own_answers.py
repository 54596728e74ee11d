"""Each web process asks the judges that it decides with for their known answers, and tells only of others."""

import os
import socket
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from audit.entries import parse
from audit.models import Entry
from audit.queries import service_account
from registry.actions.versions import promote_to_champion
from serving import scoring, warming
from serving.actions.probes import keep_probes
from serving.explainers.trees import Tables
from serving.in_service import bytes_of
from serving.models import ProbeFailure, ProbeResult
from serving.own_answers import OwnAnswers
from tests.registry.builders import a_clearance, a_policy, a_run, a_version, the_builder
from tests.serving.builders import a_champion
from tests.serving.test_probes import spoil_what_this_process_holds

NOW = timezone.now()


def a_forest():
    """A champion whose scores come from tables in memory, ready in this process, with its known answers."""
    version = a_version(run=a_run(algorithm="hist_gradient_boosting"), stage="staging")
    a_clearance(version)
    return ready(promote_to_champion(version, by=the_builder()))


def ready(version):
    keep_probes(version, by=service_account("monitor"))
    scoring.loaded(bytes_of(version))
    return version


def spoil_a_table(version):
    """As a fault of memory would: the numbers in one table of this process change, and nothing that is stored does."""
    way = scoring.loaded(bytes_of(version)).judge.scorer.way
    assert isinstance(way, Tables)
    way.tables.setflags(write=True)
    way.tables[:] += 1e-9


@pytest.fixture(autouse=True)
def _nothing_is_ready():
    scoring.loaded.cache_clear()
    yield
    scoring.loaded.cache_clear()


@pytest.mark.django_db
def test_a_table_that_changed_in_the_memory_of_the_process_is_a_fact_that_names_it():
    version = a_forest()
    spoil_a_table(version)

    OwnAnswers().ask_due(NOW)

    failure = ProbeFailure.objects.get()
    where = f"A web process ({os.getpid()} on {socket.gethostname()})"
    assert failure.version == version
    assert failure.reason.startswith(where)
    said = parse(bytes(failure.entry.body))
    assert (said["public"]["pid"], said["public"]["host"]) == (os.getpid(), socket.gethostname())
    assert failure.entry.event == "serving.probes.failed"
    assert ProbeResult.objects.get().process == "web"


@pytest.mark.django_db
def test_nothing_is_written_while_all_is_well():
    version, own = a_forest(), OwnAnswers()
    before = Entry.objects.count()

    for minutes in range(0, 24 * 60, 60):
        own.ask_due(NOW + timedelta(minutes=minutes))

    assert Entry.objects.count() == before
    assert not version.probe_failures.exists()


@pytest.mark.django_db
def test_other_answers_are_told_once_and_daily_and_then_that_they_are_the_known_ones_again():
    version, own = ready(a_champion()), OwnAnswers()
    spoil_what_this_process_holds(version)
    told = []

    for later in (timedelta(0), timedelta(minutes=5), timedelta(days=1)):
        own.ask_due(NOW + later)
        told.append(ProbeFailure.objects.count())
    scoring.loaded.cache_clear()
    scoring.loaded(bytes_of(version))
    for minutes in (5, 10):
        own.ask_due(NOW + timedelta(days=1, minutes=minutes))

    assert told == [1, 1, 2]
    assert ProbeFailure.objects.count() == 2
    assert [bool(one.differences) for one in ProbeResult.objects.all()] == [False, True, True]


@pytest.mark.django_db
def test_each_process_tells_for_itself():
    version = ready(a_champion())
    spoil_what_this_process_holds(version)

    for process in (OwnAnswers(), OwnAnswers()):
        process.ask_due(NOW)

    assert ProbeFailure.objects.count() == 2


@pytest.mark.django_db
def test_a_judge_that_fails_altogether_answers_otherwise():
    version = ready(a_champion())
    object.__setattr__(scoring.loaded(bytes_of(version)).judge, "scorer", None)

    OwnAnswers().ask_due(NOW)

    assert "raised.AttributeError" in ProbeFailure.objects.get().reason


@pytest.mark.django_db
def test_the_policy_says_how_often_and_what_is_not_held_is_not_loaded():
    version, own = ready(a_champion()), OwnAnswers()
    a_policy("serving", {"probes": {"minutes": 30}}, name=version.model.name)
    own.ask_due(NOW)
    spoil_what_this_process_holds(version)

    own.ask_due(NOW + timedelta(minutes=29))
    assert not ProbeFailure.objects.exists()
    own.ask_due(NOW + timedelta(minutes=30))
    assert ProbeFailure.objects.exists()

    scoring.loaded.cache_clear()
    own.ask_due(NOW + timedelta(minutes=90))
    assert scoring.loaded.made == 0


@pytest.mark.django_db
def test_what_the_database_does_not_take_is_logged_and_told_in_the_next_minute(caplog):
    version, own = ready(a_champion()), OwnAnswers()
    spoil_what_this_process_holds(version)

    with connection.execute_wrapper(_full):
        own.ask_due(NOW)
    assert "was not asked" in caplog.text
    assert not ProbeFailure.objects.exists()
    own.ask_due(NOW + timedelta(minutes=1))

    assert ProbeFailure.objects.exists()


def _full(execute, sql, *rest):
    """A database that reads and takes nothing."""
    if sql.startswith("INSERT"):
        raise OperationalError("The disk is full.")
    return execute(sql, *rest)


@pytest.mark.parametrize("asks", [True, False])
def test_the_thread_of_a_web_process_asks_where_it_is_told_to(
    own_database, django_db_blocker, asks
):
    with django_db_blocker.unblock():
        version = ready(a_champion())
        spoil_what_this_process_holds(version)
        stopped = warming.keep_warm(asks=asks)
        try:
            deadline = time.monotonic() + (20 if asks else 3)
            while not ProbeFailure.objects.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            stopped.set()
        told = ProbeFailure.objects.exists()
        connection.close()

    assert told == asks
