"""A decision that does not replay, or an answer that changed, becomes one incident; figures say how the controls stand."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.queries import service_account
from governance import sweeps
from governance.models import Incident
from serving.actions.replays import replay_sample
from serving.asking import ask_due
from serving.models import Observation
from tests.serving.builders import BAD, a_champion, a_decision
from tests.serving.test_probes import next_hour, spoil_what_this_process_holds
from tests.serving.test_replays import tampering

pytestmark = pytest.mark.django_db


def tonight(model):
    later = timezone.now() + timedelta(minutes=2)
    return replay_sample(model, later, 1, by=service_account("monitor"))


def test_decisions_that_do_not_replay_are_one_incident_of_their_version():
    champion = a_champion()
    for _ in range(2):
        a_decision(champion, **BAD)
    with tampering():
        Observation.objects.update(margin=7.25)

    tonight(champion.model)
    sweeps.open_incidents()
    sweeps.open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("replay_failure", champion)
    assert "judged.margin" in incident.summary
    assert "7.25" not in incident.summary


def test_answers_that_changed_without_an_approved_act_are_an_incident():
    champion, monitor = a_champion(), service_account("monitor")
    ask_due(next_hour(), by=monitor)
    spoil_what_this_process_holds(champion)

    ask_due(next_hour(5), by=monitor)
    sweeps.open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("probe_failure", champion)


def measured() -> dict[str, float]:
    lines = Client().get("/metrics").content.decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_figures_say_what_did_not_replay_and_who_answers_otherwise():
    champion, monitor = a_champion(), service_account("monitor")
    a_decision(champion, **BAD)
    tonight(champion.model)
    ask_due(next_hour(), by=monitor)
    good = measured()
    with tampering():
        Observation.objects.update(margin=7.25)
    tonight(champion.model)
    spoil_what_this_process_holds(champion)
    ask_due(next_hour(5), by=monitor)

    bad = measured()

    assert good["credence_replays_not_equal"] == good["credence_probes_differing"] == 0
    assert bad["credence_replays_not_equal"] == bad["credence_probes_differing"] == 1
    assert 0 <= bad["credence_replay_age_seconds"] < 600


def test_the_desk_says_how_the_controls_stand(validator, signed_in):
    champion, monitor = a_champion(), service_account("monitor")
    a_decision(champion, **BAD)
    tonight(champion.model)
    ask_due(next_hour(), by=monitor)

    page = signed_in(validator).get("/").content.decode()

    assert "1 of 1 equal" in page
    assert "as known" in page
