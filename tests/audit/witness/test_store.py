"""What a witness vouches for, and what it keeps before it says so."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.merkle import EMPTY_ROOT
from audit.notes import NoteSigner, open_note, parse_vkey, sign_note
from audit.tiles import CheckpointBody, parse_checkpoint
from audit.witness.protocol import (
    AddCheckpoint,
    Inconsistent,
    MalformedRequest,
    NotCosigned,
    OtherSize,
    UnknownLog,
    UntrustedSignature,
    known_lines,
    monitor_name,
    parse_request,
)
from audit.witness.store import WitnessExists, WitnessStore, WitnessUnusable, make_witness
from tests.audit.conftest import vectors as vectors
from tests.audit.witness.conftest import ORIGIN, GrowingLog


def remembered(store: WitnessStore) -> int:
    note = store.checkpoint(monitor_name(ORIGIN))
    return parse_checkpoint(note.decode().rpartition("\n\n")[0] + "\n").size if note else 0


def test_a_first_checkpoint_is_cosigned_from_size_zero(
    store: WitnessStore, grown: GrowingLog
) -> None:
    lines = store.cosign(grown.request(0, 7))

    opened = open_note(grown.checkpoint(7) + lines, [parse_vkey(store.vkeys[0])])
    assert parse_checkpoint(opened.text) == grown.body(7)
    assert opened.signatures[0].time is not None
    assert remembered(store) == 7


def test_growth_is_cosigned_and_so_is_the_same_checkpoint_again(
    store: WitnessStore, grown: GrowingLog
) -> None:
    for old, new in ((0, 7), (7, 8), (8, 64), (64, 64), (64, 80)):
        assert store.cosign(grown.request(old, new)).startswith("— witness.example/w1 ")

    assert remembered(store) == 80


@pytest.mark.parametrize("old", [0, 6, 8, 9])
def test_another_old_size_is_answered_with_the_size_that_was_cosigned_last(
    store: WitnessStore, grown: GrowingLog, old: int
) -> None:
    store.cosign(grown.request(0, 7))

    with pytest.raises(OtherSize) as refused:
        store.cosign(grown.request(old, 9))

    assert (refused.value.size, refused.value.body) == (7, "7\n")
    assert remembered(store) == 7


def test_a_log_that_went_back_is_told_what_was_cosigned_last(
    store: WitnessStore, grown: GrowingLog
) -> None:
    store.cosign(grown.request(0, 9))

    with pytest.raises(OtherSize, match="9"):
        store.cosign(grown.request(5, 7))
    with pytest.raises(MalformedRequest, match="larger"):
        store.cosign(AddCheckpoint(9, (), grown.checkpoint(7)))

    assert remembered(store) == 9


def test_another_tree_of_the_same_size_is_never_cosigned(
    store: WitnessStore, grown: GrowingLog
) -> None:
    store.cosign(grown.request(0, 9))

    with pytest.raises(Inconsistent):
        store.cosign(GrowingLog(differs_from=8).request(9, 9))


def test_a_tree_that_does_not_begin_with_what_was_cosigned_is_refused(
    store: WitnessStore, grown: GrowingLog
) -> None:
    store.cosign(grown.request(0, 9))

    with pytest.raises(Inconsistent):
        store.cosign(GrowingLog(differs_from=3).request(9, 40))

    assert remembered(store) == 9
    store.cosign(grown.request(9, 40))


def test_every_changed_bit_of_a_proof_is_refused(store: WitnessStore, grown: GrowingLog) -> None:
    store.cosign(grown.request(0, 9))
    good = grown.request(9, 40)

    for place, one in enumerate(good.proof):
        for bit in range(0, 256, 17):
            changed = bytearray(one)
            changed[bit // 8] ^= 1 << bit % 8
            proof = (*good.proof[:place], bytes(changed), *good.proof[place + 1 :])
            with pytest.raises(Inconsistent):
                store.cosign(AddCheckpoint(9, proof, good.note))
    for proof in ((), good.proof[:-1], (*good.proof, good.proof[0])):
        with pytest.raises(Inconsistent):
            store.cosign(AddCheckpoint(9, proof, good.note))


def test_a_proof_from_nothing_proves_nothing(store: WitnessStore, grown: GrowingLog) -> None:
    with pytest.raises(Inconsistent, match="size 0"):
        store.cosign(AddCheckpoint(0, (bytes(32),), grown.checkpoint(7)))


@pytest.mark.parametrize(("root", "cosigned"), [(EMPTY_ROOT, True), (bytes(32), False)])
def test_the_empty_tree_has_one_root(
    store: WitnessStore, grown: GrowingLog, root: bytes, cosigned: bool
) -> None:
    note = sign_note(CheckpointBody(ORIGIN, 0, root).text, [grown.signer])

    if cosigned:
        store.cosign(AddCheckpoint(0, (), note))
        store.cosign(grown.request(0, 7))
    else:
        with pytest.raises(Inconsistent, match="empty tree"):
            store.cosign(AddCheckpoint(0, (), note))


def test_a_log_that_it_was_not_told_to_watch_is_unknown(store: WitnessStore) -> None:
    stranger = NoteSigner("other.example", Ed25519PrivateKey.generate())
    note = sign_note(CheckpointBody("other.example", 3, bytes(32)).text, [stranger])

    with pytest.raises(UnknownLog):
        store.cosign(AddCheckpoint(0, (), note))


def test_a_checkpoint_that_no_trusted_key_signed_is_forbidden(
    store: WitnessStore, grown: GrowingLog
) -> None:
    other = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    unsigned = sign_note(grown.body(7).text, [other])
    line = grown.checkpoint(7).rpartition("\n\n")[2]
    bad = f"{grown.body(8).text}\n{line}"

    for note in (unsigned, bad):
        with pytest.raises(UntrustedSignature):
            store.cosign(AddCheckpoint(0, (), note))
    assert remembered(store) == 0


def test_signatures_of_strangers_are_neither_minded_nor_kept(
    store: WitnessStore, grown: GrowingLog
) -> None:
    """Else anyone could put a line under our name into what we keep, and what we keep would no longer verify."""
    ours = parse_vkey(store.vkeys[0])
    forged = base64.b64encode(ours.key_id + bytes(72)).decode()
    line = f"— {ours.name} {forged}\n"

    store.cosign(AddCheckpoint(0, (), grown.checkpoint(7) + line))

    kept = store.checkpoint(monitor_name(ORIGIN))
    assert forged not in (kept or b"").decode()
    store.cosign(grown.request(7, 9))


def test_extension_lines_are_not_cosigned(store: WitnessStore, grown: GrowingLog) -> None:
    note = sign_note(grown.body(7).text + "an extension\n", [grown.signer])

    with pytest.raises(MalformedRequest, match="three lines"):
        store.cosign(AddCheckpoint(0, (), note))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 0\n\nno checkpoint\n",
        b"old 0 \n\n{note}",
        b"old 00\n\n{note}",
        b"old +1\n\n{note}",
        b"old -1\n\n{note}",
        b"old 1_0\n\n{note}",
        b"old \xd9\xa1\n\n{note}",
        b"OLD 0\n\n{note}",
        b"old 0\r\n\r\n{note}",
        b"0\n\n{note}",
        b"old 0\nAAAA\n\n{note}",
        b"old 0\n" + base64.b64encode(bytes(33)) + b"\n\n{note}",
        b"old 0\n" + base64.b64encode(bytes(32))[:-1] + b"\n\n{note}",
        b"old 0\n" + base64.b64encode(bytes(31) + b"\x01")[:-2] + b"R=\n\n{note}",
        b"old 7\n" + 64 * (base64.b64encode(bytes(32)) + b"\n") + b"\n{note}",
        b"old 0\n\n{note}\xff",
        b"old 9\n\n{note}",
        b"old 0\n\n{note}" + b"x" * 300_000,
    ],
)
def test_what_is_no_request_is_refused(store: WitnessStore, grown: GrowingLog, body: bytes) -> None:
    whole = body.replace(b"{note}", grown.checkpoint(7).encode())

    with pytest.raises(MalformedRequest):
        store.cosign(parse_request(whole))

    assert remembered(store) == 0


def test_a_request_is_read_as_it_was_written(grown: GrowingLog) -> None:
    request = grown.request(9, 40)

    assert parse_request(request.encode()) == request


def test_of_requests_that_race_none_takes_the_witness_back(
    store: WitnessStore, grown: GrowingLog
) -> None:
    """Size N and size N+K at once: whichever is second is told, and what is kept only ever grows."""
    store.cosign(grown.request(0, 10))

    def attempt(new: int) -> int | None:
        try:
            store.cosign(grown.request(10, new))
        except OtherSize:
            return None
        return new

    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            cosigned = [new for new in pool.map(attempt, [11, 60] * 4) if new]
        assert len(cosigned) == 1
        assert remembered(store) == cosigned[0]
        (store._path(monitor_name(ORIGIN))).unlink()
        store.cosign(grown.request(0, 10))


def test_two_processes_on_one_folder_share_their_memory(
    store: WitnessStore, grown: GrowingLog
) -> None:
    other = WitnessStore(store._folder, [grown.verifier])
    store.cosign(grown.request(0, 10))

    with pytest.raises(OtherSize):
        other.cosign(grown.request(0, 10))


def test_a_damaged_memory_is_never_taken_for_none(store: WitnessStore, grown: GrowingLog) -> None:
    store.cosign(grown.request(0, 10))
    path = store._path(monitor_name(ORIGIN))
    good = path.read_text()

    for bad in ("", good[:40], good.replace("\n10\n", "\n9\n"), grown.checkpoint(10)):
        path.write_text(bad)
        with pytest.raises(WitnessUnusable, match="Restore it"):
            store.cosign(grown.request(0, 12))


def test_a_witness_may_cosign_with_two_keys(tmp_path: Path, grown: GrowingLog) -> None:
    vkeys = make_witness(tmp_path / "w", "witness.example/w2", ml_dsa=True)
    store = WitnessStore(tmp_path / "w", [grown.verifier])

    lines = store.cosign(grown.request(0, 7))

    opened = open_note(grown.checkpoint(7) + lines, [parse_vkey(vkey) for vkey in vkeys])
    assert [signature.kind for signature in opened.signatures] == [4, 6]
    assert store.vkeys == vkeys
    store.cosign(grown.request(7, 9))


def test_keys_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    make_witness(tmp_path, "witness.example")

    with pytest.raises(WitnessExists):
        make_witness(tmp_path, "witness.example")
    assert (tmp_path / "witness.key").stat().st_mode & 0o777 == 0o600


def test_without_its_own_keys_a_folder_is_no_witness(tmp_path: Path, grown: GrowingLog) -> None:
    with pytest.raises(WitnessUnusable, match="witness init"):
        WitnessStore(tmp_path, [grown.verifier])
    make_witness(tmp_path / "a", "witness.example")
    make_witness(tmp_path / "b", "witness.example")
    (tmp_path / "a" / "witness.key").write_bytes((tmp_path / "b" / "witness.key").read_bytes())
    with pytest.raises(WitnessUnusable, match="not those"):
        WitnessStore(tmp_path / "a", [grown.verifier])
    with pytest.raises(WitnessUnusable, match="at least one log"):
        WitnessStore(tmp_path / "b", [])


def test_the_cosigned_checkpoints_of_another_implementation_are_read_as_ours_are(
    vectors: Callable[[str], Any],
) -> None:
    cases = [case for case in vectors("signed-notes")["notes"] if case["type"] == 4]

    for case in cases:
        text, _, lines = case["note"].rpartition("\n\n")
        (signature,) = known_lines(
            text + "\n", lines.splitlines(), [parse_vkey(case["vkey"])]
        ).values()
        body = parse_checkpoint(text + "\n")
        assert (signature.kind, signature.time is not None) == (4, True)
        assert monitor_name(body.origin) in case["source"]
    assert len(cases) == 3


def test_every_refusal_has_its_status() -> None:
    found = {reason.__name__: reason.status for reason in NotCosigned.__subclasses__()}

    assert found == {
        "MalformedRequest": 400,
        "UntrustedSignature": 403,
        "UnknownLog": 404,
        "OtherSize": 409,
        "Inconsistent": 422,
    }
