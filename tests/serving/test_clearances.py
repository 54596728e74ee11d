"""Unapproved cannot score: only a champion with a live clearance for exactly its bytes decides."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audit import key_making
from audit.models import Entry
from audit.store import content_store
from registry.actions.clearances import revoke_clearance
from registry.actions.versions import change_stage, promote_to_champion
from registry.models import Clearance
from serving.models import Decision, LoadFailure
from tests.registry.builders import a_clearance, a_model, a_policy, a_version, the_builder
from tests.serving.builders import GOOD, a_champion, an_application

pytestmark = pytest.mark.django_db


def problem_of(response):
    return response.status_code, response.json()["type"]


@pytest.mark.parametrize("stage", ["registered", "staging", "rejected", "archived", "suspended"])
def test_a_model_without_a_champion_decides_nothing(post, stage):
    version = a_version(stage=stage)

    response = post(f"models/{version.model.name}/decisions", an_application())

    assert problem_of(response) == (503, "/problems/no-cleared-version")
    assert not Decision.objects.exists()


def test_a_staged_version_decides_nothing_even_when_asked_for_by_number(decide_over_http, champion):
    staged = a_version(champion.model, stage="staging")

    response = decide_over_http(an_application(), query=f"?version={staged.number}")

    assert problem_of(response) == (503, "/problems/version-not-cleared")
    assert not Decision.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()


def test_a_clearance_without_the_championship_is_not_enough(decide_over_http, champion):
    staged = a_version(champion.model, stage="staging")
    a_clearance(staged)

    response = decide_over_http(an_application(), query=f"?version={staged.number}")

    assert problem_of(response) == (503, "/problems/version-not-cleared")


def test_the_champion_may_be_asked_for_by_number(decide_over_http, champion):
    response = decide_over_http(an_application(), query=f"?version={champion.number}")

    assert response.status_code == 201


def test_a_version_that_does_not_exist_is_not_found(decide_over_http, champion):
    response = decide_over_http(an_application(), query="?version=99")

    assert problem_of(response) == (404, "/problems/unknown-version")


def test_a_revoked_clearance_stops_the_champion_at_once(decide_over_http, champion):
    assert decide_over_http(an_application()).status_code == 201

    revoke_clearance(champion.clearances.get(), by=the_builder(), reason="Found unsound.")

    assert problem_of(decide_over_http(an_application())) == (503, "/problems/no-cleared-version")
    assert Decision.objects.count() == 1


def test_a_clearance_that_ran_out_stops_the_champion(decide_over_http, post):
    version = a_version(stage="staging")
    a_clearance(version, valid_to=timezone.now() + timedelta(milliseconds=200))
    promote_to_champion(version, by=the_builder())

    while timezone.now() < Clearance.objects.get(version=version).valid_to:
        pass
    response = post(f"models/{version.model.name}/decisions", an_application())

    assert problem_of(response) == (503, "/problems/no-cleared-version")


def test_a_suspended_champion_stops_at_once(decide_over_http, champion):
    assert decide_over_http(an_application()).status_code == 201

    change_stage(champion, "suspended", by=the_builder(), reason="Under inquiry.")

    assert problem_of(decide_over_http(an_application())) == (503, "/problems/no-cleared-version")


def test_a_new_champion_decides_the_next_application(decide_over_http, champion):
    before = decide_over_http(an_application()).json()
    successor = a_version(champion.model, stage="production", algorithm="hist_gradient_boosting")

    after = decide_over_http(an_application()).json()

    assert (before["version"], after["version"]) == (champion.number, successor.number)
    assert "leaf tables" in after["explanation"]["method"]


def test_a_former_champion_decides_again_once_it_is_cleared_again(decide_over_http, champion):
    a_version(champion.model, stage="production")
    a_clearance(champion, Clearance.Purpose.ROLLBACK)
    revoke_clearance(
        champion.clearances.get(purpose="score_live"), by=the_builder(), reason="Replaced."
    )
    champion.refresh_from_db()
    promote_to_champion(champion, by=the_builder())

    # Being cleared to come back is not being cleared to decide: governance's rollback grants that too.
    assert problem_of(decide_over_http(an_application())) == (503, "/problems/no-cleared-version")
    a_clearance(champion)
    assert decide_over_http(an_application()).json()["version"] == champion.number


def test_the_decision_names_the_clearance_it_was_made_under(decide_over_http, champion):
    decide_over_http(an_application())

    assert Decision.objects.get().clearance == champion.clearances.get()


@pytest.fixture
def own_store(settings, tmp_path):
    """A content store whose bytes this test may damage."""
    settings.CREDENCE_STORE = tmp_path / "store"
    return content_store()


def damage(store, kind, sha256):
    path = store.path(kind, sha256)
    os.chmod(path, 0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("part", ["artefacts", "baselines"])
def test_a_champion_whose_stored_bytes_were_changed_does_not_decide(own_store, post, part):
    champion = a_champion()
    sha256 = champion.artefact_id if part == "artefacts" else champion.baseline.sha256
    damage(own_store, part, sha256)

    response = post(f"models/{champion.model.name}/decisions", an_application())

    assert problem_of(response) == (503, "/problems/artefact-refused")
    assert not Decision.objects.exists()
    failure = LoadFailure.objects.get()
    assert failure.version == champion
    assert failure.artefact_sha256 == champion.artefact_id
    assert "changed" in failure.reason
    assert failure.entry.event == "serving.version.load_failed"


def test_a_champion_whose_artefact_is_gone_does_not_decide(own_store, post):
    champion = a_champion()
    own_store.path("artefacts", champion.artefact_id).unlink()

    response = post(
        f"models/{champion.model.name}/decisions/batch", {"applications": [an_application()]}
    )

    assert problem_of(response) == (503, "/problems/artefact-refused")
    assert LoadFailure.objects.count() == 1


def test_an_artefact_signed_by_a_key_that_the_log_never_named_does_not_decide(
    champion, post, settings, tmp_path
):
    settings.CREDENCE_KEYS = tmp_path / "keys"
    key_making.make_keys("credence.test/another", datetime.now(UTC))

    response = post(f"models/{champion.model.name}/decisions", an_application())

    assert problem_of(response) == (503, "/problems/artefact-refused")
    assert "delegation" in LoadFailure.objects.get().reason


def test_a_decision_that_no_reason_can_be_given_for_is_not_made(post):
    body = {
        "cut_off": 0.3,
        "grey_band": None,
        "knockout_rules": [],
        "materiality_floor": 50.0,
        "max_reasons": 4,
    }
    champion = a_champion(model=a_model(), decision_policy=a_policy("decision", body))
    path = f"models/{champion.model.name}/decisions"

    declined = post(path, an_application(dti=90.0, income=9_000.0, delinquencies=9))
    approved = post(path, an_application(**GOOD))

    assert problem_of(declined) == (409, "/problems/no-principal-reason")
    assert approved.status_code == 201
    assert Decision.objects.count() == 1
