"""How much a client may ask of a model in a minute."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from serving import limits, tasks
from serving.actions.request_counts import record_request_counts
from serving.errors import TooManyRequests
from serving.models import ClientMinute, Decision
from tests.conftest import a_person
from tests.registry.builders import a_policy
from tests.serving.builders import a_champion, an_application


@pytest.fixture(autouse=True)
def _policies_read_anew():
    limits._limits.cache_clear()
    yield
    limits._limits.cache_clear()


def admit(client, champion, decisions=1, seconds=0):
    """Ask at 20 seconds past a full hour to come, or so many seconds later."""
    hour = timezone.now().replace(minute=0, second=20, microsecond=0) + timedelta(hours=2)
    at = hour + timedelta(seconds=seconds)
    return limits.admit(client, champion.model.name, decisions=decisions, at=at)


def limited(name, requests, decisions):
    body = {"limits": {"requests_per_minute": requests, "decisions_per_minute": decisions}}
    a_policy("serving", body, name=name)
    limits._limits.cache_clear()


@pytest.mark.django_db
class TestLimits:
    def test_without_a_policy_nothing_is_limited_counted_or_said(self, decide_over_http):
        response = decide_over_http(an_application())

        assert response.status_code == 201
        assert "RateLimit" not in response.headers
        assert not ClientMinute.objects.exists()

    def test_an_application_that_is_decided_anew_counts_as_well(
        self, decide_over_http, post, champion
    ):
        decided = decide_over_http(an_application()).json()["decision_id"]
        limited(champion.model.name, 1, 1)
        correction = {"features": {"dti": 12.0}, "source": "The applicant's payslips."}

        first = post(f"decisions/{decided}/corrections", correction)
        second = post(f"decisions/{decided}/corrections", correction)

        assert (first.status_code, second.status_code) == (201, 429)
        assert "RateLimit" in first.headers
        assert Decision.objects.count() == 2

    def test_each_answer_says_what_is_left(self, decide_over_http, champion):
        limited(champion.model.name, 2, 5)

        response = decide_over_http(an_application())

        assert response.headers["RateLimit-Policy"] == '"requests";q=2;w=60, "decisions";q=5;w=60'
        assert re.fullmatch(
            r'"requests";r=1;t=\d+, "decisions";r=4;t=\d+', response.headers["RateLimit"]
        )

    def test_beyond_the_limit_nothing_is_decided_and_the_answer_says_when_to_ask_again(
        self, decide_over_http, champion, lending
    ):
        limited(champion.model.name, 2, 100)
        minute = int(timezone.now().timestamp()) // 60
        for either in (minute, minute + 1):  # which begins while the test runs, now and then
            ClientMinute.objects.create(
                client=lending, model_name=champion.model.name, minute=either,
                requests=2, decisions=2, throttled=0,
            )  # fmt: skip

        refused = decide_over_http(an_application())

        assert refused.status_code == 429
        assert refused["Content-Type"] == "application/problem+json"
        assert refused.json()["type"] == "/problems/too-many-requests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert '"requests";r=0' in refused.headers["RateLimit"]
        assert sum(ClientMinute.objects.values_list("throttled", flat=True)) == 1
        assert not Decision.objects.exists()

    def test_a_batch_that_is_too_large_takes_nothing_of_what_is_left(
        self, post, champion, decide_over_http
    ):
        limited(champion.model.name, 100, 2)
        batch = {"applications": [an_application() for _ in range(3)]}

        refused = post(f"models/{champion.model.name}/decisions/batch", batch)
        single = decide_over_http(an_application())

        assert (refused.status_code, single.status_code) == (429, 201)
        assert Decision.objects.count() == 1

    def test_another_client_has_limits_of_its_own(self, champion, lending):
        limited(champion.model.name, 1, 10)
        other = a_person("other lender", "scoring client")
        admit(lending, champion)

        admit(other, champion)

        with pytest.raises(TooManyRequests):
            admit(lending, champion)

    def test_the_models_own_policy_comes_before_the_one_for_all(self, champion, lending):
        limited("default", 1, 1)
        limited(champion.model.name, 2, 2)

        for _ in range(2):
            admit(lending, champion)

        with pytest.raises(TooManyRequests):
            admit(lending, champion)

    def test_the_next_minute_begins_anew(self, champion, lending):
        limited("default", 1, 1)
        admit(lending, champion)
        with pytest.raises(TooManyRequests) as refused:
            admit(lending, champion)

        assert refused.value.headers["Retry-After"] == "40"
        assert admit(lending, champion, seconds=40)

    def test_what_was_asked_is_on_record_once_its_hour_is_over(self, champion, lending):
        limited("default", 1, 10)
        admit(lending, champion, 4)
        with pytest.raises(TooManyRequests):
            admit(lending, champion)

        admit(lending, champion, seconds=3600)
        monitor = service_account("monitor")
        _, second = ClientMinute.objects.order_by("minute")

        record_request_counts(second.minute, by=monitor)

        [entry] = Entry.objects.filter(event="serving.requests.counted")
        said = json.loads(bytes(entry.body))["public"]
        assert said["throttled"] == 1
        assert said["clients"] == [
            {
                "client_name": "lending",
                "model_name": champion.model.name,
                "requests": 1,
                "decisions": 4,
                "throttled": 1,
            }
        ]
        assert ClientMinute.objects.get() == second

    def test_the_hour_is_recorded_by_itself_once_it_is_over(self, champion, lending):
        ClientMinute.objects.create(
            client=lending, model_name="m", minute=1, requests=2, decisions=3, throttled=0
        )

        tasks.record_request_counts()
        tasks.record_request_counts()

        assert Entry.objects.filter(event="serving.requests.counted").count() == 1
        assert not ClientMinute.objects.exists()

    def test_nobody_else_deletes_what_was_counted(self, champion, lending):
        ClientMinute.objects.create(
            client=lending, model_name="m", minute=1, requests=2, decisions=3, throttled=1
        )

        with pytest.raises(NotPermitted):
            record_request_counts(2, by=lending)

        assert ClientMinute.objects.exists()
        assert Entry.objects.filter(event="audit.action_refused").count() == 1


def test_many_at_once_are_admitted_exactly_as_often_as_the_limit_says(
    own_database, django_db_blocker
):
    with django_db_blocker.unblock():
        champion, lender = a_champion(), a_person("lending", "scoring client")
        limited("default", 17, 1000)

        def ask(_):
            try:
                admit(lender, champion)
            except TooManyRequests:
                return 0
            finally:
                connections.close_all()
            return 1

        with ThreadPoolExecutor(6) as pool:
            admitted = sum(pool.map(ask, range(40)))

        counted = ClientMinute.objects.get()
        assert (admitted, counted.requests, counted.throttled) == (17, 17, 23)
