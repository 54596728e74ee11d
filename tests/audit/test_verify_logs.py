"""The offline verifier on what joins entries and logs: time, heartbeats, reconciliations, erasures, shards, epochs, scopes."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit import verify
from audit.tiles import encode_bundle
from tests.audit.forge import AT, ORIGIN, Fields, Forge, a_key, tar, write
from tests.audit.test_verify import check, failures

BEGIN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def at(**later: float) -> str:
    return verify.time_text(BEGIN + timedelta(**later))


@pytest.fixture
def forge() -> Forge:
    return Forge().open()


# --- Time ---


def begun(forge: Forge) -> Forge:
    """Entries 0 and 1 at ten o'clock, so that what follows is in order."""
    forge.bodies.clear()
    told = forge.delegation().split("\n")
    forge.add(forge.entry("audit.shard.opened", by_log=True, at=at(), vkey=forge.log_vkey))
    forge.add(
        forge.entry(
            "audit.producer_key.introduced",
            by_log=True,
            at=at(),
            delegation=forge.delegation(),
            vkey=told[1],
            not_before=told[2],
            not_after=told[3],
        )
    )
    return forge


@pytest.mark.parametrize("count", [1, 300, 9_000])
def test_a_backdated_entry_is_named_wherever_it_stands(
    forge: Forge, tmp_path: Path, count: int
) -> None:
    begun(forge)
    for number in range(count):
        forge.add(forge.entry(number=number, at=at(hours=3)))
    index = len(forge.bodies)
    forge.add(forge.entry(backdated=True, at=at(hours=1)))
    forge.add(forge.entry(at=at(hours=3)))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert len(found["times"]) == 1
    assert found["times"][0].startswith(f"entry {index} ")
    assert "It is backdated" in found["times"][0]


def test_what_is_a_few_minutes_out_of_order_is_not_backdated(forge: Forge, tmp_path: Path) -> None:
    begun(forge)
    forge.add(forge.entry(at=at(minutes=50)))
    forge.add(forge.entry(at=at(minutes=1)))

    assert check(forge.bundle(tmp_path), forge.policy).holds


def test_a_date_that_does_not_exist_is_no_time(forge: Forge, tmp_path: Path) -> None:
    forge.add(forge.entry(at="2026-02-30T18:00:00.000000Z"))

    assert "form" in failures(check(forge.bundle(tmp_path), forge.policy))


def test_silence_is_remarked_upon(forge: Forge, tmp_path: Path) -> None:
    begun(forge)
    for minutes in (1, 2, 3, 40, 41):
        forge.add(forge.entry("audit.heartbeat", at=at(minutes=minutes)))

    report = check(forge.bundle(tmp_path), forge.policy)

    assert report.holds
    assert "silent 1 times" in report.remarks[0]
    assert "0:37:00 after 2026-11-20T10:03" in report.remarks[0]


# --- Reconciliation ---


def reconciled(entries: list[bytes], begin: str, until: str) -> Fields:
    """What a reconciliation says of these entries, by the format's own words."""
    ids: dict[str, list[str]] = {}
    for fields in map(json.loads, entries):
        if begin <= fields["occurred_at"] < until:
            ids.setdefault(fields["event"], []).append(fields["id"])
    events = {
        event: {
            "count": len(some),
            "ids_sha256": hashlib.sha256("".join(f"{i}\n" for i in sorted(some)).encode()).hexdigest(),
        }
        for event, some in ids.items()
    }  # fmt: skip
    return {"from": begin, "until": until, "events": events, "records": {}}


def an_hour(forge: Forge, count: int = 20) -> Forge:
    begun(forge)
    for number in range(count):
        event = "audit.heartbeat" if number % 3 else "tests.noted"
        forge.add(forge.entry(event, number=number, at=at(minutes=number * 50 / count)))
    return forge


def add_reconciliation(forge: Forge, told: Fields) -> None:
    forge.add(forge.entry("audit.reconciliation", at=at(hours=1, minutes=5), **told))


def test_a_reconciliation_is_that_of_the_entries(forge: Forge, tmp_path: Path) -> None:
    add_reconciliation(an_hour(forge), reconciled(forge.bodies, at(), at(hours=1)))

    report = check(forge.bundle(tmp_path), forge.policy)

    assert failures(report) == {}
    assert next(c for c in report.checks if c.name == "reconciled").summary.startswith("1 ")


@pytest.mark.parametrize("removed", [3, 4, 21])
def test_an_entry_that_was_removed_before_it_was_sealed_is_missed_by_the_reconciliation(
    forge: Forge, tmp_path: Path, removed: int
) -> None:
    told = reconciled(an_hour(forge).bodies, at(), at(hours=1))
    event = json.loads(forge.bodies.pop(removed))["event"]
    add_reconciliation(forge, told)

    (problem,) = failures(check(forge.bundle(tmp_path), forge.policy))["reconciled"]

    assert problem.startswith("entry 21 ")
    assert event in problem


def test_an_entry_in_the_place_of_another_is_missed_though_the_count_is_the_same(
    forge: Forge, tmp_path: Path
) -> None:
    told = reconciled(an_hour(forge).bodies, at(), at(hours=1))
    swap = json.loads(forge.bodies[5])
    forge.bodies[5] = forge.entry(
        swap["event"], at=swap["occurred_at"], alter=lambda fields: fields.update(id="f" * 36)
    )
    add_reconciliation(forge, told)

    (problem,) = failures(check(forge.bundle(tmp_path), forge.policy))["reconciled"]

    assert "they are others" in problem


def test_an_entry_that_was_put_into_an_hour_already_reconciled_is_named(
    forge: Forge, tmp_path: Path
) -> None:
    add_reconciliation(an_hour(forge), reconciled(forge.bodies, at(), at(hours=1)))
    forge.add(forge.entry(late=True, at=at(minutes=55)))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert found["reconciled"][0].startswith("entry 23 ")
    assert "reconciled by entry 22, without it" in found["reconciled"][0]


@pytest.mark.parametrize(
    "change",
    [{"until": "2026-11-20T11:30:00.000000Z"}, {"from": 5}, {"events": []}, {"until": "2126-11-20T11:00:00.000000Z"}],
)  # fmt: skip
def test_a_reconciliation_of_no_hours_is_refused(
    forge: Forge, tmp_path: Path, change: Fields
) -> None:
    add_reconciliation(an_hour(forge), reconciled(forge.bodies, at(), at(hours=1)) | change)

    assert failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0].startswith("entry 22 ")  # fmt: skip


def test_an_hour_is_reconciled_once_and_one_that_was_left_out_is_remarked_upon(
    forge: Forge, tmp_path: Path
) -> None:
    told = reconciled(an_hour(forge).bodies, at(), at(hours=1))
    later = {"from": at(hours=3), "until": at(hours=4), "events": {}, "records": {}}
    add_reconciliation(forge, told)
    forge.add(forge.entry("audit.reconciliation", at=at(hours=4, minutes=5), **later))
    assert "was not reconciled from" in check(forge.bundle(tmp_path / "a"), forge.policy).remarks[1]

    add_reconciliation(forge, told)
    found = failures(check(forge.bundle(tmp_path / "b"), forge.policy))
    assert any("covers 2026-11-20T10" in problem for problem in found["reconciled"])


# --- Erasures ---


def test_an_entry_under_a_key_that_was_destroyed_before_is_named(
    forge: Forge, tmp_path: Path
) -> None:
    private = {"alg": "A256GCM", "nonce": "AA==", "ct": "AA==", "key_id": "k", "key_commitment": ""}
    forge.add(forge.entry(alter=lambda fields: fields.update(private=private)))
    forge.add(forge.entry("audit.subject.erased", key_ids=["k"]))
    forge.add(forge.entry(alter=lambda fields: fields.update(private=private)))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert [p.split("  ")[0] for p in found["erasures"]] == ["entry 4"]


# --- Shards ---


def two_shards(**told: object) -> tuple[Forge, Forge]:
    """A log of 2025 that was closed, and the one of 2026 that goes on."""
    old = Forge(origin="forged.example/log/2025").open()
    old.add(old.entry("audit.shard.closed", by_log=True, next_origin=ORIGIN))
    previous = {
        "origin": old.origin,
        "size": len(old.bodies),
        "root": old.root().hex(),
        "checkpoint_sha256": hashlib.sha256(old.checkpoint().encode()).hexdigest(),
    }
    new = Forge(log=a_key(21), producer=a_key(22))
    new.add(new.opening(previous=previous | told))
    new.add(new.introduction())
    return old, new


def both(old: Forge, new: Forge, folder: Path) -> Path:
    more = old.files("log/2025/") | {"log/2025/checkpoint": old.checkpoint().encode()}
    return new.bundle(folder, more=more)


def policy_of(*forges: Forge) -> str:
    return "".join(f"log {forge.log_vkey}\n" for forge in forges) + "quorum none\n"


def test_shards_that_link_hold_and_the_bundle_says_so(tmp_path: Path) -> None:
    old, new = two_shards()

    report = check(both(old, new, tmp_path), policy_of(old, new))

    assert failures(report) == {}
    assert [log["origin"] for log in report.logs] == [old.origin, new.origin]
    assert next(c for c in report.checks if c.name == "shards").summary.startswith("2 shards, 1 ")


@pytest.mark.parametrize(
    "told", [{"size": 2}, {"root": "00" * 32}, {"checkpoint_sha256": "00" * 32}, {"origin": 5}]
)
def test_a_shard_that_does_not_begin_where_the_last_one_ended_is_named(
    tmp_path: Path, told: dict[str, object]
) -> None:
    old, new = two_shards(**told)

    assert "shards" in failures(check(both(old, new, tmp_path), policy_of(old, new)))


def test_a_shard_that_was_not_closed_or_went_on_after_it_is_named(tmp_path: Path) -> None:
    old, new = two_shards()
    old.bodies.pop()
    found = failures(check(both(old, new, tmp_path / "a"), policy_of(old, new)))
    assert "does not close it" in found["shards"][0]

    old, new = two_shards()
    old.add(old.entry(after="the end"))
    found = failures(check(both(old, new, tmp_path / "b"), policy_of(old, new)))
    assert "The log was closed by entry 2" in found["signatures"][0]


def test_a_log_that_goes_on_twice_was_forked(tmp_path: Path) -> None:
    old, new = two_shards()
    previous = json.loads(new.bodies[0])["public"]["previous"]
    third = Forge(origin="forged.example/log/2027", log=a_key(31), producer=a_key(32))
    third.add(third.opening(previous=previous))
    third.add(third.introduction())
    more = third.files("log/2027/") | {"log/2027/checkpoint": third.checkpoint().encode()}
    more |= old.files("log/2025/") | {"log/2025/checkpoint": old.checkpoint().encode()}

    found = failures(check(new.bundle(tmp_path, more=more), policy_of(old, new, third)))

    assert "forked" in found["shards"][0]


def test_a_shard_whose_predecessor_is_not_here_says_so(tmp_path: Path) -> None:
    old, new = two_shards()

    report = check(new.bundle(tmp_path), policy_of(old, new))

    assert report.holds
    assert f"{old.origin} is not in this bundle" in " ".join(report.not_checked)


# --- Archives of epochs ---


@pytest.fixture
def long_forge(forge: Forge) -> Forge:
    for number in range(600):
        forge.add(forge.entry(number=number))
    return forge


def test_an_archive_of_epochs_holds_and_its_locks_are_listed_as_not_checked(
    long_forge: Forge, tmp_path: Path
) -> None:
    report = check(long_forge.epochs(tmp_path, [2, 300, 602]), long_forge.policy)

    assert failures(report) == {}
    assert report.logs[0]["size"] == 602
    assert "locked" in " ".join(report.not_checked)


def test_an_epoch_that_is_missing_is_noticed(long_forge: Forge, tmp_path: Path) -> None:
    folder = long_forge.epochs(tmp_path, [2, 300, 602])
    next(folder.rglob("000000000002-*.tar")).unlink()

    found = failures(check(folder, long_forge.policy))

    assert "begins with entry 300, and 2 is the next" in found["epochs"][0]
    assert "tiles" in found


def test_no_byte_of_an_epoch_changes_unseen(forge: Forge, tmp_path: Path) -> None:
    folder = forge.epochs(tmp_path, [2])
    path = next(folder.rglob("000000000000-*.tar"))
    data, unseen = path.read_bytes(), []

    for position in range(0, len(data), 13):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        if check(folder, forge.policy).holds:
            unseen.append(position)

    assert unseen == []


@pytest.mark.parametrize(
    "told", [{"first": 1}, {"tree_size": 3}, {"root": "00" * 32}, {"origin": "x"}, {"schema": "x"}]
)
def test_an_epoch_is_what_its_manifest_says(
    forge: Forge, tmp_path: Path, told: dict[str, object]
) -> None:
    folder = forge.epochs(tmp_path, [2])
    path = next(folder.rglob("*.tar"))
    files = forge.files("") | {f"checkpoints/{2:020d}": forge.checkpoint().encode()}
    right = {"origin": ORIGIN, "first": 0, "last": 1, "tree_size": 2, "root": forge.root().hex()}
    path.write_bytes(tar(files, right))
    assert check(folder, forge.policy).holds

    path.write_bytes(tar(files, right | told))
    assert "epochs" in failures(check(folder, forge.policy))


def test_two_epochs_may_not_hold_different_bytes_of_one_file(
    long_forge: Forge, tmp_path: Path
) -> None:
    folder = long_forge.epochs(tmp_path, [2, 602])
    write(folder, {f"{ORIGIN}/checkpoints/{2:020d}": long_forge.checkpoint(2).encode() + b"x"})

    found = failures(check(folder, long_forge.policy))

    assert "holds other bytes" in found["epochs"][0]


# --- Scoped bundles ---


def test_a_scoped_bundle_holds_and_lists_what_it_leaves_out(
    long_forge: Forge, tmp_path: Path
) -> None:
    report = check(long_forge.scoped(tmp_path, [0, 1, 300, 601]), long_forge.policy)

    assert failures(report) == {}
    assert "598 entries" in report.not_checked[0]
    assert "silences and reconciliations" in " ".join(report.not_checked)


def test_a_chosen_entry_that_was_changed_is_named(long_forge: Forge, tmp_path: Path) -> None:
    original = long_forge.bodies[300]
    policy = long_forge.policy
    folder = tmp_path / "b"
    long_forge.scoped(folder, [0, 1, 300])
    changed = original.replace(b'"number":298', b'"number":999')
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}  # fmt: skip
    held = {n: d for n, d in files.items() if not n.startswith("manifest")}
    long_forge.sealed(folder, held | {"log/2026/chosen/300.json": changed}, "scoped")

    found = failures(check(folder, policy))

    assert found["entries"][0].startswith("entry 300 ")
    assert found["signatures"][0].startswith("entry 300 ")


def test_a_chosen_entry_under_another_index_is_named(long_forge: Forge, tmp_path: Path) -> None:
    long_forge.bodies[300], long_forge.bodies[301] = long_forge.bodies[301], long_forge.bodies[300]
    held = Forge(bodies=list(long_forge.bodies))
    held.bodies[300], held.bodies[301] = held.bodies[301], held.bodies[300]
    folder = held.scoped(tmp_path, [0, 1, 300])
    (folder / "log/2026/chosen/300.json").write_bytes(long_forge.bodies[300])

    found = failures(check(folder, long_forge.policy))

    assert found["entries"][0].startswith("entry 300 ")


@pytest.mark.parametrize("tile", ["tile/0/001", "tile/1/000.p/2", "tile/0/002.p/90"])
def test_a_scoped_bundle_without_a_tile_on_the_path_proves_nothing(
    long_forge: Forge, tmp_path: Path, tile: str
) -> None:
    folder = long_forge.scoped(tmp_path, [0, 1, 300], drop=[f"log/2026/{tile}"])

    assert {"tiles", "entries"} & failures(check(folder, long_forge.policy)).keys()


def test_a_whole_bundle_may_not_leave_entries_out(long_forge: Forge, tmp_path: Path) -> None:
    bundles = [n for n in long_forge.files() if "entries/001" in n]

    found = failures(check(long_forge.bundle(tmp_path, drop=bundles), long_forge.policy))

    assert "is missing" in found["tiles"][0]


def test_a_manifest_that_does_not_say_whether_the_log_is_whole_is_refused(
    forge: Forge, tmp_path: Path
) -> None:
    files = forge.files() | {"log/2026/checkpoint": forge.checkpoint().encode()}

    found = failures(check(forge.sealed(tmp_path, files, "partly"), forge.policy))

    assert "whole or scoped" in found["files"][0]


# --- Worker processes ---


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_finds_the_same(forge: Forge, tmp_path: Path, workers: int) -> None:
    for number in range(20_000):
        forge.add(b'{"number":%d}' % number)
    files = forge.files()
    forge.bodies[9_000] = b"changed"
    files["log/2026/tile/entries/035"] = encode_bundle(forge.bodies[35 * 256 : 36 * 256])
    forge.bodies[9_000] = b'{"number":8998}'

    folder = forge.bundle(tmp_path, more=files)
    report = verify.verify_files(
        verify.open_bundle(folder), "b", forge.policy, crew=verify.Crew(workers)
    )

    counts = {c.name: c.count for c in report.checks if c.count}
    assert counts == {"entries": 1, "form": 20_000}
    assert failures(report)["entries"][0].startswith("entry 9000 ")


def test_a_time_that_is_not_one_of_a_receipt_is_refused() -> None:
    assert not verify.is_time("2026-13-01T00:00:00.000000Z")
    assert verify.is_time(AT)
