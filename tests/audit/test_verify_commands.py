"""The verifier's commands on single proofs and receipts, and its functions on other people's test vectors."""

import base64
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle, verify
from tests.audit.forge import ORIGIN, Forge, a_key
from tests.audit.test_verify import a_decision, run

LEAVES = [verify.leaf_hash(b"entry %d" % i) for i in range(300)]
Vectors = Callable[[str], Any]


@pytest.fixture
def forge() -> Forge:
    forge = Forge().open()
    for number in range(600):
        forge.add(forge.entry(number=number))
    return forge


@pytest.fixture
def files(forge: Forge, tmp_path: Path) -> Path:
    """A folder with the bundle `b`, `policy`, `other` (a policy with another key), `entry` 300, its `decision`."""
    forge.bundle(tmp_path / "b")
    (tmp_path / "policy").write_text(forge.policy)
    (tmp_path / "other").write_text(Forge(log=a_key(9)).policy)
    (tmp_path / "entry").write_bytes(forge.bodies[300])
    (tmp_path / "decision").write_text(json.dumps(a_decision(forge, forge.bodies[300])))
    return tmp_path


def proved(files: Path, entry: object = 300) -> Path:
    done = run("prove", files / "b", entry, "--out", files / "proof")
    assert done.returncode == 0, done.stderr
    return files / "proof"


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 601])
def test_the_proof_of_any_entry_verifies(forge: Forge, files: Path, index: int) -> None:
    proof = proved(files, index)
    (files / "entry").write_bytes(forge.bodies[index])

    done = run("verify-proof", proof, "--entry", files / "entry", "--policy", files / "policy")

    assert done.returncode == 0, done.stdout
    assert f"entry {index} is in the log of 602" in done.stdout


def test_an_entry_is_proved_by_its_identifier_too(forge: Forge, files: Path) -> None:
    by_index = proved(files).read_bytes()

    assert proved(files, json.loads(forge.bodies[300])["id"]).read_bytes() == by_index


def test_an_entry_of_a_scoped_bundle_is_proved(forge: Forge, files: Path) -> None:
    forge.scoped(files / "scoped", [0, 1, 300])
    entry_id = json.loads(forge.bodies[300])["id"]

    done = run("prove", files / "scoped", entry_id, "--out", files / "proof")

    assert done.returncode == 0
    leaf = base64.b64encode(verify.leaf_hash(forge.bodies[300])).decode()
    assert run("verify-proof", files / "proof", "--leaf-hash", leaf, "--policy", files / "policy").returncode == 0  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "words"),
    [("602", "no entry 602"), ("f" * 8 + "-1111-1111-1111-" + "f" * 12, "no log here holds"), ("x", "neither")],
)  # fmt: skip
def test_what_cannot_be_proved_is_said_without_a_traceback(
    files: Path, entry: str, words: str
) -> None:
    done = run("prove", files / "b", entry)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_another_entry_another_key_and_a_quorum_are_refused(forge: Forge, files: Path) -> None:
    proof = proved(files)
    (files / "wrong").write_bytes(forge.bodies[301])
    witness = "witness w witness.example/w+8d5a4e4b+BAAA\nquorum w\n"
    (files / "bad").write_text(forge.policy.replace("quorum none\n", witness))

    wrong = run("verify-proof", proof, "--entry", files / "wrong", "--policy", files / "policy")
    stranger = run("verify-proof", proof, "--entry", files / "entry", "--policy", files / "other")
    bad = run("verify-proof", proof, "--entry", files / "entry", "--policy", files / "bad")

    assert (wrong.returncode, stranger.returncode, bad.returncode) == (1, 1, 1)
    assert "does not lead to the root" in wrong.stdout
    assert "no known key of the log" in stranger.stdout or "no known key signed" in stranger.stdout
    assert "cannot be used" in bad.stderr


def test_without_a_policy_a_proof_says_that_nobodys_signature_was_checked(files: Path) -> None:
    done = run("verify-proof", proved(files), "--entry", files / "entry")

    assert done.returncode == 0
    assert done.stdout.startswith("Trust: NO POLICY WAS GIVEN")
    assert "NOBODY'S SIGNATURE WAS CHECKED" in done.stdout


def test_no_flipped_bit_of_a_proof_goes_unseen(forge: Forge, files: Path) -> None:
    data, policy = proved(files).read_bytes(), verify.parse_policy(forge.policy)
    leaf, unseen = verify.leaf_hash(forge.bodies[300]), []

    for position in range(len(data)):
        spoiled = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        report = verify.Report("proof")
        verify.check_proof(report, spoiled, leaf, policy)
        if report.holds:
            unseen.append(position)

    assert unseen == []


@pytest.mark.parametrize(
    "text",
    [b"", b"x", b"c2sp.org/tlog-proof@v1\n\nx", b"c2sp.org/tlog-proof@v1\nindex 01\n\nx",
     b"c2sp.org/tlog-proof@v1\nindex 1\nAA\n\nx", b"c2sp.org/tlog-proof@v1\nindex -1\n\n"],
)  # fmt: skip
def test_what_is_no_proof_is_refused(text: bytes) -> None:
    with pytest.raises(verify.Broken):
        verify.parse_proof(text)


def test_a_receipt_is_checked_alone_and_with_its_proof(files: Path) -> None:
    alone = run("verify-receipt", files / "decision", "--policy", files / "policy")
    kept = run("verify-receipt", files / "decision", "--policy", files / "policy", "--proof", proved(files))  # fmt: skip
    blind = run("verify-receipt", files / "decision")

    assert (alone.returncode, kept.returncode, blind.returncode) == (0, 0, 0)
    assert "that the log holds the entry" in alone.stdout
    assert "entry 300 is in the log" in kept.stdout
    assert "NO POLICY WAS GIVEN" in blind.stdout


def test_a_receipt_by_a_stranger_or_with_the_proof_of_another_entry_is_refused(
    files: Path,
) -> None:
    stranger = run("verify-receipt", files / "decision", "--policy", files / "other", "--json")
    other = run("verify-receipt", files / "decision", "--policy", files / "policy", "--proof", proved(files, 301))  # fmt: skip

    assert (stranger.returncode, other.returncode) == (1, 1)
    assert not json.loads(stranger.stdout)["holds"]
    assert "does not lead to the root" in other.stdout


@pytest.mark.parametrize("command", [[], ["prove"], ["verify-proof"], ["verify-receipt"]])
def test_every_command_explains_itself(command: list[str]) -> None:
    done = run(*command, "--help")

    assert done.returncode == 0
    assert "--policy" in done.stdout or "--out" in done.stdout


def test_the_network_is_never_asked(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the verifier asked the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refused)

    folder = forge.bundle(tmp_path / "b")
    assert verify.verify_files(verify.open_bundle(folder), "b", forge.policy).holds


# --- Vectors of other implementations, through the verifier's own functions ---


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def test_reference_inclusion_proofs_are_accepted_and_refused_as_they_must(vectors: Vectors) -> None:
    for case in vectors("rfc6962-inclusion")["vectors"]:
        leaf, root = hashes([case["leafHash"], case["root"]])
        arguments = (case["leafIdx"], case["treeSize"], leaf, hashes(case["proof"]), root)
        _expect(case["wantErr"], lambda given=arguments: verify.verify_inclusion(*given))  # type: ignore[misc]


def _expect(refused: bool, work: Callable[[], None]) -> None:
    if not refused:
        work()
        return
    with pytest.raises(verify.Broken):
        work()


def test_reference_notes_open_and_bad_keys_are_refused(vectors: Vectors) -> None:
    reference = vectors("signed-notes")
    for case in reference["notes"]:
        vkeys = case.get("vkeys") or [case["vkey"]]
        note = case["note"]
        for text in vkeys:
            key = verify.parse_vkey(text)
            opened = verify.open_note(note.encode(), [key])
            assert [s.key for s in opened.signatures] == [key]
            for position in range(note.rindex("\n\n")):
                spoiled = note[:position] + chr(ord(note[position]) ^ 1) + note[position + 1 :]
                with pytest.raises(verify.Broken):
                    verify.open_note(spoiled.encode(), [key])
    for text in reference["bad_vkeys"]:
        with pytest.raises(verify.Broken):
            verify.parse_vkey(text)


def test_a_reference_log_of_real_tiles_leads_to_its_root(vectors: Vectors, tmp_path: Path) -> None:
    reference = vectors("tlog-tiles-300")
    for path, data in reference["tiles_base64"].items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(base64.b64decode(data))
    text = verify.split_note(reference["checkpoint"].encode())[0]
    at = verify.parse_checkpoint(text)
    log = verify.Log(verify.Folder(tmp_path), "", [verify.Signed("", *at, b"", (), ())])

    assert verify.frontier_root(log.frontier(log.size)) == log.root


def test_roots_and_proofs_equal_those_of_another_implementation(vectors: Vectors) -> None:
    golden = vectors("tlog-golden")
    leaves = [verify.leaf_hash(b"entry %d" % i) for i in range(70_000)]
    subtree = merkle.subtrees_of(leaves)

    for size, root in golden["roots"].items():
        assert [verify.tree_root(leaves[: int(size)])] == hashes([root])
    for case in golden["inclusion"]:
        assert verify.inclusion_proof(case["I"], case["N"], subtree) == hashes(case["Proof"])
    for key, path in golden["tile_paths_level_index_width"].items():
        assert verify.tile_path(*map(int, key.split("/"))) == path
        assert verify.parse_tile_path(path) == (key.split("/")[0], *map(int, key.split("/")[1:]))


# --- Properties ---


@given(size=st.integers(1, len(LEAVES)), data=st.data())
def test_every_leaf_is_proved_and_no_flipped_bit_is(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = verify.tree_root(LEAVES[:size])
    assert root == recursive_root(LEAVES[:size])
    proof = verify.inclusion_proof(index, size, merkle.subtrees_of(LEAVES))
    verify.verify_inclusion(index, size, LEAVES[index], proof, root)

    parts = [LEAVES[index], root, *proof]
    place = data.draw(st.integers(0, len(parts) - 1))
    spoiled = bytearray(parts[place])
    spoiled[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    leaf, root, *proof = [*parts[:place], bytes(spoiled), *parts[place + 1 :]]
    with pytest.raises(verify.Broken):
        verify.verify_inclusion(index, size, leaf, proof, root)


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return verify.node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537])
def test_the_tiles_of_a_log_of_any_size_lead_to_its_recursive_root(
    tmp_path: Path, size: int
) -> None:
    forge = Forge(bodies=[b"entry %d" % i for i in range(size)])
    folder = forge.archive(tmp_path, [size])
    files, policy = verify.open_bundle(folder), verify.parse_policy(forge.policy)
    opened = verify.check_checkpoints(verify.Report(""), files, f"{ORIGIN}/", policy, False)
    assert opened is not None

    report = verify.Report("tree")
    verify.check_tree(opened[0], report, verify.Crew())

    assert report.holds
    assert opened[0].root == recursive_root([verify.leaf_hash(body) for body in forge.bodies])
    proof, _ = verify.make_proof(files, str(size - 1))
    leaf = verify.leaf_hash(forge.bodies[-1])
    verify.verify_inclusion(size - 1, size, leaf, proof.hashes, opened[0].root)
