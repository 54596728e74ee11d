"""A version that cannot score is not promoted: the champion stays, and a fact is left from which an incident is opened."""

import pytest
from django.utils import timezone

from audit.store import content_store
from governance import sweeps
from governance.actions.evidence import open_comparison
from governance.models import Incident, Rollback
from registry.queries import champion, live_clearance
from serving import scoring
from serving.in_service import fallback
from serving.models import LoadFailure
from tests.governance.builders import (
    a_champion,
    a_request,
    a_staged_version,
    an_oversight_policy,
)
from tests.governance.test_api import decide, post
from tests.governance.test_break_glass import let_through
from tests.serving.builders import an_application

pytestmark = pytest.mark.django_db


@pytest.fixture
def spoil(settings, tmp_path):
    """Changes the stored bytes of a version, in a store of this test's own."""
    settings.CREDENCE_STORE = tmp_path / "store"

    def change(version):
        path = content_store().path("artefacts", version.artefact_id)
        path.chmod(0o600)
        path.write_bytes(b"spoiled")

    return change


@pytest.fixture
def now(spoil, developer, validator, approver):
    return a_champion(developer, validator, approver)


@pytest.mark.parametrize("is_warm", [False, True])
def test_a_broken_version_is_refused_by_name_and_the_champion_stays(
    now, spoil, developer, validator, approver, lending, is_warm
):
    candidate = a_staged_version(developer, validator, model=now.model)
    change = a_request(developer, candidate, "production")
    open_comparison(change.pk, by=approver)
    spoil(candidate)
    if not is_warm:
        scoring.loaded.cache_clear()

    refused = decide(approver, change.pk)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/artefact-refused")
    change.refresh_from_db()
    assert change.state == "open"
    assert champion(now.model) == now
    assert live_clearance(candidate, "score_live", timezone.now()) is None
    failure = LoadFailure.objects.get()
    assert failure.version == candidate
    assert "not promoted" in failure.reason
    sweeps.open_incidents()
    assert Incident.objects.get().version == candidate
    answer = post(lending, f"models/{now.model.name}/decisions", **an_application())
    assert (answer.json()["version"], answer.json()["role"]) == (now.number, "champion")


def test_a_rollback_to_what_is_broken_is_refused_and_leaves_the_fact(
    now, spoil, developer, validator, approver
):
    later = a_champion(developer, validator, approver, model=now.model)
    spoil(now)

    refused = post(approver, f"models/{now.model.name}/rollback", rationale="Odd reasons.")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/way-back-damaged")
    assert champion(now.model) == later
    assert not Rollback.objects.exists()
    assert LoadFailure.objects.get().version == now


def test_the_incident_says_who_decides_while_the_champion_is_broken(
    now, spoil, developer, validator, approver, lending
):
    later = a_champion(developer, validator, approver, model=now.model)
    spoil(later)
    scoring.loaded.cache_clear()

    answer = post(lending, f"models/{now.model.name}/decisions", **an_application())
    sweeps.open_incidents()

    assert (answer.json()["version"], answer.json()["role"]) == (now.number, "fallback")
    incident = Incident.objects.get()
    assert incident.version == later
    assert f"{now} decides meanwhile" in incident.summary


def test_a_champion_by_break_glass_is_nobody_to_fall_back_to(now, developer, validator, approver):
    an_oversight_policy()
    regular = a_champion(developer, validator, approver, model=now.model)
    now.refresh_from_db()
    let_through(now, developer, validator, approver)
    a_champion(developer, validator, approver, model=now.model)
    at = timezone.now()

    instead = fallback(now.model.name, at)

    assert live_clearance(now, "rollback", at).is_break_glass
    assert instead is not None
    assert instead.bytes_of.version_id == regular.pk
