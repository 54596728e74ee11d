"""Where the champion's bytes cannot be used, the former champion decides while it is cleared for rollback, and says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.entries import parse
from audit.models import Entry
from audit.store import content_store
from registry.actions.clearances import revoke_clearance
from registry.actions.restrictions import restrict_use
from serving import scoring
from serving.models import Decision, LoadFailure
from tests.registry.builders import a_clearance, a_run, a_version, the_builder
from tests.serving.builders import a_champion, an_application
from tests.serving.test_clearances import damage, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_store(settings, tmp_path):
    """A content store whose bytes these tests may damage."""
    settings.CREDENCE_STORE = tmp_path / "store"
    return content_store()


@pytest.fixture
def former(own_store):
    return a_champion()


@pytest.fixture
def broken(own_store, former):
    """A champion whose artefact was changed after it took the place of the former one."""
    run = a_run(former.model, algorithm="hist_gradient_boosting")
    champion = a_version(run=run, stage="production")
    revoke_clearance(former.clearances.get(), by=the_builder(), reason="Replaced.")
    former.refresh_from_db()
    damage(own_store, "artefacts", champion.artefact_id)
    return champion


@pytest.fixture
def decide(post, broken):
    return lambda query="": post(f"models/{broken.model.name}/decisions{query}", an_application())


def test_the_former_champion_decides_under_its_clearance_for_rollback(decide, broken, former):
    clearance = a_clearance(former, "rollback")

    answer = decide()

    assert answer.status_code == 201
    assert (answer.json()["version"], answer.json()["role"]) == (former.number, "fallback")
    decision = Decision.objects.get()
    assert (decision.role, decision.clearance, decision.version) == ("fallback", clearance, former)
    assert parse(bytes(decision.entry.body))["public"]["role"] == "fallback"


def test_the_fact_is_left_once_a_minute_and_says_who_decides_meanwhile(decide, broken, former):
    a_clearance(former, "rollback")

    answers = [decide() for _ in range(3)]

    assert {answer.status_code for answer in answers} == {201}
    failure = LoadFailure.objects.get()
    assert failure.version == broken
    assert "changed" in failure.reason
    assert f"{former} decides meanwhile" in failure.reason


def test_the_fact_is_left_again_in_the_next_minute(decide, former, monkeypatch):
    a_clearance(former, "rollback")
    decide()
    later = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr(timezone, "now", lambda: later)

    decide()

    assert LoadFailure.objects.count() == 2


@pytest.mark.parametrize(
    "clearance",
    [None, {"valid_to": timezone.now() - timedelta(days=1)}],
    ids=["none", "ran out"],
)
def test_without_a_live_clearance_nothing_decides(decide, former, clearance):
    if clearance is not None:
        a_clearance(former, "rollback", **clearance)

    answers = [decide(), decide()]

    for answer in answers:
        assert problem_of(answer) == (503, "/problems/artefact-refused")
    assert not Decision.objects.exists()
    assert "Nothing decides meanwhile" in LoadFailure.objects.get().reason
    assert Entry.objects.filter(event="audit.action_refused").count() == 1  # the second request


def test_a_version_that_was_asked_for_by_number_is_not_replaced(decide, broken, former):
    a_clearance(former, "rollback")

    assert problem_of(decide(f"?version={broken.number}")) == (503, "/problems/artefact-refused")


def test_a_former_champion_that_is_closed_or_broken_too_decides_nothing(
    decide, own_store, former, validator
):
    a_clearance(former, "rollback")
    damage(own_store, "artefacts", former.artefact_id)

    assert problem_of(decide()) == (503, "/problems/artefact-refused")
    assert not Decision.objects.exists()


def test_a_former_champion_that_a_restriction_closes_decides_nothing(decide, former, validator):
    a_clearance(former, "rollback")
    restrict_use(former, "no_new_decisions", {}, "Reasons unclear.", by=validator)

    assert problem_of(decide()) == (503, "/problems/artefact-refused")


def test_a_batch_falls_back_as_a_whole(post, broken, former):
    a_clearance(former, "rollback")

    answer = post(
        f"models/{broken.model.name}/decisions/batch",
        {"applications": [an_application(), an_application()]},
    )

    assert answer.json()["decided"] == 2
    assert set(Decision.objects.values_list("role", "version")) == {("fallback", former.pk)}


def test_the_champion_decides_again_when_its_bytes_are_back(decide, own_store, broken, former):
    a_clearance(former, "rollback")
    decide()
    damage(own_store, "artefacts", broken.artefact_id)  # the same bit again
    scoring.loaded.cache_clear()

    assert decide().json()["role"] == "champion"


def test_open_inference_is_ready_and_infers_by_the_former_champion(
    client_of_lending, broken, former
):
    ready = f"/v2/models/{broken.model.name}/ready"
    assert client_of_lending.get(ready).status_code == 503

    a_clearance(former, "rollback")
    metadata = client_of_lending.get(f"/v2/models/{broken.model.name}")

    assert client_of_lending.get(ready).status_code == 200
    assert metadata.json()["versions"] == [str(former.number)]
