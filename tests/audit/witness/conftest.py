"""A log in memory, and witnesses that watch it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.merkle import CompactRange, consistency_proof, leaf_hash, subtrees_of
from audit.notes import NoteSigner, Verifier, parse_vkey, sign_note
from audit.tiles import CheckpointBody
from audit.witness.protocol import AddCheckpoint
from audit.witness.server import WitnessServer
from audit.witness.store import WitnessStore, make_witness

ORIGIN = "log.example/2026"


class GrowingLog:
    """A log of many entries that can show any of its states, and be another one from some entry on."""

    def __init__(self, size: int = 80, *, differs_from: int | None = None) -> None:
        self.signer = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
        other = size if differs_from is None else differs_from
        self._leaves = [leaf_hash(b"%d %s" % (n, b"x" * (n >= other))) for n in range(size)]

    @property
    def verifier(self) -> Verifier:
        return parse_vkey(self.signer.vkey)

    def body(self, size: int) -> CheckpointBody:
        tree = CompactRange()
        for leaf in self._leaves[:size]:
            tree.append(leaf)
        return CheckpointBody(ORIGIN, size, tree.root)

    def checkpoint(self, size: int) -> str:
        return sign_note(self.body(size).text, [self.signer])

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        if not 0 < old < new:
            return ()
        return tuple(consistency_proof(old, new, subtrees_of(self._leaves[:new])))

    def request(self, old: int, new: int) -> AddCheckpoint:
        return AddCheckpoint(old, self.proof(old, new), self.checkpoint(new))


@pytest.fixture
def grown() -> GrowingLog:
    return GrowingLog()


@pytest.fixture
def store(tmp_path: Path, grown: GrowingLog) -> WitnessStore:
    """A witness that has cosigned nothing yet."""
    make_witness(tmp_path / "witness", "witness.example/w1")
    return WitnessStore(tmp_path / "witness", [grown.verifier])


@pytest.fixture
def serve() -> Iterator[Callable[[WitnessStore], str]]:
    """Serves a store on loopback, in this process; its submission prefix."""
    running: list[WitnessServer] = []

    def serve_one(store: WitnessStore) -> str:
        server = WitnessServer(("127.0.0.1", 0), store)
        running.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve_one
    for server in running:
        server.shutdown()
        server.server_close()
