"""The offline verifier on logs made by hand: what it accepts, what it names."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit import verify
from audit.merkle import leaf_hash
from audit.tiles import encode_bundle
from tests.audit.forge import AT, ORIGIN, Fields, Forge, a_key

PROGRAM = Path(verify.__file__)


def check(path: Path, policy: str | None = None) -> verify.Report:
    return verify.verify_files(verify.open_bundle(path), str(path), policy)


def failures(report: verify.Report) -> dict[str, list[str]]:
    return {check.name: [str(p) for p in check.problems] for check in report.checks if check.count}


@pytest.fixture
def forge() -> Forge:
    return Forge().open()


@pytest.fixture
def long_forge(forge: Forge) -> Forge:
    for number in range(600):
        forge.add(forge.entry(number=number))
    return forge


@pytest.mark.parametrize("count", [0, 1, 253, 254, 255, 511, 600])
def test_a_bundle_of_any_size_holds(forge: Forge, tmp_path: Path, count: int) -> None:
    for number in range(count):
        forge.add(forge.entry(number=number))

    report = check(forge.bundle(tmp_path), forge.policy)

    assert failures(report) == {}
    assert report.logs[0]["size"] == count + 2


def test_without_a_policy_the_first_line_says_where_trust_comes_from(
    forge: Forge, tmp_path: Path
) -> None:
    report = check(forge.bundle(tmp_path))

    assert report.holds
    assert "from the bundle itself" in report.as_text(color=False).split("\n")[0]
    assert "from the bundle itself" in report.as_json()["trust"]


def test_what_cannot_be_checked_is_said(forge: Forge, tmp_path: Path) -> None:
    items = " ".join(check(forge.bundle(tmp_path)).not_checked)

    assert "RFC 3161" in items
    assert "witness" in items
    assert "receipts" in items


def test_a_policy_with_another_key_refuses_the_whole_bundle(forge: Forge, tmp_path: Path) -> None:
    stranger = Forge(log=a_key(9))

    report = check(forge.bundle(tmp_path), stranger.policy)

    assert set(failures(report)) == {"files", "checkpoint", "log"}


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "quorum none\n",
        "log x\nquorum none\n",
        "log {vkey}\n",
        "log {vkey}\nquorum 2\n",
        "log {vkey}\nquorum none\nquorum none\n",
        "log {vkey}\nwitness w {vkey}\nquorum none\n",
        "log {vkey}\nsomething else\nquorum none\n",
    ],
)
def test_a_policy_that_cannot_be_followed_fails(forge: Forge, tmp_path: Path, policy: str) -> None:
    report = check(forge.bundle(tmp_path), policy.format(vkey=forge.log_vkey))

    assert "policy" in failures(report)


@pytest.mark.parametrize("name", ["log/2026/tile/0/000.p/2", "trust/policy", "log/2026/checkpoint"])
def test_an_altered_a_missing_and_an_extra_file_are_named(
    forge: Forge, tmp_path: Path, name: str
) -> None:
    altered = forge.bundle(tmp_path / "a")
    (altered / name).write_bytes((altered / name).read_bytes() + b"x")
    missing = forge.bundle(tmp_path / "m")
    (missing / name).unlink()
    extra = forge.bundle(tmp_path / "e")
    (extra / f"{name}2").write_bytes(b"")

    for folder, words in [(altered, "was changed"), (missing, "is missing")]:
        assert any(name in p and words in p for p in failures(check(folder, forge.policy))["files"])
    assert failures(check(extra, forge.policy))["files"] == [
        f"{name}2: The file is not in the manifest."
    ]


@pytest.mark.parametrize(
    "gone", [["manifest.json"], ["manifest.note"], ["manifest.json", "manifest.note"]]
)
def test_a_bundle_without_its_manifest_is_no_bundle(
    forge: Forge, tmp_path: Path, gone: list[str]
) -> None:
    folder = forge.bundle(tmp_path)
    for name in gone:
        (folder / name).unlink()

    assert "files" in failures(check(folder, forge.policy))


def test_a_manifest_by_another_key_is_refused(forge: Forge, tmp_path: Path) -> None:
    folder = forge.bundle(tmp_path)
    note = (folder / "manifest.note").read_text()
    (folder / "manifest.note").write_text(forge.note(note.split("\n\n")[0] + "\n", a_key(9)))

    assert failures(check(folder, forge.policy))["files"]


def test_a_changed_entry_is_named_by_index_id_event_and_file(
    long_forge: Forge, tmp_path: Path
) -> None:
    files = long_forge.files()
    bodies = list(long_forge.bodies)
    bodies[300] = bodies[300].replace(b'"number":298', b'"number":999')
    files["log/2026/tile/entries/001"] = encode_bundle(bodies[256:512])

    found = failures(check(long_forge.bundle(tmp_path, more=files), long_forge.policy))

    entry = json.loads(long_forge.bodies[300])
    assert found["entries"] == [
        f"entry 300  {entry['id']}  tests.noted  log/2026/tile/entries/001: "
        "The entry was changed: it does not hash to its leaf in log/2026/tile/0/001."
    ]
    assert "entry 300" in found["signatures"][0]


@pytest.mark.parametrize("tile", ["tile/0/001", "tile/0/002.p/90"])
def test_a_changed_hash_is_laid_to_the_tile_and_not_to_the_entry(
    long_forge: Forge, tmp_path: Path, tile: str
) -> None:
    files = long_forge.files()
    data = bytearray(files[f"log/2026/{tile}"])
    data[32 * 7] ^= 1
    files[f"log/2026/{tile}"] = bytes(data)

    found = failures(check(long_forge.bundle(tmp_path, more=files), long_forge.policy))

    assert (
        f"log/2026/{tile}: The hash of this entry in the tile was changed." in found["entries"][0]
    )
    assert set(found) == {"tiles", "entries"}


def test_a_changed_upper_tile_is_found(long_forge: Forge, tmp_path: Path) -> None:
    files = long_forge.files()
    data = bytearray(files["log/2026/tile/1/000.p/2"])
    data[40] ^= 1
    files["log/2026/tile/1/000.p/2"] = bytes(data)

    found = failures(check(long_forge.bundle(tmp_path, more=files), long_forge.policy))

    assert any("log/2026/tile/0/001" in problem for problem in found["tiles"])
    assert any("signed at size 602" in problem for problem in found["tiles"])


def test_entries_that_changed_places_are_named(forge: Forge, tmp_path: Path) -> None:
    for number in range(5):
        forge.add(forge.entry(number=number))
    swapped = [*forge.bodies[:3], forge.bodies[4], forge.bodies[3], *forge.bodies[5:]]
    more = {"log/2026/tile/entries/000.p/7": encode_bundle(swapped)}

    found = failures(check(forge.bundle(tmp_path, more=more), forge.policy))

    assert [p.split("  ")[0] for p in found["entries"]] == ["entry 3", "entry 4"]


def test_an_entry_that_was_cut_out_is_noticed(forge: Forge, tmp_path: Path) -> None:
    forge.add(forge.entry())
    more = {"log/2026/tile/entries/000.p/3": encode_bundle(forge.bodies[:2])}

    found = failures(check(forge.bundle(tmp_path, more=more), forge.policy))

    assert "holds 2 entries, not 3" in found["entries"][0]


def test_a_log_that_was_cut_short_does_not_reach_its_checkpoint(
    forge: Forge, tmp_path: Path
) -> None:
    forge.add(forge.entry())
    shorter = {**forge.files(size=2), "log/2026/checkpoint": forge.checkpoint().encode()}
    full = tuple(forge.files())

    found = failures(check(forge.bundle(tmp_path, more=shorter, drop=full[:1]), forge.policy))

    assert any("is missing" in problem for problem in found["tiles"])


def test_a_tree_that_was_written_anew_does_not_match_the_signed_root(
    forge: Forge, tmp_path: Path
) -> None:
    forge.add(forge.entry())
    signed = forge.checkpoint().encode()
    forge.bodies[2] = forge.entry(invented=True)

    found = failures(
        check(forge.bundle(tmp_path, more={"log/2026/checkpoint": signed}), forge.policy)
    )

    assert "do not lead to the root that was signed" in found["tiles"][0]


def altered(change: str) -> dict[str, object]:
    """Ways in which a properly signed entry is still wrong."""
    changes: dict[str, dict[str, object]] = {
        "schema": {"schema": "credence-entry/2"},
        "origin": {"origin": "other.example/log"},
        "time": {"occurred_at": "2026-11-20 18:00"},
        "float": {"public": {"pd": 0.5}},
        "large": {"public": {"n": 2**53}},
        "key": {"public": {"schlüssel": 1}},
        "extra": {"comment": "x"},
        "type": {"subject": "x"},
        "private": {"private": {"alg": "none"}},
        "cipher": {
            "private": {"alg": "none", "nonce": "", "ct": "", "key_id": "", "key_commitment": ""}
        },
    }
    return changes[change]


@pytest.mark.parametrize(
    "change",
    ["schema", "origin", "time", "float", "large", "key", "extra", "type", "private", "cipher"],
)
def test_an_entry_of_another_form_is_refused_though_it_is_signed(
    forge: Forge, tmp_path: Path, change: str
) -> None:
    forge.add(forge.entry(alter=lambda fields: fields.update(altered(change))))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert set(found) == {"form"}
    assert found["form"][0].startswith("entry 2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":"\xed\xa0\x80"}',
        b"[" * 60_000,
    ],
)
def test_bytes_that_are_no_entry_are_refused(forge: Forge, tmp_path: Path, body: bytes) -> None:
    forge.add(body)

    assert set(failures(check(forge.bundle(tmp_path), forge.policy))) == {"form"}


def test_an_entry_by_a_key_that_was_never_introduced_is_refused(
    forge: Forge, tmp_path: Path
) -> None:
    stranger = Forge(producer=a_key(7))
    forge.add(stranger.entry())
    forge.add(stranger.entry(again=True))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert "No earlier entry introduced its key" in found["signatures"][0]


def test_a_key_may_not_be_used_before_its_introduction(tmp_path: Path) -> None:
    forge = Forge()
    forge.add(forge.entry("audit.shard.opened", by_log=True, vkey=forge.log_vkey))
    forge.add(forge.entry())
    forge.add(forge.introduction())

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert found["signatures"][0].startswith("entry 1")


@pytest.mark.parametrize("at", ["2026-10-31T23:59:59.999999Z", "2026-12-01T00:00:00.000001Z"])
def test_an_entry_outside_of_its_keys_time_is_refused(
    forge: Forge, tmp_path: Path, at: str
) -> None:
    forge.add(forge.entry(alter=lambda fields: fields.update(occurred_at=at)))

    assert "validity" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


def test_an_entry_signed_by_another_than_it_names_is_refused(forge: Forge, tmp_path: Path) -> None:
    forge.add(forge.entry(key=a_key(7)))

    assert "signature" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


def test_the_log_key_signs_no_ordinary_entry(forge: Forge, tmp_path: Path) -> None:
    forge.add(forge.entry(by_log=True))

    assert "signatures" in failures(check(forge.bundle(tmp_path), forge.policy))


def test_a_log_that_its_own_key_did_not_open_is_refused(tmp_path: Path) -> None:
    forge = Forge()
    forge.add(forge.introduction())
    forge.add(forge.entry())

    assert "entry 0" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


def test_a_log_is_opened_once(forge: Forge, tmp_path: Path) -> None:
    forge.add(forge.entry("audit.shard.opened", by_log=True, vkey=forge.log_vkey))

    assert "entry 2" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


@pytest.mark.parametrize("told", [{"vkey": "x"}, {"not_after": "2030-01-01T00:00:00.000000Z"}])
def test_an_introduction_says_what_its_delegation_says(
    forge: Forge, tmp_path: Path, told: dict[str, str]
) -> None:
    forge.add(forge.introduction(**told))

    assert "entry 2" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


def test_a_delegation_by_another_key_introduces_nothing(forge: Forge, tmp_path: Path) -> None:
    forged = Forge(log=a_key(9)).delegation()
    forge.add(forge.introduction(forged))

    assert "delegation" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


def test_a_delegation_the_log_never_introduced_is_named(forge: Forge, tmp_path: Path) -> None:
    other = Forge(producer=a_key(7)).delegation()
    more = {"trust/delegations/00000000.note": other.encode()}

    found = failures(check(forge.bundle(tmp_path, more=more), forge.policy))

    assert found == {
        "keys": ["trust/delegations/00000000.note: The log never introduced this key."]
    }


def test_an_archive_folder_holds_at_every_checkpoint(long_forge: Forge, tmp_path: Path) -> None:
    report = check(long_forge.archive(tmp_path, [2, 100, 256, 257, 602]), long_forge.policy)

    assert failures(report) == {}


def test_an_older_partial_tile_must_be_the_beginning_of_its_successor(
    long_forge: Forge, tmp_path: Path
) -> None:
    folder = long_forge.archive(tmp_path, [100, 602])
    path = folder / ORIGIN / "tile/entries/000.p/100"
    path.write_bytes(path.read_bytes()[:-1] + b"]")

    found = failures(check(folder, long_forge.policy))

    assert "differs from the larger one" in found["tiles"][0]


def test_an_older_checkpoint_that_the_tree_does_not_grow_from_is_a_fork(
    long_forge: Forge, tmp_path: Path
) -> None:
    other = Forge().open()
    for number in range(98):
        other.add(other.entry(other=number))
    folder = long_forge.archive(tmp_path, [602])
    checkpoint = folder / ORIGIN / f"checkpoints/{100:020d}"
    checkpoint.write_text(other.checkpoint())

    assert "signed at size 100" in failures(check(folder, long_forge.policy))["tiles"][0]


def test_two_roots_for_one_size_are_a_fork(forge: Forge, tmp_path: Path) -> None:
    other = Forge().open()
    other.bodies[1] = other.entry()
    folder = forge.archive(tmp_path, [2])
    (folder / ORIGIN / f"checkpoints/{3:020d}").write_text(other.checkpoint())

    assert "forked" in failures(check(folder, forge.policy))["checkpoint"][0]


def test_a_file_that_is_no_part_of_the_archive_is_named(forge: Forge, tmp_path: Path) -> None:
    folder = forge.archive(tmp_path, [2])
    (folder / ORIGIN / "tile/0/005").write_bytes(b"")
    (folder / "stray").write_bytes(b"")

    found = failures(check(folder, forge.policy))

    assert "stray" in found["files"][0]
    assert "tile/0/005" in found["tiles"][0]


def test_an_empty_folder_and_a_file_that_is_no_zip_do_not_hold(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    (tmp_path / "empty").mkdir()

    assert not check(tmp_path / "empty").holds
    with pytest.raises(verify.Broken, match="cannot be read as a folder or a zip"):
        check(tmp_path / "no.zip")


def test_a_link_in_a_folder_is_not_followed(forge: Forge, tmp_path: Path) -> None:
    folder = forge.bundle(tmp_path / "b")
    policy = folder / "trust/policy"
    policy.rename(tmp_path / "elsewhere")
    policy.symlink_to(tmp_path / "elsewhere")

    assert "trust/policy" in failures(check(folder, forge.policy))["files"][0]


def a_decision(forge: Forge, body: bytes, **receipt: str) -> Fields:
    """A decision as the service answers it, with its receipt."""
    leaf = base64.b64encode(leaf_hash(body)).decode()
    entry_id = json.loads(body)["id"]
    message = f"credence-receipt/v1\n{ORIGIN}\n{entry_id}\n{leaf}\n{AT}\n".encode()
    promised = {
        "entry_id": entry_id,
        "leaf_hash": leaf,
        "key_id": "+".join(forge.producer_vkey.split("+")[:2]),
        "signature": base64.b64encode(forge.producer.sign(message)).decode(),
        "delegation": forge.delegation(),
    }
    return {"decision_id": "d", "decided_at": AT, "receipt": promised | receipt}


def receipts(forge: Forge, folder: Path, answer: Fields) -> list[str]:
    files = verify.open_bundle(forge.bundle(folder))
    report = verify.verify_files(files, "bundle", forge.policy, {Path("answer.json"): answer})
    return failures(report).get("receipts", [])


def test_a_receipt_is_good_where_its_entry_is_in_the_log(forge: Forge, tmp_path: Path) -> None:
    body = forge.add(forge.entry())

    assert receipts(forge, tmp_path, a_decision(forge, body)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entry_id": "another"}, "signature of the receipt"),
        ({"leaf_hash": "A" * 43 + "="}, "signature of the receipt"),
        ({"signature": "A" * 86 + "=="}, "signature of the receipt"),
        ({"key_id": "another"}, "was not delegated to"),
        ({"delegation": "none"}, "delegation"),
        ({"delegation": Forge(log=a_key(9)).delegation()}, "delegation"),
    ],
)
def test_a_receipt_that_was_altered_is_refused(
    forge: Forge, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    body = forge.add(forge.entry())

    (problem,) = receipts(forge, tmp_path, a_decision(forge, body, **change))

    assert words in problem


def test_a_receipt_for_a_decision_that_the_log_does_not_hold_is_proof_against_the_bank(
    forge: Forge, tmp_path: Path
) -> None:
    promised = forge.entry(decided=1)
    assert "is not there" in receipts(forge, tmp_path / "a", a_decision(forge, promised))[0]

    forge.add(forge.entry(decided=2))  # the same identifier, other content
    assert "not the one that was promised" in receipts(
        forge, tmp_path / "b", a_decision(forge, promised)
    )[0]  # fmt: skip


def test_a_second_entry_under_the_identifier_of_a_receipt_is_named(
    forge: Forge, tmp_path: Path
) -> None:
    body = forge.entry(decided=1)
    forge.add(body)
    forge.add(body)
    files = verify.open_bundle(forge.bundle(tmp_path))

    answers = {Path("answer.json"): a_decision(forge, body)}
    report = verify.verify_files(files, "bundle", forge.policy, answers)

    assert failures(report)["form"][0].startswith("entry 3")


def test_a_receipt_from_outside_of_its_keys_time_is_refused(forge: Forge, tmp_path: Path) -> None:
    body = forge.add(forge.entry())
    answer = a_decision(forge, body) | {"decided_at": "2027-01-01T00:00:00.000000Z"}

    assert "was not delegated to" in receipts(forge, tmp_path, answer)[0]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    # Isolated: nothing of ours is importable, as on a stranger's machine.
    command = [sys.executable, "-I", str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_program_ends_with_zero_only_where_everything_holds(
    forge: Forge, tmp_path: Path
) -> None:
    folder = forge.bundle(tmp_path / "b")
    policy = tmp_path / "policy"
    policy.write_text(forge.policy)

    good = run(folder, "--policy", policy)
    bundle = folder / "log/2026/tile/entries/000.p/2"
    bundle.write_bytes(bundle.read_bytes().replace(b"keeper", b"keaper"))
    bad = run(folder, "--policy", policy, "--json")

    assert good.returncode == 0
    assert "Everything that was checked holds." in good.stdout
    assert bad.returncode == 1
    report = json.loads(bad.stdout)
    assert not report["holds"]
    entries = next(check for check in report["checks"] if check["name"] == "entries")
    assert [problem["index"] for problem in entries["shown"]] == [0, 1]


@pytest.mark.parametrize(
    "arguments", [["nowhere"], [".", "--policy", "nowhere"], [".", "--receipt", "nowhere"]]
)
def test_what_cannot_be_read_ends_with_one(arguments: list[str], tmp_path: Path) -> None:
    done = run(*(tmp_path / a if a in {".", "nowhere"} else a for a in arguments))

    assert done.returncode == 1
    assert "cannot be read" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_verifier_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    names = "import sys, runpy; runpy.run_path(sys.argv[1]); print('\\n'.join(sys.modules))"
    command = [sys.executable, "-I", "-c", names, str(PROGRAM)]
    loaded = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    ours = {"audit", "registry", "django", "rest_framework", "numpy"}
    assert not {name.split(".")[0] for name in loaded.split()} & ours


def test_the_time_of_the_forged_entries_lies_within_their_delegation() -> None:
    fields: Fields = json.loads(Forge().entry())

    assert fields["occurred_at"] == AT
