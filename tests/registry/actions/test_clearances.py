"""Clearances: exactly these bytes, for one purpose, on the word of others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from registry.actions.clearances import grant_clearance, revoke_clearance
from registry.errors import (
    ApproverIsDeveloper,
    ClearanceRevoked,
    ClearanceWithoutApprover,
    StageNotReachable,
)
from registry.models import Clearance
from registry.queries import live_clearance
from tests.registry.builders import EVIDENCE_DIGEST, a_clearance, a_version

LastEntry = Callable[[], dict[str, Any]]


def test_a_granted_clearance_holds_from_now_for_exactly_these_bytes(
    checker: User, last_entry: LastEntry
) -> None:
    version = a_version(stage="staging")
    before = timezone.now()

    clearance = a_clearance(version)

    assert live_clearance(version, "score_live", timezone.now()) == clearance
    assert live_clearance(version, "score_live", before) is None
    assert live_clearance(version, "rollback", timezone.now()) is None
    assert clearance.artefact_sha256 == version.artefact_id
    entry = last_entry()
    assert entry["event"] == "registry.clearance.granted"
    assert entry["public"]["artefact_sha256"] == version.artefact_id
    assert entry["public"]["evidence_digest"] == EVIDENCE_DIGEST
    assert entry["public"]["approver_ids"] == [checker.pk]


def test_a_clearance_ends_when_it_was_to_end(builder: User) -> None:
    version = a_version(stage="staging")
    ends = timezone.now() + timedelta(hours=1)
    clearance = a_clearance(version, valid_to=ends)

    assert live_clearance(version, "score_live", ends - timedelta(seconds=1)) == clearance
    assert live_clearance(version, "score_live", ends) is None


def test_a_revoked_clearance_ends_at_once_and_its_grant_stays_as_it_was(
    builder: User, last_entry: LastEntry
) -> None:
    version = a_version(stage="staging")
    grant = a_clearance(version)
    held = timezone.now()

    revocation = revoke_clearance(grant, by=builder, reason="An incident.")

    assert live_clearance(version, "score_live", timezone.now()) is None
    assert live_clearance(version, "score_live", held) == grant
    assert revocation.grant == grant
    assert last_entry()["public"]["reason"] == "An incident."


def test_a_clearance_is_revoked_once(builder: User) -> None:
    grant = a_clearance(a_version(stage="staging"))
    revocation = revoke_clearance(grant, by=builder, reason="An incident.")

    for clearance in (grant, revocation):
        with pytest.raises(ClearanceRevoked):
            revoke_clearance(clearance, by=builder, reason="Again.")


def test_nobody_approves_a_version_they_developed(builder: User, checker: User) -> None:
    version = a_version(stage="staging", developed_by=checker)

    with pytest.raises(ApproverIsDeveloper):
        grant_clearance(version, "score_live", EVIDENCE_DIGEST, [checker.pk], "cr-1", by=builder)

    assert not Clearance.objects.exists()
    assert Entry.objects.order_by("-id")[0].event == "audit.action_refused"


def test_a_clearance_rests_on_somebodys_word(builder: User) -> None:
    with pytest.raises(ClearanceWithoutApprover):
        grant_clearance(
            a_version(stage="staging"), "score_live", EVIDENCE_DIGEST, [], "cr-1", by=builder
        )


@pytest.mark.parametrize(
    ("stage", "purpose"),
    [
        ("registered", "score_live"),
        ("rejected", "score_live"),
        ("suspended", "score_live"),
        ("registered", "score_shadow"),
        ("staging", "rollback"),
    ],
)
def test_a_version_is_cleared_only_where_its_stage_allows(
    builder: User, stage: str, purpose: str
) -> None:
    version = a_version(stage=stage)

    with pytest.raises(StageNotReachable):
        a_clearance(version, purpose)


def test_the_database_refuses_to_change_a_clearance(builder: User) -> None:
    clearance = a_clearance(a_version(stage="staging"))

    with pytest.raises(DatabaseError):
        Clearance.objects.filter(pk=clearance.pk).update(artefact_sha256="f" * 64)


def test_whoever_lacks_the_permission_clears_nothing(outsider: User, checker: User) -> None:
    version = a_version(stage="staging")
    clearance = a_clearance(version)

    with pytest.raises(NotPermitted):
        grant_clearance(version, "score_live", EVIDENCE_DIGEST, [checker.pk], "cr", by=outsider)
    with pytest.raises(NotPermitted):
        revoke_clearance(clearance, by=outsider, reason="I am root.")

    assert live_clearance(version, "score_live", timezone.now()) == clearance
