"""The windows on the log: everything to see, nothing to change."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from audit import keys
from audit.actions.archive import record_verification
from audit.actions.archive_alarms import Finding, raise_alarm
from audit.actions.exports import request_export
from audit.actions.subjects import erase_subject
from audit.archive.passes import archive_pass
from audit.export import build_export
from audit.models import (
    ArchiveAlarm,
    ArchivedObject,
    Checkpoint,
    Entry,
    Epoch,
    Erasure,
    EvidenceExport,
    Subject,
)
from audit.scope import Scope
from tests.audit.acts import some_entries
from tests.audit.tampering import drop_triggers, run

SignIn = Callable[[User], Client]
WINDOWS = [Entry, Checkpoint, ArchivedObject, Epoch, ArchiveAlarm, Erasure, EvidenceExport]


@pytest.fixture
def lived_in(log: str, keeper: User, own_folders: Path) -> str:
    subject = Subject.objects.create()
    erase_subject(subject.pk, by=keeper, legal_basis="consent withdrawn", reason="asked")
    some_entries(1, by=keeper)
    build_export(request_export(Scope(), by=keeper), by=keeper)
    archive_pass(by=keeper)
    key = ArchivedObject.objects.latest("pk").key
    raise_alarm(Finding(ArchiveAlarm.Kind.MISSING, key, "", "It is not there."), by=keeper)
    return log


@pytest.mark.parametrize("model", WINDOWS)
def test_an_auditor_sees_the_list_and_each_row(
    lived_in: str, signed_in: SignIn, auditor: User, model: type
) -> None:
    client, name = signed_in(auditor), model.__name__.lower()

    rows = client.get(f"/audit/{name}/")
    row = client.get(f"/audit/{name}/{model.objects.first().pk}/change/")  # type: ignore[attr-defined]

    assert (rows.status_code, row.status_code) == (200, 200)


@pytest.mark.parametrize("model", WINDOWS)
def test_nobody_adds_changes_or_deletes_there(
    lived_in: str, signed_in: SignIn, administrator: User, superuser: User, model: type
) -> None:
    pk, name = model.objects.first().pk, model.__name__.lower()  # type: ignore[attr-defined]

    for user in (administrator, superuser):
        client = signed_in(user)
        assert client.get(f"/audit/{name}/add/").status_code == 403
        assert client.post(f"/audit/{name}/{pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(f"/audit/{name}/{pk}/change/", {}).status_code == 403
    assert model.objects.filter(pk=pk).exists()  # type: ignore[attr-defined]


def test_windows_on_the_record_say_when_it_was_last_verified_and_what_was_found(
    lived_in: str, signed_in: SignIn, auditor: User, keeper: User
) -> None:
    client = signed_in(auditor)
    entry = Entry.objects.latest("pk")

    assert "was never verified" in client.get("/audit/entry/").content.decode()
    record_verification(lived_in, 12_345, 0, [], by=keeper)
    for address in ("entry/", f"entry/{entry.pk}/change/", "checkpoint/", "archivedobject/"):
        assert "held at 12,345 entries" in client.get(f"/audit/{address}").content.decode()
    record_verification(lived_in, 12_346, 0, ["entry 7 was removed"], by=keeper)
    shown = client.get("/audit/checkpoint/").content.decode()
    assert "did not hold" in shown
    assert "entry 7 was removed" in shown


def test_an_entry_shows_its_content_its_index_and_its_proof(
    lived_in: str, signed_in: SignIn, auditor: User
) -> None:
    entry = Entry.objects.get(event="tests.noted")

    page = signed_in(auditor).get(f"/audit/entry/{entry.pk}/change/").content.decode()

    assert "ä small note" in page
    assert "c2sp.org/tlog-proof@v1" in page
    assert bytes(entry.leaf_hash).hex() in page


def test_an_entry_that_waits_says_so(
    log: str, keeper: User, signed_in: SignIn, auditor: User
) -> None:
    (entry,) = some_entries(1, by=keeper)

    page = signed_in(auditor).get(f"/audit/entry/{entry.pk}/change/").content.decode()

    assert "waits to be sealed" in page


def test_entries_are_found_by_subject_event_and_actor(
    lived_in: str, signed_in: SignIn, auditor: User
) -> None:
    client = signed_in(auditor)
    erased = Entry.objects.filter(event="audit.subject.erased").earliest("pk")

    for words in ("subject.erased", str(erased.subject_id), str(erased.pk)):
        page = client.get("/audit/entry/", {"q": words}).content.decode()
        assert f"/audit/entry/{erased.pk}/change/" in page
        assert "tests.noted</a>" not in page


def test_an_available_export_links_to_its_file(
    lived_in: str, signed_in: SignIn, auditor: User
) -> None:
    export = EvidenceExport.objects.get()

    page = signed_in(auditor).get(f"/audit/evidenceexport/{export.pk}/change/").content.decode()

    assert f"/api/v1/exports/{export.pk}/file" in page


def test_an_entry_is_verified_at_the_press_of_a_button(
    lived_in: str, signed_in: SignIn, auditor: User
) -> None:
    entry = Entry.objects.filter(leaf__index=2).get()

    shown = signed_in(auditor).get(f"/audit/entry/{entry.pk}/verify-now/").content.decode()

    assert "Everything that was checked holds" in shown
    assert "is in the log of" in shown


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("actor_name = 'somebody else'", "the column actor_name says somebody else"),
        (
            'leaf_hash = (SELECT leaf_hash FROM audit_leaf WHERE "index" = 0)',
            "do not hash to the leaf",
        ),
    ],
)
def test_the_button_names_what_was_changed_in_the_row(
    lived_in: str, signed_in: SignIn, auditor: User, change: str, named: str
) -> None:
    entry = Entry.objects.filter(leaf__index=2).get()
    drop_triggers("audit_entry")
    run(
        f"UPDATE audit_entry SET {change} WHERE event = '{entry.event}' AND leaf_hash = %s",
        bytes(entry.leaf_hash),
    )

    shown = signed_in(auditor).get(f"/audit/entry/{entry.pk}/verify-now/").content.decode()

    assert "This entry does not hold" in shown
    assert named in shown


def test_whoever_may_not_see_the_log_verifies_nothing(
    lived_in: str, signed_in: SignIn, lending: User
) -> None:
    entry = Entry.objects.latest("pk")

    assert signed_in(lending).get(f"/audit/entry/{entry.pk}/verify-now/").status_code != 200


def test_the_window_of_keys_tells_what_became_of_each_and_what_a_stranger_must_hold(
    lived_in: str, signed_in: SignIn, auditor: User, lending: User
) -> None:
    page = signed_in(auditor).get("/audit/checkpoint/keys/").content.decode()

    for vkey in keys.log_vkeys():
        assert escape(vkey) in page
        assert keys.fingerprint(vkey) in page
    assert keys.producer().key_id in page
    assert "in use" in page
    assert signed_in(lending).get("/audit/checkpoint/keys/").status_code != 200
