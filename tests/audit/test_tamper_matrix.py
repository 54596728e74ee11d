"""Each attack first succeeds against the database, with all rights on it, and is then named by the verifier of a stranger.

The stranger has the bundle that the bank exports after the attack, and a policy file from before it.
"""

import base64
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.utils import timezone

from audit import keys, trust, verify
from audit.actions.heartbeats import write_heartbeat
from audit.actions.keys import open_log
from audit.canonical import canonical_json
from audit.export import build_bundle
from audit.liveness import reconcile_due
from audit.merkle import leaf_hash, tree_root
from audit.models import Checkpoint, Entry, Head, Leaf, Outbox, Publication
from audit.notes import Cosigner, NoteSigner, sign_note
from audit.scope import Scope
from audit.sequencer import seal
from audit.tiles import CheckpointBody
from audit.timestamps.passes import timestamp_pass
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG
from tests.audit.tampering import drop_triggers, run, without_foreign_keys
from tests.audit.test_verification import run_back
from tests.audit.timestamps.conftest import Authority, authorities, authority  # noqa: F401  # fixtures

TABLES = ("audit_entry", "audit_leaf", "audit_tile", "audit_checkpoint", "audit_publication")
WITNESS = Cosigner("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
HOUR = (datetime.now(UTC) - timedelta(hours=5)).replace(minute=0, second=0, microsecond=0)


Stranger = Callable[..., dict[str, list[str]]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What time it is: `clock[0]`."""
    now = [HOUR + timedelta(minutes=10)]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


@pytest.fixture
def log(own_folders: Path, keeper: User, clock: list[datetime]) -> str:
    """Twelve sealed entries."""
    open_log(LOG, by=keeper)
    some_entries(10, by=keeper)
    seal()
    return LOG


@pytest.fixture
def stranger(log: str, tmp_path: Path) -> Stranger:
    """What the verifier names in the bundle as it is exported now, under the policy from before the attack."""
    policy = trust.policy_text()

    def verified(more: str = "quorum none\n", roots: Path | None = None) -> dict[str, list[str]]:
        path = tmp_path / "evidence.zip"
        build_bundle(path, Scope().as_json() | {"disclose": False}, lambda *_: None)
        given = policy.replace("quorum none\n", more)
        pem = roots.read_bytes() if roots else None
        report = verify.verify_files(verify.open_bundle(path), "b", given, tsa_roots=pem)
        found = {c.name: [str(p) for p in c.problems] for c in report.checks if c.count}
        return found | {"remarks": report.remarks, "not checked": report.not_checked}

    assert set(verified()) == {"remarks", "not checked"}
    return verified


@pytest.fixture
def superuser(stranger: Stranger) -> None:
    """The tables no longer refuse to change. (Nor do new entries reach the outbox.)"""
    drop_triggers(*TABLES)


def entry_at(index: int) -> Entry:
    return Leaf.objects.get(origin=LOG, index=index).entry


def rewritten(entry: Entry, change: dict[str, object]) -> bytes:
    """By someone who has the producer key."""
    fields = json.loads(bytes(entry.body)) | change
    del fields["signature"]
    signature = keys.producer().sign("credence-entry/v1", canonical_json(fields))
    return canonical_json(fields | {"signature": base64.b64encode(signature).decode()})


def replace(entry: Entry, body: bytes) -> None:
    Entry.objects.filter(pk=entry.pk).update(body=body, leaf_hash=leaf_hash(body))
    Leaf.objects.filter(entry=entry.pk).update(leaf_hash=leaf_hash(body))


def sign_anew(signers: Iterable[NoteSigner]) -> None:
    """With the stolen log key: one checkpoint over the rows as they are, and none of before."""
    leaves = Leaf.objects.filter(origin=LOG).order_by("index").values_list("leaf_hash", flat=True)
    root = tree_root([bytes(leaf) for leaf in leaves])
    note = sign_note(CheckpointBody(LOG, len(leaves), root).text, list(signers), time=1)
    newest = Publication.objects.order_by("-checkpoint__size")[0]
    Checkpoint.objects.filter(pk=newest.checkpoint_id).update(note=note, root=root)
    Publication.objects.filter(pk=newest.pk).update(note=note)
    Head.objects.filter(origin=LOG).update(root=root)


def stolen() -> list[NoteSigner]:
    return [NoteSigner(LOG, keys.log_key(LOG))]


def test_an_edited_row(stranger: Stranger, superuser: None) -> None:
    entry = entry_at(5)
    body = bytes(entry.body).replace(b"small note", b"large note")
    Entry.objects.filter(pk=entry.pk).update(body=body)
    assert bytes(entry_at(5).body) == body

    found = stranger()

    assert found["entries"][0].startswith(f"entry 5  {entry.pk}")
    assert "The entry was changed" in found["entries"][0]


def test_a_row_edited_with_the_producer_key_and_its_leaf(
    stranger: Stranger, superuser: None
) -> None:
    replace(entry_at(5), rewritten(entry_at(5), {"request_id": "forged"}))

    assert "do not lead to the root that was signed" in stranger()["tiles"][0]


def test_a_deleted_row_leaves_a_bundle_that_cannot_be_made(
    stranger: Stranger, superuser: None
) -> None:
    entry = entry_at(5)
    with without_foreign_keys():
        Entry.objects.filter(pk=entry.pk)._raw_delete("default")  # type: ignore[attr-defined]  # as SQL would
        assert not Entry.objects.filter(pk=entry.pk).exists()
        with pytest.raises(Exception, match=r"has no tile/entries/000\.p/"):
            stranger()
        run_back(entry)


def test_a_row_deleted_with_its_leaf_and_the_others_moved_up(
    stranger: Stranger, superuser: None
) -> None:
    entry = entry_at(5)
    Leaf.objects.filter(entry=entry).delete()
    for leaf in Leaf.objects.filter(index__gt=5).order_by("index"):
        Leaf.objects.filter(pk=leaf.pk).update(index=leaf.index - 1)
    Leaf.objects.create(origin=LOG, index=11, entry=entry, leaf_hash=bytes(entry.leaf_hash))
    assert Leaf.objects.count() == 12

    assert "do not lead to the root that was signed" in stranger()["tiles"][0]


def test_an_entry_deleted_before_it_was_sealed(
    stranger: Stranger, keeper: User, clock: list[datetime]
) -> None:
    (entry,) = some_entries(1, by=keeper)
    clock[0] = HOUR + timedelta(hours=1, minutes=5)
    reconcile_due(by=keeper)
    drop_triggers("audit_entry", "audit_outbox")
    Outbox.objects.filter(entry=entry).delete()
    Entry.objects.filter(pk=entry.pk)._raw_delete("default")  # type: ignore[attr-defined]  # as SQL would
    seal()
    assert not Entry.objects.filter(pk=entry.pk).exists()

    (problem,) = stranger()["reconciled"]

    assert "11 entries tests.noted were recorded" in problem
    assert "the log holds 10" in problem


def test_entries_that_changed_places(stranger: Stranger, superuser: None) -> None:
    first, second = Leaf.objects.get(index=4), Leaf.objects.get(index=7)
    one, other = first.entry, second.entry
    with without_foreign_keys():
        Leaf.objects.filter(pk=first.pk).update(index=9_999)
        Leaf.objects.filter(pk=second.pk).update(index=4)
        Leaf.objects.filter(pk=first.pk).update(index=7)
    assert (entry_at(4), entry_at(7)) == (other, one)

    found = stranger()

    assert "do not lead to the root that was signed" in found["tiles"][0]


def test_an_entry_put_into_the_past(
    stranger: Stranger, keeper: User, clock: list[datetime]
) -> None:
    clock[0] = HOUR + timedelta(hours=3)
    some_entries(2, by=keeper)
    clock[0] = HOUR + timedelta(minutes=20)
    (entry,) = some_entries(1, by=keeper)
    clock[0] = HOUR + timedelta(hours=3)
    seal()

    (problem,) = stranger()["times"]

    assert str(entry.pk) in problem
    assert "It is backdated" in problem


def test_an_hour_that_gained_an_entry_after_it_was_reconciled(
    stranger: Stranger, keeper: User, clock: list[datetime]
) -> None:
    clock[0] = HOUR + timedelta(hours=1, minutes=5)
    reconcile_due(by=keeper)
    clock[0] = HOUR + timedelta(minutes=55)
    (entry,) = some_entries(1, by=keeper)
    clock[0] = HOUR + timedelta(hours=1, minutes=6)
    seal()

    (problem,) = stranger()["reconciled"]

    assert str(entry.pk) in problem
    assert "without it" in problem


def test_a_log_rewritten_with_the_stolen_log_key_lacks_the_cosignatures(
    stranger: Stranger, superuser: None
) -> None:
    witnessed = f"witness w {WITNESS.vkey}\nquorum w\n"
    newest = Publication.objects.order_by("-checkpoint__size")[0]
    text = CheckpointBody(LOG, newest.size, newest.root).text
    Publication.objects.filter(pk=newest.pk).update(
        note=newest.note + WITNESS.line(text, in_time())
    )
    assert set(stranger(witnessed)) == {"remarks", "not checked"}

    replace(entry_at(5), rewritten(entry_at(5), {"request_id": "forged"}))
    sign_anew(stolen())

    unwitnessed = stranger()
    assert set(unwitnessed) == {
        "remarks",
        "not checked",
    }  # the attack succeeds where nobody watches
    assert "ML-DSA-44" in unwitnessed["remarks"][0]
    assert "is not met" in stranger(witnessed)["witnesses"][0]


def in_time() -> int:
    return int((HOUR + timedelta(hours=2)).timestamp())


def test_a_log_rewritten_with_the_stolen_log_key_does_not_match_its_token(
    stranger: Stranger, keeper: User, authority: Authority, settings: LazySettings, clock: list[datetime]  # noqa: F811
) -> None:  # fmt: skip
    settings.CREDENCE_TSA_URL, settings.CREDENCE_TSA_ROOTS = authority.url, authority.roots
    clock[0] = datetime.now(UTC)
    timestamp_pass(LOG, by=keeper)
    assert set(stranger(roots=authority.roots)) == {"remarks", "not checked"}

    drop_triggers(*TABLES)
    replace(entry_at(5), rewritten(entry_at(5), {"request_id": "forged"}))
    sign_anew(stolen())

    (problem,) = stranger(roots=authority.roots)["timestamps"]
    assert "The token does not hold" in problem


def test_a_checkpoint_for_a_second_tree_of_one_size(stranger: Stranger, superuser: None) -> None:
    """The regulator kept a head; the bank shows another one of the same size."""
    kept = Publication.objects.order_by("-checkpoint__size")[0].note
    replace(entry_at(5), rewritten(entry_at(5), {"request_id": "forged"}))
    sign_anew(stolen())
    shown = Publication.objects.order_by("-checkpoint__size")[0].note

    policy = verify.parse_policy(trust.policy_text())
    one, other = (verify.read_checkpoint("", n.encode(), policy.keys(LOG)) for n in (kept, shown))

    assert (one.origin, one.size) == (other.origin, other.size)
    assert one.root != other.root


def test_a_log_cut_short(stranger: Stranger, superuser: None) -> None:
    Leaf.objects.filter(index__gte=8).delete()
    assert Leaf.objects.count() == 8

    with pytest.raises(Exception, match="has no tile/0/000"):
        stranger()


def test_silence(stranger: Stranger, keeper: User, clock: list[datetime]) -> None:
    clock[0] = HOUR + timedelta(hours=2)
    write_heartbeat(by=keeper)
    seal()

    assert "was silent 1 times" in stranger()["remarks"][0]


def test_an_entry_whose_clock_ran_ahead_of_the_witness(
    stranger: Stranger, keeper: User, clock: list[datetime]
) -> None:
    clock[0] = HOUR + timedelta(hours=4)
    (entry,) = some_entries(1, by=keeper)
    seal()
    drop_triggers("audit_publication")
    newest = Publication.objects.order_by("-checkpoint__size")[0]
    text = CheckpointBody(LOG, newest.size, newest.root).text
    Publication.objects.filter(pk=newest.pk).update(note=newest.note + WITNESS.line(text, in_time()))  # fmt: skip

    found = stranger(f"witness w {WITNESS.vkey}\nquorum w\n")

    assert any(str(entry.pk) in problem for problem in found["times"])


def test_an_entry_taken_out_of_the_outbox_is_missed_by_the_next_reconciliation(
    stranger: Stranger, keeper: User, clock: list[datetime]
) -> None:
    (entry,) = some_entries(1, by=keeper)
    drop_triggers("audit_outbox")
    Outbox.objects.all().delete()
    assert Outbox.objects.count() == 0
    clock[0] = HOUR + timedelta(hours=1, minutes=5)
    reconcile_due(by=keeper)
    seal()
    assert not Leaf.objects.filter(entry=entry).exists()

    (problem,) = stranger()["reconciled"]

    assert "the log holds 10" in problem


def test_the_superuser_of_these_tests_can_really_change_rows(
    stranger: Stranger, superuser: None
) -> None:
    assert run("UPDATE audit_entry SET request_id = 'x' WHERE origin = %s", LOG) == 12
