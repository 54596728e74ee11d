"""The champion changes in one act, to and fro, while applications are decided: no request fails, and none falls between."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from audit.errors import Refusal
from governance.actions.rollbacks import roll_back
from registry.models import Clearance
from registry.queries import champion
from serving.actions.decisions import decide
from serving.models import Decision
from tests.conftest import a_person
from tests.governance.builders import a_champion, a_request, a_staged_version, read_and_approve
from tests.serving.builders import an_application

CLIENTS = 4


@pytest.fixture(autouse=True)
def _unblocked(own_database, django_db_blocker):
    with django_db_blocker.unblock():
        yield


def test_each_decision_is_by_one_of_the_two_and_was_cleared_when_it_was_made():
    developer = a_person("dana", "model developer")
    validator, approver = a_person("victor", "validator"), a_person("amira", "approver")
    lending = a_person("lending", "scoring client")
    blue = a_champion(developer, validator, approver)
    green = a_staged_version(developer, validator, model=blue.model)
    change = a_request(developer, green, "production")
    stop, refused = Event(), []

    def client(number: int) -> int:
        by, made = User.objects.get(pk=lending.pk), 0
        try:
            while not stop.is_set() or made < 3:
                try:
                    answer = decide(blue.model.name, an_application(f"T-{number}-{made}"), by=by)
                except Refusal as refusal:
                    answer = refusal
                if isinstance(answer, Refusal):
                    refused.append(answer)
                made += 1
            return made
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = [pool.submit(client, number) for number in range(CLIENTS)]
        read_and_approve(change.pk, by=approver)
        over = {blue.pk: timezone.now()}
        for _ in range(20):
            decide(blue.model.name, an_application(), by=lending)
        switched = champion(blue.model)
        roll_back(blue.model, "Odd reasons.", by=approver)
        over[green.pk] = timezone.now()
        stop.set()
        made = sum(count.result() for count in counts)

    assert refused == []
    assert (switched, champion(blue.model)) == (green, blue)
    decisions = Decision.objects.select_related("entry", "clearance__entry", "clearance__version")
    assert decisions.count() == made + 20
    assert set(decisions.values_list("version", flat=True)) == {blue.pk, green.pk}
    of_green = Clearance.objects.get(version=green, purpose="score_live", kind="grant")
    of_blue = Clearance.objects.filter(version=blue, purpose="score_live", kind="grant")
    back = of_blue.latest("pk")
    late = 0
    for decision in decisions:
        made_at, cleared = decision.entry.occurred_at, decision.clearance
        assert (cleared.version_id, cleared.purpose) == (decision.version_id, "score_live")
        assert cleared.entry.occurred_at <= made_at
        if decision.version_id == green.pk:
            assert cleared == of_green
        if cleared != back:
            late += made_at > over[decision.version_id]
    # PostgreSQL lets a decision end that was being made when the change was committed: one for each client and change.
    assert late <= 2 * CLIENTS
