"""A fact that a lower floor left becomes one incident, which a person closes with its cause."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.actions.archive_alarms import Finding, raise_alarm
from audit.actions.witnesses import record_witness_refusal
from audit.errors import NotPermitted
from audit.models import Checkpoint, Entry, WitnessRefusal
from audit.queries import service_account
from audit.store import content_store
from governance import sweeps
from governance.actions.incidents import close_incident, open_incident
from governance.errors import (
    IncidentAlreadyOpen,
    IncidentClosed,
    NoSuchIncident,
    RationaleMissing,
)
from governance.models import Incident
from governance.queries.incidents import Fact, unanswered_facts
from serving.actions.decisions import decide
from serving.models import LoadFailure
from serving.scoring import loaded
from tests.serving.builders import a_champion, an_application, the_client

pytestmark = pytest.mark.django_db


def a_load_failure() -> LoadFailure:
    """A champion whose bytes were spoiled after approval: the decision is refused and the fact stays."""
    version = a_champion()
    path = content_store().path("artefacts", version.artefact_id)
    path.chmod(0o644)
    path.write_bytes(b"spoiled")
    loaded.cache_clear()
    decide(version.model.name, an_application(), by=the_client())
    return LoadFailure.objects.get()


def test_a_spoiled_artefact_becomes_an_incident():
    failure = a_load_failure()

    sweeps.open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version, incident.first_fact) == (
        "load_failure",
        failure.version,
        failure.pk,
    )
    assert Entry.objects.filter(event="governance.incident.opened").exists()


def test_many_facts_of_one_kind_are_one_incident(clock):
    version, began = a_load_failure().version, timezone.now()

    for minutes in (2, 4):
        clock(began + timedelta(minutes=minutes))
        decide(version.model.name, an_application(), by=the_client())
        sweeps.open_incidents()

    assert LoadFailure.objects.count() == 3
    assert Incident.objects.count() == 1


def test_a_fact_after_the_incident_was_closed_opens_another(validator, clock):
    version = a_load_failure().version
    sweeps.open_incidents()
    close_incident(Incident.objects.get().pk, "A disk was replaced.", by=validator)
    sweeps.open_incidents()
    assert Incident.objects.count() == 1

    clock(timezone.now() + timedelta(minutes=2))
    decide(version.model.name, an_application(), by=the_client())
    sweeps.open_incidents()

    assert Incident.objects.filter(state="open").count() == 1
    assert Incident.objects.count() == 2


def test_an_incident_is_closed_once_and_with_a_cause(validator, developer):
    a_load_failure()
    sweeps.open_incidents()
    incident = Incident.objects.get()

    with pytest.raises(NotPermitted):
        close_incident(incident.pk, "Nothing.", by=developer)
    with pytest.raises(RationaleMissing):
        close_incident(incident.pk, " ", by=validator)
    close_incident(incident.pk, "A disk was replaced.", by=validator)
    with pytest.raises(IncidentClosed):
        close_incident(incident.pk, "Again.", by=validator)
    with pytest.raises(NoSuchIncident):
        close_incident(uuid4(), "Which?", by=validator)


def a_witness_refusal() -> WitnessRefusal:
    """A witness that knows more of the log than the log itself."""
    checkpoint = Checkpoint.objects.create(
        origin="log", size=Checkpoint.objects.count() + 1, root=bytes(32), note="-", signed_at=timezone.now()
    )  # fmt: skip
    return record_witness_refusal(
        checkpoint,
        "auditor",
        "It cosigned 9 entries.",
        witness_size=9,
        by=service_account("sequencer"),
    )


def test_a_witness_that_refuses_the_log_becomes_one_incident_about_the_log(validator, signed_in):
    refusal = a_witness_refusal()
    a_witness_refusal()

    sweeps.open_incidents()
    sweeps.open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version, incident.first_fact, incident.summary) == (
        "witness_refusal",
        None,
        refusal.pk,
        "It cosigned 9 entries.",
    )
    assert str(incident) == "Witness Refusal: the log"
    browser = signed_in(validator)
    page = browser.get(reverse("admin:governance_incident_change", args=[incident.pk]))
    assert "The log" in page.content.decode()
    answer = browser.get(f"/api/v1/incidents/{incident.pk}").json()
    assert (answer["model"], answer["version"]) == (None, None)


def test_a_refusal_after_its_incident_was_closed_opens_another(validator):
    a_witness_refusal()
    sweeps.open_incidents()
    close_incident(Incident.objects.get().pk, "The backup was put back.", by=validator)
    sweeps.open_incidents()
    assert Incident.objects.count() == 1

    a_witness_refusal()
    sweeps.open_incidents()

    assert Incident.objects.filter(state="open").count() == 1
    with pytest.raises(IncidentAlreadyOpen, match="the log"):
        open_incident(Fact("witness_refusal", None, 1, "Again."), by=service_account("monitor"))


def test_an_open_incident_is_not_opened_again():
    failure = a_load_failure()
    [fact] = unanswered_facts()
    assert fact == Fact("load_failure", failure.version, failure.pk, failure.reason)
    monitor = service_account("monitor")
    open_incident(fact, by=monitor)

    with pytest.raises(IncidentAlreadyOpen):
        open_incident(fact, by=monitor)


@pytest.mark.parametrize(
    ("kind", "about"),
    [("late_recertification", "roles"), ("late_notice", "notices"), ("archive_alarm", "the log")],
)
def test_an_incident_of_no_version_is_refused_by_what_it_is_about(kind, about):
    fact, monitor = Fact(kind, None, 1, "Late."), service_account("monitor")
    open_incident(fact, by=monitor)

    with pytest.raises(IncidentAlreadyOpen, match=f"An incident of {about} "):
        open_incident(fact, by=monitor)


def test_an_alarm_of_the_archive_becomes_one_incident_of_the_log(validator):
    archiver = service_account("archiver")
    for key in ("a", "b"):
        finding = Finding("delete_marker", key, "1", f"{key} was hidden by a delete marker.")
        raise_alarm(finding, by=archiver)

    sweeps.open_incidents()
    sweeps.open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("archive_alarm", None)
    assert "hidden by a delete marker" in incident.summary
    assert str(incident).endswith("the log")
    close_incident(incident.pk, "A rehearsal.", by=validator)
    sweeps.open_incidents()
    assert Incident.objects.count() == 1
