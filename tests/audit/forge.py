"""Logs made by hand, outside of the database: for what the offline verifier must accept and refuse."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.canonical import canonical_json
from audit.merkle import leaf_hash, tree_root
from audit.notes import NoteSigner, sign_note, vkey
from audit.tiles import Bundle, CheckpointBody, encode_bundle, split_tile, tiles_at

ORIGIN = "forged.example/log/2026"
AT = "2026-11-20T18:00:00.000000Z"
SECONDS = 1795197600  # the same in Unix time
Fields = dict[str, Any]


def a_key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


@dataclass
class Forge:
    """Makes entries and folders as a bank would, and as a bank must not."""

    log: Ed25519PrivateKey = field(default_factory=lambda: a_key(1))
    producer: Ed25519PrivateKey = field(default_factory=lambda: a_key(2))
    bodies: list[bytes] = field(default_factory=list)
    origin: str = ORIGIN
    others: list[NoteSigner] = field(default_factory=list)
    """Who signs checkpoints beside the log key: further log keys, witnesses."""

    @property
    def log_vkey(self) -> str:
        return vkey(self.origin, self.log.public_key().public_bytes_raw())

    @property
    def producer_vkey(self) -> str:
        return vkey(f"{self.origin}/producer", self.producer.public_key().public_bytes_raw())

    @property
    def policy(self) -> str:
        vkeys = [self.log_vkey, *(o.vkey for o in self.others if o.name == self.origin)]
        return "".join(f"log {vkey}\n" for vkey in vkeys) + "quorum none\n"

    def note(self, text: str, key: Ed25519PrivateKey | None = None) -> str:
        return sign_note(text, [NoteSigner(self.origin, key or self.log)])

    def delegation(
        self,
        not_before: str = "2026-11-01T00:00:00.000000Z",
        not_after: str = "2026-12-01T00:00:00.000000Z",
    ) -> str:
        lines = [
            "credence-delegation/v1",
            self.producer_vkey,
            not_before,
            not_after,
            self.origin,
            "",
        ]
        return self.note("\n".join(lines))

    def entry(
        self,
        event: str = "tests.noted",
        *,
        by_log: bool = False,
        key: Ed25519PrivateKey | None = None,
        alter: Callable[[Fields], None] | None = None,
        at: str = AT,
        **public: Any,
    ) -> bytes:
        """A signed entry; `alter` changes its fields before they are signed."""
        name = self.log_vkey if by_log else self.producer_vkey
        fields: Fields = {
            "schema": "credence-entry/1",
            "origin": self.origin,
            "id": str(uuid5(UUID(int=0), f"{len(self.bodies)}")),
            "event": event,
            "occurred_at": at,
            "actor": {"id": "1", "name": "keeper", "authn": "process"},
            "request_id": "",
            "subject": {"type": "tests.note", "id": "1"},
            "public": public,
            "private": None,
            "producer": "+".join(name.split("+")[:2]),
        }
        if alter:
            alter(fields)
        signer = key or (self.log if by_log else self.producer)
        signature = signer.sign(b"credence-entry/v1\n" + written(fields))
        return written(fields | {"signature": base64.b64encode(signature).decode()})

    def add(self, body: bytes) -> bytes:
        self.bodies.append(body)
        return body

    def open(self) -> "Forge":
        """Entries 0 and 1, as every log begins."""
        self.add(self.opening())
        self.add(self.introduction())
        return self

    def opening(self, **public: Any) -> bytes:
        vkeys = [self.log_vkey, *(o.vkey for o in self.others if o.name == self.origin)]
        told = {"vkey": self.log_vkey, "vkeys": vkeys, "previous": None, **public}
        return self.entry("audit.shard.opened", by_log=True, **told)

    def introduction(self, note: str = "", **told: str) -> bytes:
        note = note or self.delegation()
        _, key, not_before, not_after, *_ = note.split("\n")
        public = {"vkey": key, "not_before": not_before, "not_after": not_after, **told}
        return self.entry("audit.producer_key.introduced", by_log=True, delegation=note, **public)

    def checkpoint(
        self, size: int | None = None, key: Ed25519PrivateKey | None = None, time: int = SECONDS
    ) -> str:
        text = CheckpointBody(self.origin, len(self.bodies[:size]), self.root(size)).text
        return sign_note(text, [NoteSigner(self.origin, key or self.log), *self.others], time=time)

    def root(self, size: int | None = None) -> bytes:
        return tree_root([leaf_hash(body) for body in self.bodies[:size]])

    def files(self, prefix: str = "log/2026/", size: int | None = None) -> dict[str, bytes]:
        """Tiles and bundles of the first `size` entries."""
        bodies, files = self.bodies[:size], {}
        hashes, level = [leaf_hash(body) for body in bodies], 0
        while hashes:
            for tile in (t for t in tiles_at(len(bodies)) if t.level == level):
                start = tile.index * 256
                files[prefix + tile.path] = b"".join(hashes[start : start + tile.width])
                if level == 0:
                    path = prefix + Bundle(tile.index, tile.width).path
                    files[path] = encode_bundle(bodies[start : start + tile.width])
            full = [
                files[prefix + t.path]
                for t in tiles_at(len(bodies))
                if t.level == level and t.width == 256
            ]
            hashes, level = [tree_root(split_tile(data)) for data in full], level + 1
        return files

    def bundle(
        self, folder: Path, more: dict[str, bytes] | None = None, drop: Sequence[str] = ()
    ) -> Path:
        """A whole bundle with its manifest. `more` adds or replaces files before the manifest is made."""
        files = {
            **self.files(),
            "log/2026/checkpoint": self.checkpoint().encode(),
            "trust/policy": self.policy.encode(),
        }
        files |= more or {}
        files = {name: data for name, data in files.items() if name not in drop}
        return self.sealed(folder, files)

    def sealed(self, folder: Path, files: dict[str, bytes], log_is: str = "whole") -> Path:
        told = {"schema": "credence-bundle/1", "log_is": log_is, "files": digests(files)}
        manifest = json.dumps(told).encode()
        note = self.note(f"credence-manifest/v1\n{hashlib.sha256(manifest).hexdigest()}\n")
        return write(folder, files | {"manifest.json": manifest, "manifest.note": note.encode()})

    def scoped(self, folder: Path, chosen: Sequence[int], drop: Sequence[str] = ()) -> Path:
        """A bundle of some entries: those, and the tiles on their paths and at the right edge."""
        kept = {
            f"log/2026/tile/{tile.path.removeprefix('tile/')}"
            for tile in tiles_at(len(self.bodies))
            if tile.width < 256 or any(i >> 8 * (tile.level + 1) == tile.index for i in chosen)
        }
        files = {name: data for name, data in self.files().items() if name in kept}
        files |= {f"log/2026/chosen/{i}.json": self.bodies[i] for i in chosen}
        files |= {"log/2026/checkpoint": self.checkpoint().encode()}
        files |= {"trust/policy": self.policy.encode()}
        held = {name: data for name, data in files.items() if name not in drop}
        return self.sealed(folder, held, "scoped")

    def epochs(self, folder: Path, sizes: Sequence[int]) -> Path:
        """An archive folder of epoch tars, one up to each size."""
        before: dict[str, bytes] = {}
        for first, last in pairwise([0, *sizes]):
            files = self.files("", last)
            new = {name: data for name, data in files.items() if name not in before}
            new[f"checkpoints/{last:020d}"] = self.checkpoint(last).encode()
            path = f"{self.origin}/epoch/2026/11/20/{first:012d}-{last - 1:012d}.tar"
            told = {"origin": self.origin, "first": first, "last": last - 1, "tree_size": last}
            write(folder, {path: tar(new, told | {"root": self.root(last).hex()})})
            before = files
        return write(folder, {f"{self.origin}/trust/0001/policy": self.policy.encode()})

    def archive(self, folder: Path, sizes: Sequence[int]) -> Path:
        """An archive folder with a closing checkpoint at each size."""
        prefix = f"{self.origin}/"
        files = {prefix + "trust/0001/policy": self.policy.encode()}
        for size in sizes:
            files |= self.files(prefix, size)
            files[f"{prefix}checkpoints/{size:020d}"] = self.checkpoint(size).encode()
        return write(folder, files)


def digests(files: dict[str, bytes]) -> dict[str, Any]:
    return {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in files.items()
    }


def tar(files: dict[str, bytes], told: Fields) -> bytes:
    """As an epoch is written: sorted, without times and owners, with its manifest."""
    manifest = {"schema": "credence-epoch/1", **told, "files": digests(files)}
    members = files | {"manifest.json": json.dumps(manifest).encode()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as file:
        for name, data in sorted(members.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def written(fields: Fields) -> bytes:
    """Canonical, or as near to it as what is no canonical value allows."""
    try:
        return canonical_json(fields)
    except ValueError:
        return json.dumps(
            fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
