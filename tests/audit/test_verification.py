"""The full check: each attack first succeeds on the database, and is then named."""

import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from audit import sequencer
from audit.actions.subjects import erase_subject
from audit.archive.passes import archive_pass
from audit.models import (
    Checkpoint,
    Entry,
    Head,
    Leaf,
    Outbox,
    Publication,
    Subject,
    SubjectSecret,
    Tile,
)
from audit.sequencer import seal
from audit.signer import log_signer
from audit.verification import Verification, verify_log
from tests.audit.acts import some_entries
from tests.audit.tampering import drop_triggers, run, without_foreign_keys


@pytest.fixture
def sealed(log: str, keeper: User) -> str:
    """A log of 302 entries, sealed and archived."""
    some_entries(300, by=keeper)
    seal()
    archive_pass(by=keeper)
    seal()
    return log


def entry_at(index: int) -> Entry:
    return Leaf.objects.get(index=index).entry


def checked(keeper: User) -> dict[str, list[str]]:
    found: Verification = verify_log(by=keeper)
    return {name: problems for name, _, problems in found.checks if problems}


def test_an_untouched_log_holds_and_the_log_says_that_it_was_verified(
    sealed: str, keeper: User
) -> None:
    found = verify_log(by=keeper)

    assert found.problems == []
    assert found.remarks == []
    entry = Entry.objects.filter(event="audit.log.verified").get()
    assert b'"holds":true' in bytes(entry.body)


@pytest.mark.parametrize("index", [5, 301])
def test_an_edited_entry_is_named(sealed: str, keeper: User, index: int) -> None:
    entry = entry_at(index)
    drop_triggers("audit_entry")
    Entry.objects.filter(pk=entry.pk).update(
        body=bytes(entry.body).replace(b"small note", b"large note")
    )

    problems = " ".join(checked(keeper)["tree"])

    assert f"entry {index}  {entry.pk}" in problems
    assert "The entry was changed" in problems


def test_an_entry_edited_together_with_its_leaf_is_named_by_its_signature(
    sealed: str, keeper: User
) -> None:
    entry = entry_at(301)
    drop_triggers("audit_entry", "audit_leaf")
    forged = bytes(entry.body).replace(b"small note", b"large note")
    Entry.objects.filter(pk=entry.pk).update(body=forged, leaf_hash=sequencer.leaf_hash(forged))
    Leaf.objects.filter(index=301).update(leaf_hash=sequencer.leaf_hash(forged))

    problems = " ".join(checked(keeper)["tree"])

    assert "do not lead to the root that was signed" in problems
    assert f"entry 301  {entry.pk}" in problems


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "serving.decision.made"),
        ("actor_name", "somebody"),
        ("subject_id", "another"),
        ("occurred_at", timezone.now()),
        ("request_id", "r"),
        ("key_id", uuid.UUID(int=1)),
    ],
)
def test_a_column_that_no_longer_says_what_the_bytes_say_is_named(
    sealed: str, keeper: User, column: str, value: object
) -> None:
    entry = entry_at(17)
    drop_triggers("audit_entry")
    Entry.objects.filter(pk=entry.pk).update(**{column: value})

    (problem,) = checked(keeper)["rows"]

    assert problem.startswith(f"entry 17 ({entry.pk}): the column {column} says")


def test_a_deleted_entry_is_named(sealed: str, keeper: User) -> None:
    entry = entry_at(40)
    drop_triggers("audit_entry")
    with without_foreign_keys():
        run("DELETE FROM audit_entry WHERE id = %s", _sql(entry.pk))
        found = checked(keeper)
        run_back(entry)

    assert found["rows"][0] == f"entry 40 ({entry.pk}) was removed"


def run_back(entry: Entry) -> None:
    """So that the test's own transaction can end: references are checked then."""
    drop_triggers("audit_entry")
    entry.save(force_insert=True)


def _sql(value: uuid.UUID) -> object:
    from django.db import connection

    return value.hex if connection.vendor == "sqlite" else value


def test_a_deleted_leaf_is_named(sealed: str, keeper: User) -> None:
    entry = entry_at(40)
    drop_triggers("audit_leaf")
    Leaf.objects.filter(index=40).delete()

    found = checked(keeper)

    assert found["rows"][0] == "entry 40: its leaf was removed"
    assert f"entry {entry.pk} (tests.noted) is in no tree" in found["rows"][1]


def test_entries_that_changed_places_are_named(sealed: str, keeper: User) -> None:
    drop_triggers("audit_leaf")
    first, second = Leaf.objects.get(index=30), Leaf.objects.get(index=31)
    Leaf.objects.filter(pk=first.pk).update(index=9999)
    Leaf.objects.filter(pk=second.pk).update(index=30)
    Leaf.objects.filter(pk=first.pk).update(index=31)

    problems = " ".join(checked(keeper)["tree"])

    assert f"entry 30  {second.entry_id}" in problems
    assert f"entry 31  {first.entry_id}" in problems


def test_a_log_that_was_cut_short_is_named(sealed: str, keeper: User) -> None:
    size = Head.objects.get().size
    drop_triggers("audit_leaf")
    Leaf.objects.filter(index__gte=290).delete()

    found = checked(keeper)

    assert f"entry {size - 1}: its leaf was removed" in found["rows"]


def test_a_log_cut_short_together_with_its_head_and_checkpoints_is_known_to_the_signer(
    sealed: str, keeper: User
) -> None:
    small = Checkpoint.objects.order_by("size").first()
    assert small is not None
    drop_triggers("audit_leaf", "audit_checkpoint", "audit_publication")
    Leaf.objects.filter(index__gte=small.size).delete()
    Publication.objects.filter(checkpoint__size__gt=small.size).delete()
    Checkpoint.objects.filter(size__gt=small.size).delete()
    Head.objects.update(size=small.size, root=small.root)

    (problem,) = checked(keeper)["head"]

    assert "an older database was restored, or entries were removed" in problem


def test_a_changed_tile_is_named(sealed: str, keeper: User) -> None:
    tile = Tile.objects.get(level=0, number=0)
    drop_triggers("audit_tile")
    data = bytearray(bytes(tile.hashes))
    data[32 * 9] ^= 1
    Tile.objects.filter(pk=tile.pk).update(hashes=bytes(data))

    problems = " ".join(checked(keeper)["tree"])

    assert "entry 9" in problems
    assert "tile/0/000: The hash of this entry in the tile was changed" in problems


def test_a_changed_checkpoint_is_named(sealed: str, keeper: User) -> None:
    checkpoint = Checkpoint.objects.order_by("-size")[0]
    origin, size, root, *rest = checkpoint.note.split("\n")
    altered = "\n".join([origin, size, ("B" if root[0] == "A" else "A") + root[1:], *rest])
    drop_triggers("audit_checkpoint")
    Checkpoint.objects.filter(pk=checkpoint.pk).update(note=altered)

    assert f"checkpoints/{checkpoint.size:020d}" in checked(keeper)["tree"][0]


def test_a_head_that_was_moved_back_is_named(sealed: str, keeper: User) -> None:
    Head.objects.update(size=10)

    assert "is not the checkpoint" in checked(keeper)["head"][0]


def test_an_entry_taken_out_of_the_outbox_is_named(sealed: str, keeper: User) -> None:
    (entry,) = some_entries(1, by=keeper)
    Outbox.objects.all().delete()

    assert checked(keeper)["rows"] == [
        f"entry {entry.pk} (tests.noted) is in no tree, and does not wait for one"
    ]


def test_a_row_whose_entry_is_gone_is_named(sealed: str, keeper: User) -> None:
    subject = Subject.objects.create()
    SubjectSecret.objects.create(subject=subject, purpose="decision", wrapped=b"x")
    erasure, _ = erase_subject(
        subject.pk, by=keeper, legal_basis="consent withdrawn", reason="asked"
    )
    drop_triggers("audit_entry", "audit_erasure")
    with without_foreign_keys():
        run("UPDATE audit_erasure SET entry_id = %s WHERE id = %s", _sql(uuid.uuid4()), erasure.pk)
        found = checked(keeper)
        run(
            "UPDATE audit_erasure SET entry_id = %s WHERE id = %s",
            _sql(erasure.entry_id),
            erasure.pk,
        )

    assert found["records"] == [f"audit.erasure {erasure.pk} has no entry"]


def test_a_dropped_trigger_is_named(sealed: str, keeper: User) -> None:
    drop_triggers("audit_leaf")

    assert "audit_leaf_no_delete is missing" in checked(keeper)["triggers"]


def test_what_waits_too_long_is_remarked_upon(
    sealed: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_entries(2, by=keeper)
    monkeypatch.setattr("audit.verification.OVERDUE_SECONDS", -1)

    found = verify_log(by=keeper)

    assert found.problems == []
    assert "is the sequencer running?" in found.remarks[0]


def test_an_older_database_is_named_though_it_is_consistent_in_itself(
    log: str, keeper: User
) -> None:
    seal()
    backup = transaction.savepoint()
    some_entries(3, by=keeper)
    seal()
    transaction.savepoint_rollback(backup)

    (problem,) = checked(keeper)["head"]

    assert "the signer signed 5 entries and the database holds 2" in problem
    assert log_signer().last().size == 5


def archived(folder: Path, pattern: str) -> Path:
    return next((folder / "archive").rglob(pattern))


@pytest.mark.parametrize("pattern", ["*.tar", "checkpoints/*", "trust/0001/policy"])
def test_a_changed_archive_object_is_named(
    sealed: str, keeper: User, own_folders: Path, pattern: str
) -> None:
    path = archived(own_folders, pattern)
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])

    problems = " ".join(checked(keeper)["archive"])

    assert f"{path.relative_to(own_folders / 'archive')} was changed in the archive" in problems


def test_a_missing_archive_object_is_named(sealed: str, keeper: User, own_folders: Path) -> None:
    epoch = archived(own_folders, "*.tar")
    epoch.unlink()

    missing = f"The archive has no {epoch.relative_to(own_folders / 'archive')}."
    assert missing in checked(keeper)["archive"]


def test_a_checkpoint_that_was_published_otherwise_than_it_was_archived_is_named(
    sealed: str, keeper: User
) -> None:
    drop_triggers("audit_publication")
    published = Publication.objects.get(checkpoint__size=302)
    Publication.objects.filter(pk=published.pk).update(note=published.note + "— other line\n")

    assert "closes with another checkpoint than was published" in checked(keeper)["archive"][0]


def test_an_object_that_no_row_knows_is_remarked_upon(
    sealed: str, keeper: User, own_folders: Path
) -> None:
    known = archived(own_folders, "*.note")
    known.with_name("0badc0de.note").write_bytes(known.read_bytes())

    found = verify_log(by=keeper)

    assert found.problems == []
    assert "which no row knows" in found.remarks[0]


def test_erasing_a_person_leaves_every_proof_standing(sealed: str, keeper: User) -> None:
    subject = Subject.objects.create()
    SubjectSecret.objects.create(subject=subject, purpose="decision", wrapped=b"x")
    erase_subject(subject.pk, by=keeper, legal_basis="consent withdrawn", reason="asked")
    seal()

    assert checked(keeper) == {}


def test_the_command_ends_with_an_error_that_names_the_entry(
    sealed: str, keeper: User, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_at(5)
    drop_triggers("audit_entry")
    Entry.objects.filter(pk=entry.pk).update(body=b"{}")

    with pytest.raises(CommandError, match="does not hold"):
        call_command("verify_log", acting_user="keeper")

    assert f"entry 5 ({entry.pk})" in capsys.readouterr().out
