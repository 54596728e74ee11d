"""The log and its exports over HTTP."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.request import Request

from audit import keys, trust, verify
from audit.merkle import leaf_hash, verify_inclusion
from audit.models import Checkpoint, Entry, EvidenceExport, Leaf
from audit.notes import open_note, parse_vkey
from audit.proofs import NoSuchEntry, proof_for
from audit.queries import service_account
from audit.sequencer import NotYetSealed, _integrate, seal
from audit.tasks import archive, build, build_forgotten, heartbeat
from audit.tasks import verify as verify_task
from audit.tiles import decode_bundle, parse_checkpoint, split_tile
from tests.audit.acts import some_entries
from tests.garbage import garbage

SignIn = Callable[[User], Client]
LOG = "/api/v1/log/"


@pytest.fixture
def sealed(log: str, keeper: User) -> str:
    some_entries(298, by=keeper)
    seal()
    return log


def test_the_checkpoint_is_the_signed_note(sealed: str, signed_in: SignIn, auditor: User) -> None:
    response = signed_in(auditor).get(f"{LOG}checkpoint", headers={"Accept": "text/plain"})

    note = open_note(response.content, [parse_vkey(keys.log_vkey())])
    assert parse_checkpoint(note.text).size == 300
    assert response["Content-Type"].startswith("text/plain")
    assert response["Cache-Control"] == "no-cache"


def test_there_is_no_checkpoint_before_the_first_seal(
    log: str, signed_in: SignIn, auditor: User
) -> None:
    response = signed_in(auditor).get(f"{LOG}checkpoint")

    assert response.status_code == 404
    assert response.json()["type"] == "/problems/nothing-sealed"


@pytest.mark.parametrize("path", ["0/000", "0/001.p/44", "0/000.p/5", "1/000.p/1"])
def test_a_tile_is_served_for_good(
    sealed: str, signed_in: SignIn, auditor: User, path: str
) -> None:
    response = signed_in(auditor).get(f"{LOG}tile/{path}")

    width = int(path.partition(".p/")[2] or 256)
    assert len(response.content) == 32 * width
    assert response["Content-Type"] == "application/octet-stream"
    assert "immutable" in response["Cache-Control"]


def test_a_bundle_of_entries_hashes_to_its_tile(
    sealed: str, signed_in: SignIn, auditor: User
) -> None:
    client = signed_in(auditor)

    entries = decode_bundle(client.get(f"{LOG}tile/entries/001.p/44").content)

    tile = split_tile(client.get(f"{LOG}tile/0/001.p/44").content)
    assert [leaf_hash(body) for body in entries] == tile


def test_what_a_request_held_is_no_work_for_the_garbage_collector(
    sealed: str, signed_in: SignIn, auditor: User
) -> None:
    client = signed_in(auditor)

    with garbage() as left:
        assert client.get(f"{LOG}shards").status_code == 200

    assert Request not in left  # the test client itself keeps the answer


def test_entries_are_not_for_the_scoring_client(
    sealed: str, signed_in: SignIn, lending: User
) -> None:
    client = signed_in(lending)

    assert client.get(f"{LOG}tile/0/000").status_code == 200
    assert client.get(f"{LOG}tile/entries/000").status_code == 403


def test_nothing_is_served_to_a_stranger(sealed: str, client: Client) -> None:
    assert client.get(f"{LOG}checkpoint").status_code == 401
    assert client.get(f"{LOG}tile/0/000").status_code == 401


@pytest.mark.parametrize(
    "path", ["0/002", "0/001", "0/001.p/45", "1/000.p/2", "entries/001.p/45", "0/5", "x", "0/../0"]
)
def test_what_the_signed_log_does_not_have_is_not_found(
    sealed: str, signed_in: SignIn, auditor: User, path: str
) -> None:
    assert signed_in(auditor).get(f"{LOG}tile/{path}").status_code == 404


def test_what_is_not_signed_yet_is_not_published(
    sealed: str, keeper: User, signed_in: SignIn, auditor: User
) -> None:
    some_entries(5, by=keeper)
    _integrate(sealed)

    assert Leaf.objects.count() == 305
    assert signed_in(auditor).get(f"{LOG}tile/0/001.p/49").status_code == 404


def test_a_proof_leads_from_the_entry_to_the_signed_root(sealed: str) -> None:
    leaf = Leaf.objects.get(index=123)

    header, rest = proof_for(leaf.entry_id).split("\n", 1)

    lines, checkpoint = rest.split("\n\n", 1)
    index, *path = lines.split("\n")
    body = parse_checkpoint(open_note(checkpoint, [parse_vkey(keys.log_vkey())]).text)
    assert (header, index) == ("c2sp.org/tlog-proof@v1", "index 123")
    hashes = [verify.b64(text) for text in path]
    verify_inclusion(123, body.size, bytes(leaf.leaf_hash), hashes, body.root)


def test_a_proof_waits_until_a_signed_checkpoint_covers_the_entry(
    sealed: str, keeper: User
) -> None:
    (entry,) = some_entries(1, by=keeper)

    with pytest.raises(NotYetSealed):
        proof_for(entry.pk)
    _integrate(sealed)
    with pytest.raises(NotYetSealed):
        proof_for(entry.pk)
    seal()
    assert "index 300\n" in proof_for(entry.pk)


def test_there_is_no_proof_of_what_was_never_recorded(sealed: str, keeper: User) -> None:
    with pytest.raises(NoSuchEntry):
        proof_for(keeper_id())


def keeper_id():  # type: ignore[no-untyped-def]
    import uuid

    return uuid.UUID(int=7)


def test_an_export_is_asked_for_built_and_downloaded(
    sealed: str, signed_in: SignIn, auditor: User, own_folders: Path
) -> None:
    client = signed_in(auditor)

    asked = client.post("/api/v1/exports", {"from": "2020-01-01"}, "application/json")
    assert asked.status_code == 202
    assert asked.json()["state"] == "requested"
    assert client.get(f"{asked['Location']}/file").json()["type"] == "/problems/export-not-ready"
    build(asked.json()["id"])

    ready = client.get(asked["Location"]).json()
    assert ready["state"] == "available"
    data = b"".join(client.get(ready["file"]).streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(data).hexdigest() == ready["sha256"]
    (own_folders / "e.zip").write_bytes(data)
    report = verify.verify_files(
        verify.open_bundle(own_folders / "e.zip"), "e.zip", trust.policy_text()
    )
    assert report.holds


def test_a_forgotten_export_is_found_by_the_sweep(
    sealed: str, signed_in: SignIn, auditor: User
) -> None:
    signed_in(auditor).post("/api/v1/exports", {}, "application/json")

    build_forgotten()
    build_forgotten()

    assert EvidenceExport.objects.get().state == "available"


def test_an_export_that_fails_says_why_to_who_asked(
    sealed: str, signed_in: SignIn, auditor: User, own_folders: Path
) -> None:
    client = signed_in(auditor)
    asked = client.post("/api/v1/exports", {}, "application/json")
    (own_folders / "keys" / "log.key").unlink()

    build(asked.json()["id"])

    failed = client.get(asked["Location"]).json()
    assert failed["state"] == "failed"
    assert "log.key" in failed["failure"]


def test_a_bad_scope_is_refused_with_every_field(
    sealed: str, signed_in: SignIn, auditor: User
) -> None:
    response = signed_in(auditor).post(
        "/api/v1/exports", {"to": "x", "colour": 1}, "application/json"
    )

    assert response.status_code == 422
    assert [e["field"] for e in response.json()["errors"]] == ["colour", "to"]


def test_who_may_not_export_is_refused(sealed: str, signed_in: SignIn, lending: User) -> None:
    assert signed_in(lending).post("/api/v1/exports", {}, "application/json").status_code == 403
    assert Entry.objects.filter(event="audit.action_refused", actor_name="lending").exists()


def test_an_export_that_is_not_there_is_not_found(
    sealed: str, signed_in: SignIn, auditor: User
) -> None:
    address = "/api/v1/exports/00000000-0000-0000-0000-000000000007"

    assert signed_in(auditor).get(address).status_code == 404


def test_the_workers_beat_archive_and_verify_as_their_own_accounts(sealed: str) -> None:
    heartbeat()
    seal()
    archive()
    verify_task()

    recorded = Entry.objects.order_by("-pk").values_list("event", "actor_name")[:4]
    assert list(recorded) == [
        ("audit.log.verified", "archiver"),
        ("audit.log.archived", "archiver"),
        ("audit.epoch.closed", "archiver"),
        ("audit.heartbeat", "sequencer"),
    ]
    assert service_account("archiver").has_usable_password() is False
    assert Checkpoint.objects.count() == 2
