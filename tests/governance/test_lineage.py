"""From data to decisions and back, over HTTP."""

import uuid

import pytest
from django.contrib.auth.models import User

from tests.monitoring.builders import a_monitored_champion, decided

pytestmark = pytest.mark.django_db


def test_a_data_set_leads_to_its_decisions_and_a_decision_back_to_its_data(
    auditor: User, signed_in
) -> None:
    version = a_monitored_champion()
    decisions = decided(version, 3)
    client = signed_in(auditor)

    forward = client.get(f"/api/v1/datasets/{version.dataset_id}/lineage").json()
    back = client.get(f"/api/v1/decisions/{decisions[0].pk}/lineage").json()

    (run,) = forward["runs"]
    (use,) = run["versions"]
    assert run["run"] == str(version.run_id) == back["run"]["id"]
    assert (use["version"], use["decisions"]) == (version.number, 3)
    assert use["first_at"] <= use["last_at"]
    assert forward["sha256"] == version.dataset.sha256 == back["dataset"]["sha256"]
    assert back["artefact_sha256"] == version.artefact_id
    assert back["clearance"]["id"] == decisions[0].clearance_id
    assert [policy["kind"] for policy in back["policies"]] == ["decision", "reason_library"]
    assert back["dataset"]["entry"] == forward["entry"]


def test_a_run_without_versions_and_a_version_without_decisions_are_shown(
    auditor: User, signed_in
) -> None:
    version = a_monitored_champion()

    forward = signed_in(auditor).get(f"/api/v1/datasets/{version.dataset_id}/lineage").json()

    (use,) = forward["runs"][0]["versions"]
    assert (use["decisions"], use["first_at"]) == (0, None)


def test_what_is_not_there_is_named(auditor: User, lending: User, signed_in) -> None:
    client = signed_in(auditor)

    assert client.get("/api/v1/datasets/999/lineage").json()["type"] == "/problems/unknown-dataset"
    absent = client.get(f"/api/v1/decisions/{uuid.uuid4()}/lineage")
    assert (absent.status_code, absent.json()["type"]) == (404, "/problems/no-such-decision")
    assert signed_in(lending).get("/api/v1/datasets/1/lineage").status_code == 403
