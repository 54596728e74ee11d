"""A version that cannot score is not promoted: the champion stays, and a fact is left from which an incident is opened."""

import pytest
from django.utils import timezone

from audit.entries import parse
from audit.models import Entry
from audit.store import content_store
from governance import sweeps
from governance.actions.evidence import open_comparison
from governance.actions.requests import request_rollout
from governance.deciding import decide_change
from governance.models import ChangeRequest, Incident, Rollback
from registry.models import Clearance
from registry.queries import champion, live_clearance
from serving import scoring
from serving.errors import ArtefactRefused
from serving.in_service import fallback
from serving.models import Deployment, LoadFailure
from tests.governance.builders import (
    a_champion,
    a_request,
    a_staged_version,
    an_oversight_policy,
)
from tests.governance.test_api import decide, post
from tests.governance.test_break_glass import let_through
from tests.serving.builders import an_application, guard_rails

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


@pytest.mark.parametrize("role", ["shadow", "challenger", "canary"])
@pytest.mark.parametrize("is_warm", [False, True])
def test_a_rollout_step_does_not_begin_with_what_is_broken(
    now, spoil, developer, validator, approver, role, is_warm
):
    guard_rails()
    candidate = a_staged_version(developer, validator, model=now.model)
    asked = post(
        developer, "change-requests",
        kind="rollout", model=now.model.name, version=candidate.number, rationale="Ten first.",
        terms={"role": role, "share_percent": 10},
    ).json()  # fmt: skip
    cleared = Clearance.objects.count()
    spoil(candidate)
    if not is_warm:
        scoring.loaded.cache_clear()

    refused = decide(approver, asked["id"])

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/artefact-refused")
    assert not Deployment.objects.exists()
    assert Clearance.objects.count() == cleared
    assert ChangeRequest.objects.get(pk=asked["id"]).state == "open"
    refusal = parse(bytes(Entry.objects.get(event="audit.action_refused").body))
    assert "artefact-refused" in str(refusal["public"])
    assert "rollout step did not begin" in LoadFailure.objects.get(version=candidate).reason
    sweeps.open_incidents()
    assert Incident.objects.get().version == candidate


def test_the_step_that_decides_goes_on_where_the_next_one_is_refused(
    now, spoil, developer, validator, approver
):
    guard_rails()
    candidate = a_staged_version(developer, validator, model=now.model)
    first = request_rollout(candidate, "canary", 10, "Ten first.", by=developer)
    decide_change(first.pk, "approve", "Sound.", by=approver)
    second = request_rollout(candidate, "canary", 25, "Then 25.", by=developer)
    spoil(candidate)

    with pytest.raises(ArtefactRefused):
        decide_change(second.pk, "approve", "Sound.", by=approver)

    assert Deployment.objects.get(ended_at=None).share_percent == 10


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
