"""What the signer remembers, and what it therefore refuses."""

import json
from pathlib import Path

import pytest

from audit import keys
from audit.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, subtrees_of, tree_root
from audit.notes import open_note, parse_vkey
from audit.signer import LogSigner, SignerStateMissing, TreeRewritten, TreeShrank, log_signer
from audit.tiles import CheckpointBody

LEAVES = [leaf_hash(b"%d" % n) for n in range(40)]


def body(origin: str, size: int, leaves: list[bytes] = LEAVES) -> CheckpointBody:
    return CheckpointBody(origin, size, tree_root(leaves[:size]))


def growth(old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, subtrees_of(LEAVES))


@pytest.fixture
def signer(log: str) -> LogSigner:
    signer = log_signer()
    signer.sign(body(log, 7), [])
    return signer


def state_file(signer: LogSigner) -> Path:
    return signer._state


def test_a_new_log_has_signed_nothing(log: str) -> None:
    assert log_signer().last() == CheckpointBody(log, 0, EMPTY_ROOT)


def test_a_tree_that_grew_is_signed_and_remembered(log: str, signer: LogSigner) -> None:
    note = signer.sign(body(log, 20), growth(7, 20))

    for vkey in keys.log_vkeys():
        assert open_note(note, [parse_vkey(vkey)]).text == body(log, 20).text
    assert signer.last() == log_signer().last() == body(log, 20)


def test_the_same_tree_may_be_signed_again(log: str, signer: LogSigner) -> None:
    first, second = signer.sign(body(log, 7), []), signer.sign(body(log, 7), [])

    assert first.splitlines()[:5] == second.splitlines()[:5]  # the ML-DSA line states its time


def test_a_smaller_tree_is_refused(log: str, signer: LogSigner) -> None:
    with pytest.raises(TreeShrank):
        signer.sign(body(log, 6), [])

    assert signer.last() == body(log, 7)


def test_another_tree_of_the_same_size_is_refused(log: str, signer: LogSigner) -> None:
    with pytest.raises(TreeRewritten):
        signer.sign(body(log, 7, LEAVES[1:]), [])


@pytest.mark.parametrize("proof", [[], [bytes(32)] * 4])
def test_growth_without_its_proof_is_refused(
    log: str, signer: LogSigner, proof: list[bytes]
) -> None:
    with pytest.raises(TreeRewritten):
        signer.sign(body(log, 20), proof)

    assert signer.last() == body(log, 7)


def test_a_larger_tree_with_another_beginning_is_refused(log: str, signer: LogSigner) -> None:
    other = [*LEAVES[:3], leaf_hash(b"invented"), *LEAVES[4:]]
    proof = consistency_proof(7, 20, subtrees_of(other))

    with pytest.raises(TreeRewritten):
        signer.sign(body(log, 20, other), proof)


def test_another_origin_is_refused(signer: LogSigner) -> None:
    with pytest.raises(TreeRewritten):
        signer.sign(body("other.example/log", 20), growth(7, 20))


def test_a_signer_that_lost_its_memory_signs_nothing(log: str, signer: LogSigner) -> None:
    state_file(signer).unlink()

    with pytest.raises(SignerStateMissing):
        signer.sign(body(log, 20), growth(7, 20))


@pytest.mark.parametrize("state", ["", "{", '{"origin": "o"}', "[]"])
def test_a_memory_that_cannot_be_read_is_no_memory(log: str, signer: LogSigner, state: str) -> None:
    state_file(signer).write_text(state)

    with pytest.raises(SignerStateMissing):
        signer.sign(body(log, 20), growth(7, 20))


def test_a_memory_is_not_begun_twice(log: str, signer: LogSigner) -> None:
    with pytest.raises(FileExistsError):
        signer.begin()


def test_what_is_remembered_is_on_disk_before_the_signature_is_released(
    log: str, signer: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("audit.signer.notes.sign_note", crash)
    with pytest.raises(KeyboardInterrupt):
        signer.sign(body(log, 20), growth(7, 20))

    assert json.loads(state_file(signer).read_text())["size"] == 20
