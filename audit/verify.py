#!/usr/bin/env python3
"""Check a Credence evidence bundle, or an archive folder, offline.

    python verify.py BUNDLE [--policy FILE] [--receipt FILE ...] [--tsa-root FILE] [--workers N] [--json]
    python verify.py prove BUNDLE ENTRY_ID|INDEX [--out FILE]
    python verify.py verify-proof PROOF --entry FILE|--leaf-hash BASE64 [--policy FILE]
    python verify.py verify-receipt DECISION.json [--policy FILE] [--proof PROOF]

BUNDLE is a zip or a folder. Needs Python 3.11 and the package `cryptography`: no network, no database, none of the
software that wrote the bundle. With the package `rfc3161-client`, time-stamp tokens are checked as well. Exit code 0
only if everything that was checked holds; what was not checked is listed.

Hold the policy file yourself: a line `log <verifier key>` for each key of each log, received by another way than the
bundle, the witnesses that you rely on, and a `quorum` line. Without it the keys come from the bundle, which shows that
it is consistent but not who made it.

Formats: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-policy and tlog-proof; RFC 6962 (tree);
RFC 8785 (canonical JSON); RFC 3161 (time-stamp tokens).

Sections of this file: report, files, keys and notes, policy, tree, proofs, log, workers, tiles, entries, history of the
keys, checking of entries, checkpoints, time, shards, bundles and archives, disclosures and receipts, the whole,
commands.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import importlib
import io
import json
import os
import re
import struct
import sys
import tarfile
import zipfile
import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_pem_x509_certificates

WIDTH = 256  # hashes in a full tile
LOCAL_HEADER_BYTES = 30  # of a zip, before the name
JANUARY_1980 = 33  # as a zip writes it: the time of every file
EMPTY_ROOT = hashlib.sha256(b"").digest()
LARGEST_FILE = 512 * 1024 * 1024  # bytes that are read at once
USUAL_FILE = 1 << 20  # bytes; few files are larger
LARGEST_NOTE = 1_000_000  # bytes
LARGEST_INTEGER = 2**53 - 1
PROBLEMS_KEPT = 100  # of each check; all are counted
BUNDLES_AT_ONCE = 32  # 8,192 entries: what one worker checks before it reports
FILES_AT_ONCE = 64
CLOCK_SKEW = timedelta(seconds=10)  # between those who write entries and those who vouch for times
OUT_OF_ORDER = timedelta(hours=1)  # an entry that is older than one before it by more was backdated
SILENCE = timedelta(minutes=5)  # between two heartbeats, of which there is one a minute

BUNDLE_SCHEMA = "credence-bundle/1"
EPOCH_SCHEMA = "credence-epoch/1"
MANIFEST_HEADER = "credence-manifest/v1"
DELEGATION_HEADER = "credence-delegation/v1"
ROTATION_HEADER = "credence-log-key/v1"
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
ENTRY_SCHEMA = "credence-entry/1"
ENTRY_DOMAIN = b"credence-entry/v1\n"
RECEIPT_DOMAIN = b"credence-receipt/v1\n"
COMMITMENT_LABEL = b"credence-key-commitment/v1"

SHARD_OPENED = "audit.shard.opened"
SHARD_CLOSED = "audit.shard.closed"
PRODUCER_INTRODUCED = "audit.producer_key.introduced"
PRODUCER_RETIRED = "audit.producer_key.retired"
LOG_KEY_INTRODUCED = "audit.log_key.introduced"
LOG_KEY_RETIRED = "audit.log_key.retired"
LOG_KEY_LOST = "audit.log_key.lost"
SUBJECT_ERASED = "audit.subject.erased"
RECONCILIATION = "audit.reconciliation"
HEARTBEAT = "audit.heartbeat"
BY_LOG = {SHARD_OPENED, PRODUCER_INTRODUCED, LOG_KEY_INTRODUCED, LOG_KEY_RETIRED, LOG_KEY_LOST}
BY_EITHER = {SHARD_CLOSED, PRODUCER_RETIRED}  # the log key, or a producer
ABOUT_KEYS = re.compile(r"audit\.(shard|producer_key|log_key)\.")  # others of these are unknown
SPECIAL = BY_LOG | BY_EITHER | {SUBJECT_ERASED, RECONCILIATION}

TEXTS = {"schema", "origin", "id", "event", "occurred_at", "request_id", "producer", "signature"}
OBJECTS = {"actor", "subject", "public"}
PRIVATE_FIELDS = {"alg", "nonce", "ct", "key_id", "key_commitment"}
TILE_PATH = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)
CHECKPOINT = re.compile(r"(?:^|/)(checkpoint|checkpoints/(\d{20}))$", re.ASCII)
TIMESTAMP = re.compile(r"(?:^|/)timestamps/(\d{20})\.tsr$", re.ASCII)
CHOSEN = re.compile(r"chosen/(0|[1-9]\d*)\.json", re.ASCII)
OWN_POLICY = re.compile(r"(^|/)trust/(\d+/)?policy$", re.ASCII)
DELEGATION = re.compile(r"(^|/)trust/delegations/[^/]+\.note$")
ROTATION = re.compile(r"(^|/)trust/rotations/[^/]+\.note$")
TSA_ROOTS = re.compile(r"(^|/)trust/(\d+/)?tsa\.pem$", re.ASCII)
EPOCH = re.compile(r"(?:^|/)epoch/\d{4}/\d\d/\d\d/(\d{12})-(\d{12})\.tar$", re.ASCII)
EPOCH_MEMBER = re.compile(
    r"tile/.+|checkpoints/\d{20}|timestamps/\d{20}\.tsr|manifest\.json", re.ASCII
)
ARCHIVED = re.compile(
    r"/(tile/.+|checkpoints/\d{20}|timestamps/\d{20}\.tsr|trust/\d+/(policy|tsa\.pem)"
    r"|trust/(delegations|rotations)/[^/]+\.note|epoch/\d{4}/\d\d/\d\d/\d{12}-\d{12}\.tar)$",
    re.ASCII,
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
ENTRY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Broken(Exception):
    """Something that was read is not what it must be; the message says in what way."""


class Unavailable(Exception):
    """What would be needed to check this is not installed here."""


# --- The report ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """One thing that does not hold, as exactly as it can be placed."""

    what: str
    file: str = ""
    index: int | None = None
    entry_id: str = ""
    event: str = ""

    def __str__(self) -> str:
        entry = f"entry {self.index}" if self.index is not None else ""
        place = "  ".join(part for part in (entry, self.entry_id, self.event, self.file) if part)
        return f"{place}: {self.what}" if place else self.what


@dataclass
class Check:
    """One kind of thing that was checked, and every way in which it fails."""

    name: str
    summary: str = ""
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def fail(self, what: str, **place: Any) -> None:
        self.count += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(Problem(what, **place))

    def add(self, other: "Check") -> None:
        """What a worker found of the same kind."""
        self.count += other.count
        self.problems += other.problems[: PROBLEMS_KEPT - len(self.problems)]


@dataclass
class Report:
    """Everything that was checked, and everything that was not."""

    bundle: str
    trust: str = ""
    checks: list[Check] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    def check(self, name: str) -> Check:
        self.checks.append(Check(name))
        return self.checks[-1]

    @property
    def holds(self) -> bool:
        return bool(self.checks) and not any(check.count for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "bundle": self.bundle,
            "trust": self.trust,
            "logs": self.logs,
            "checks": [
                {
                    "name": check.name,
                    "holds": not check.count,
                    "summary": check.summary,
                    "problems": check.count,
                    "shown": [asdict(problem) for problem in check.problems],
                }
                for check in self.checks
            ],
            "remarks": self.remarks,
            "not_checked": self.not_checked,
        }

    def as_text(self, color: bool) -> str:
        bold, red, green, plain = (
            ("\033[1m", "\033[31m", "\033[32m", "\033[0m") if color else ("",) * 4
        )
        lines = [self.trust, "", f"{bold}{self.bundle}{plain}"]
        for check in self.checks:
            mark = f"{red}FAILED{plain}" if check.count else f"{green}ok{plain}    "
            failing = f"{check.count:,} problem{'s' * (check.count != 1)}"
            lines.append(f"  {mark}  {check.name:<12} {failing if check.count else check.summary}")
            lines += [f"            {red}-{plain} {problem}" for problem in check.problems]
            if check.count > len(check.problems):
                lines.append(f"            - and {check.count - len(check.problems):,} more")
        for title, items in (("Worth knowing:", self.remarks), ("Not checked:", self.not_checked)):
            lines += ["", title, *(f"  - {item}" for item in items)] if items else []
        failed = sum(check.count for check in self.checks)
        verdict = f"{green}Everything that was checked holds.{plain}"
        if not self.holds:
            verdict = f"{red}This does not hold: {failed:,} problem{'s' * (failed != 1)}.{plain}"
        return "\n".join([*lines, "", f"{bold}{verdict}"])


# --- Files of a folder, of a zip, of an archive with epochs --------------------------------------------------------


class Files(Protocol):
    """Where the files of a bundle are: a folder, a zip, or whatever else can name and open them."""

    @property
    def names(self) -> Sequence[str]: ...

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]: ...

    def container_problems(self) -> Iterator[Problem]:
        """What is wrong with how the files are held, apart from the files themselves."""


class Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = sorted(self._below(path, ""))

    def _below(self, folder: Path, prefix: str) -> Iterator[str]:
        with os.scandir(folder) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    yield from self._below(Path(item.path), f"{prefix}{item.name}/")
                else:
                    yield prefix + item.name

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        path = self._path / name
        if path.is_symlink():
            raise OSError("it is a link")
        return path.open("rb")

    def container_problems(self) -> Iterator[Problem]:
        return iter(())


class Zip:
    """A zip as the export writes it, every byte of which is checked; or one that was packed again by another program."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path)
        self._pid = os.getpid()
        files = [info for info in self._zip.infolist() if not info.is_dir()]
        self.names = sorted(info.filename for info in files)
        # One changed byte takes one header out of the form, never most of them.
        self.is_as_written = sum(map(self._is_as_written, files)) * 2 > len(files)

    def __reduce__(self) -> tuple[type["Zip"], tuple[Path]]:
        return Zip, (self._path,)

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """The bytes whatever the zip's own checksum says, where it is as written: our digests say what was changed."""
        if not self.is_as_written:
            if self._pid != os.getpid():  # a forked worker must not share its parent's position
                self._zip, self._pid = zipfile.ZipFile(self._path), os.getpid()
            return self._zip.open(name)
        info = self._zip.getinfo(name)
        with self._path.open("rb") as raw:
            raw.seek(info.header_offset + LOCAL_HEADER_BYTES + len(name.encode()))
            return io.BytesIO(raw.read(info.file_size))

    def container_problems(self) -> Iterator[Problem]:
        for twice in (name for name, following in pairwise(self.names) if name == following):
            yield Problem("The file is there twice.", twice)
        if self.is_as_written:
            yield from self._changed_headers()

    def _is_as_written(self, info: zipfile.ZipInfo) -> bool:
        dated = info.date_time == (1980, 1, 1, 0, 0, 0) and info.compress_type == zipfile.ZIP_STORED
        far = info.header_offset > zipfile.ZIP64_LIMIT
        return dated and info.external_attr == 0o644 << 16 and (far or not info.extra)

    def _changed_headers(self) -> Iterator[Problem]:
        """Stored files one after another, their directory, the end: no times, no comments, no gaps."""
        files = self._zip.infolist()
        position, directory = 0, hashlib.sha256()
        length = 0
        with self._path.open("rb") as raw:
            for info in files:
                name, size = info.filename.encode(), info.file_size
                numbers = (20, info.flag_bits & 0x800, 0, 0, JANUARY_1980, info.CRC)
                fields = struct.pack("<HHHHHLLLHH", *numbers, size, size, len(name), 0)
                header = b"PK\x03\x04" + fields + name
                raw.seek(position)
                if raw.read(len(header)) != header:
                    yield Problem("The zip's header of this file was changed.", info.filename)
                record = zip_record(numbers, name, size, position)
                directory.update(record)
                length += len(record)
                position += len(header) + size
            raw.seek(position)
            if hashlib.sha256(raw.read(length)).digest() != directory.digest() or (
                raw.read() != zip_end(len(files), length, position)
            ):
                yield Problem("The zip's directory was changed.", self._path.name)


def zip_record(numbers: tuple[int, ...], name: bytes, size: int, position: int) -> bytes:
    """What the directory of a zip says of one stored file; beyond 2 GiB its position takes more room."""
    far = position > zipfile.ZIP64_LIMIT
    extra = struct.pack("<HHQ", 1, 8, position) if far else b""
    version, at = (45, 0xFFFFFFFF) if far else (20, position)
    fields = struct.pack("<HHHHHLLLHH", version, *numbers[1:], size, size, len(name), len(extra))
    attributes = struct.pack("<HHHLL", 0, 0, 0, 0o644 << 16, at)
    return b"PK\x01\x02" + bytes([version, 3]) + fields + attributes + name + extra


def zip_end(count: int, length: int, position: int) -> bytes:
    """The end of a zip of so many files, whose directory of so many bytes begins at that position."""
    large = b""
    if count > zipfile.ZIP_FILECOUNT_LIMIT or max(position, length) > zipfile.ZIP64_LIMIT:
        numbers = (44, 45, 45, 0, 0, count, count, length, position)
        large = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", *numbers)
        large += b"PK\x06\x07" + struct.pack("<LQL", 0, position + length, 1)
        count, length = min(count, 0xFFFF), min(length, 0xFFFFFFFF)
        position = min(position, 0xFFFFFFFF)
    return large + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, length, position, 0)


class Member(NamedTuple):
    """Where the bytes of a file are within an epoch tar."""

    tar: str
    offset: int
    size: int


class WithEpochs:
    """An archive, with the members of its epoch tars beside its other objects, below the folder of their log."""

    def __init__(self, files: Files, members: dict[str, Member]) -> None:
        self._files = files
        self._members = members
        self.names = sorted({*files.names, *members})

    def __reduce__(self) -> tuple[type["WithEpochs"], tuple[Files, dict[str, Member]]]:
        return WithEpochs, (self._files, self._members)

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        member = self._members.get(name)
        if member is None:
            return self._files.open(name)
        with self._files.open(member.tar) as tar:
            tar.seek(member.offset)
            return io.BytesIO(tar.read(member.size))

    def container_problems(self) -> Iterator[Problem]:
        return self._files.container_problems()


# What a folder or a zip raises for a file that cannot be read, RuntimeError where it is encrypted.
UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def open_bundle(path: Path) -> Files:
    if path.is_dir():
        return Folder(path)
    try:
        return Zip(path)
    except (*UNREADABLE, ValueError) as problem:
        raise Broken(f"{path} cannot be read as a folder or a zip: {problem}") from None


class Missing(Broken):
    """A file is not there. Which files must be there is a check of its own."""


def read(files: Files, name: str) -> bytes:
    try:
        with files.open(name) as file:
            data = file.read(USUAL_FILE)  # room for the largest would be made anew each time
            if len(data) == USUAL_FILE:
                data += file.read(LARGEST_FILE + 1 - USUAL_FILE)
    except (FileNotFoundError, KeyError):
        raise Missing(f"{name} is missing") from None
    except UNREADABLE as problem:
        raise Broken(f"{name} cannot be read: {problem}") from None
    if len(data) > LARGEST_FILE:
        raise Broken(f"{name} is larger than any file of a bundle")
    return data


def read_json(files: Files, name: str) -> Any:
    try:
        return json.loads(read(files, name))
    except (ValueError, RecursionError):
        raise Broken(f"{name} is not JSON") from None


def read_path(path: Path, what: str) -> bytes:
    """A file that was named on the command line."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Broken(f"the {what} {path} cannot be read: {problem}") from None


# --- Keys and signed notes ----------------------------------------------------------------------------------------

ED25519, COSIGNATURE, ML_DSA_44 = 1, 4, 6
KINDS = {  # bytes of a public key and of a signature line after the key id, and what people call it
    ED25519: (32, 64, "Ed25519"),
    COSIGNATURE: (32, 8 + 64, "Ed25519 cosignature"),
    ML_DSA_44: (1312, 8 + 2420, "ML-DSA-44"),
}


@dataclass(frozen=True)
class Key:
    """A public key and its name; `id` is `name+<8 hex>`, as entries name it."""

    name: str
    id: str
    public: bytes
    kind: int = ED25519

    @property
    def vkey(self) -> str:
        return f"{self.id}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Raises Unavailable where this installation does not know the kind of key."""
        try:
            _public_key(self.kind, self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@lru_cache(maxsize=64)
def _public_key(kind: int, public: bytes) -> Any:
    if kind != ML_DSA_44:
        return Ed25519PublicKey.from_public_bytes(public)
    try:
        module = importlib.import_module("cryptography.hazmat.primitives.asymmetric.mldsa")
        return module.MLDSA44PublicKey.from_public_bytes(public)
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise Unavailable("ML-DSA-44") from None


def b64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Broken(f"{text[:20]!r} is not base64") from None
    if binascii.b2a_base64(data, newline=False).decode() != text:
        raise Broken(f"{text[:20]!r} is not canonical base64")
    return data


def parse_vkey(text: str) -> Key:
    """`name+<key id>+<type and key>`; the key id is computed again and must be the same."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0] or any(c.isspace() or c < " " for c in parts[0]):
        raise Broken(f"{text[:200]!r} is not a verifier key")
    name, key_id, encoded = parts
    typed = b64(encoded)
    if not typed or typed[0] not in KINDS:
        raise Broken(f"the key of {name} is of an unknown kind")
    if len(typed) != 1 + KINDS[typed[0]][0]:
        raise Broken(f"the key of {name} has the wrong length for {KINDS[typed[0]][2]}")
    if hashlib.sha256(name.encode() + b"\n" + typed).hexdigest()[:8] != key_id:
        raise Broken(f"the key id {key_id} is not that of the key of {name}")
    return Key(name, f"{name}+{key_id}", typed[1:], typed[0])


class Signature(NamedTuple):
    """A signature line that is good; `time` is in Unix seconds, None where the kind has none."""

    key: Key
    time: int | None


@dataclass(frozen=True)
class Note:
    """The text of a signed note, who signed it, and known keys that cannot be checked here."""

    text: str
    signatures: tuple[Signature, ...]
    unchecked: tuple[Key, ...]


def split_note(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and (name, blob) of each signature line."""
    try:
        text, empty, lines = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise Broken("it is not UTF-8") from None
    text += "\n"
    if len(note) > LARGEST_NOTE or not empty or not lines.endswith("\n"):
        raise Broken("it is not a signed note")
    if any(c < " " and c != "\n" for c in text):
        raise Broken("it is not a signed note")
    signatures = []
    for line in lines.removesuffix("\n").split("\n"):
        name, _, encoded = line.removeprefix("— ").partition(" ")
        blob = b64(encoded)
        if not line.startswith("— ") or not name or "+" in name or len(blob) < 5:
            raise Broken("it has a malformed signature line")
        signatures.append((name, blob))
    return text, signatures


def open_note(note: bytes, keys: Sequence[Key]) -> Note:
    """The text of a signed note: at least one known key signed it, and no known key's signature is bad."""
    text, lines = split_note(note)
    good, unchecked = {}, {}
    for name, blob in lines:
        for key in (k for k in keys if k.id == f"{name}+{blob[:4].hex()}"):
            try:
                good[key] = Signature(key, verify_line(key, blob[4:], text))
            except Unavailable:
                unchecked[key] = key
    if not good:
        what = " that can be checked here" if unchecked else ""
        raise Broken(f"no known key{what} signed it")
    return Note(text, tuple(good.values()), tuple(unchecked))


def verify_line(key: Key, signature: bytes, text: str) -> int | None:
    """The time that the signature vouches for. Raises Broken unless it is the key's over this text; Unavailable."""
    message, time = text.encode(), None
    if len(signature) != KINDS[key.kind][1]:
        raise Broken(f"the signature of {key.name} has the wrong length")
    if key.kind != ED25519:
        time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        if key.kind == COSIGNATURE:
            message = f"cosignature/v1\ntime {time}\n".encode() + message
        else:
            message = subtree_message(key.name, time, parse_checkpoint(text))
    if not key.verify(signature, message):
        raise Broken(f"the signature of {key.name} does not match")
    return time


def subtree_message(cosigner: str, time: int, checkpoint: "Checkpoint") -> bytes:
    """What an ML-DSA-44 key signs for a checkpoint: the subtree from 0 to its size."""
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    if not 0 < len(name) < 256 or not 0 < len(origin) < 256:
        raise Broken(f"the name {cosigner[:40]!r} has no such signature")
    return (
        b"subtree/v1\n\x00"
        + bytes([len(name)]) + name + struct.pack(">Q", time)
        + bytes([len(origin)]) + origin + struct.pack(">QQ", 0, checkpoint.size) + checkpoint.root
    )  # fmt: skip


# --- Policy -------------------------------------------------------------------------------------------------------


class Group(NamedTuple):
    """So many of these witnesses or groups."""

    least: int
    members: tuple[str, ...]


@dataclass
class Policy:
    """Whose signatures count: keys of each log, witnesses by name, and how many of them it takes."""

    logs: dict[str, list[Key]] = field(default_factory=dict)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    def trust(self, key: Key) -> None:
        known = self.logs.setdefault(key.name, [])
        known += [key] if key not in known else []

    def keys(self, origin: str) -> list[Key]:
        """All that may sign a checkpoint of this log."""
        return [*self.logs.get(origin, []), *self.witnesses.values()]

    def log_keys(self) -> list[Key]:
        """The keys that sign whatever is no checkpoint: manifests, delegations, rotations."""
        return [key for keys in self.logs.values() for key in keys if key.kind == ED25519]

    def is_met(self, cosigners: set[str], name: str | None = None) -> bool:
        """True when these witnesses make up the quorum."""
        name = name or self.quorum
        if name == "none":
            return True
        if name in self.witnesses:
            return name in cosigners
        group = self.groups[name]
        return sum(self.is_met(cosigners, member) for member in group.members) >= group.least


def parse_policy(text: str) -> Policy:
    """A tlog-policy, whole or not at all: a line that is not understood is refused."""
    policy, members = Policy(), set[str]()
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            _read_policy_line(policy, words, members)
        except Broken as broken:
            raise Broken(f"the line {line[:120]!r}: {broken}") from None
    if not policy.logs:
        raise Broken("it names no log")
    if not policy.quorum:
        raise Broken("it has no `quorum` line; without witnesses that is `quorum none`")
    return policy


def _read_policy_line(policy: Policy, words: list[str], members: set[str]) -> None:
    defined = {*policy.witnesses, *policy.groups}
    match words:
        case ["log", vkey] | ["log", vkey, _]:
            key = parse_vkey(vkey)
            if key.kind == COSIGNATURE:
                raise Broken("a cosigner's key is no log's key")
            policy.trust(key)
        case ["witness", name, vkey] | ["witness", name, vkey, _]:
            key = parse_vkey(vkey)
            if name in defined or name == "none":
                raise Broken(f"the name {name!r} is taken")
            if key.kind == ED25519:
                raise Broken("the key is not a cosigner's")
            publics = {k.public for k in (*policy.witnesses.values(), *policy.log_keys())}
            if key.public in publics:
                raise Broken("the key is another's as well, and would count twice")
            policy.witnesses[name] = key
        case ["group", name, count, *names] if names:
            if name in defined or name == "none":
                raise Broken(f"the name {name!r} is taken")
            if len(set(names)) != len(names) or not set(names) <= defined - members:
                raise Broken("each member is defined before, and in one group alone")
            least = {"any": "1", "all": str(len(names))}.get(count, count)
            if not re.fullmatch(r"[1-9]\d{0,3}", least, re.ASCII) or int(least) > len(names):
                raise Broken(f"{count!r} is not any, all or a number of its members")
            policy.groups[name] = Group(int(least), tuple(names))
            members.update(names)
        case ["quorum", name] if not policy.quorum:
            if name != "none" and name not in defined:
                raise Broken(f"the quorum {name!r} is no witness and no group")
            policy.quorum = name
        case _:
            raise Broken("it asks for what this verifier cannot check")


# --- The tree -----------------------------------------------------------------------------------------------------


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes


def parse_checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not re.fullmatch(r"0|[1-9]\d{0,18}", lines[1], re.ASCII):
        raise Broken("it is not origin, size and root")
    root = b64(lines[2])
    if len(root) != 32:
        raise Broken("its root is not a SHA-256")
    return Checkpoint(lines[0], int(lines[1]), root)


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split_hashes(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def tree_root(hashes: Sequence[bytes]) -> bytes:
    level, sha256 = list(hashes), hashlib.sha256
    while len(level) > 1:
        pairs = iter(level)
        above = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(pairs, pairs, strict=False)
        ]
        level = above + level[len(above) * 2 :]
    return level[0] if level else EMPTY_ROOT


def frontier_root(levels: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a tree from the hashes of the unfinished tile of each level, level 0 first."""
    subtrees: list[bytes] = []
    for level in reversed(levels):
        begin = 0
        while begin < len(level):
            size = 1 << ((len(level) - begin).bit_length() - 1)
            subtrees.append(tree_root(level[begin : begin + size]))
            begin += size
    root = subtrees.pop() if subtrees else EMPTY_ROOT
    while subtrees:
        root = node_hash(subtrees.pop(), root)
    return root


def tile_path(level: int | str, index: int, width: int) -> str:
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")


def tiles_at(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree of `size`."""
    level = 0
    while size:
        yield from ((level, index, WIDTH) for index in range(size // WIDTH))
        if size % WIDTH:
            yield level, size // WIDTH, size % WIDTH
        level, size = level + 1, size // WIDTH


def parse_tile_path(path: str) -> tuple[str, int, int]:
    """(level or "entries", index, width); the level is empty where the path names no tile."""
    match = TILE_PATH.fullmatch(path)
    if match:
        kind, number, width = match.groups()
        index = int(number.replace("x", "").replace("/", ""))
        if tile_path(kind, index, int(width or WIDTH)) == path:
            return kind, index, int(width or WIDTH)
    return "", 0, 0


def decode_bundle(data: bytes) -> tuple[list[bytes], str]:
    """The entries, up to where the bundle is broken, and in what way it is."""
    bodies: list[bytes] = []
    position, last = 0, len(data) - 1
    while position < last:
        start = position + 2
        position = start + (data[position] << 8 | data[position + 1])
        bodies.append(data[start:position])
    if position == last + 1:
        return bodies, ""
    return bodies[:-1] if position > last else bodies, "The bundle ends within an entry."


# --- Proofs -------------------------------------------------------------------------------------------------------


def inclusion_proof(index: int, size: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of `size`; `subtree(level, n)` is the n-th root of 2^level leaves."""
    begin, end, proof = 0, size, []
    while end - begin > 1:
        middle = begin + (1 << ((end - begin - 1).bit_length() - 1))
        left = index < middle
        other = (middle, end) if left else (begin, middle)
        proof.append(range_root(*other, subtree))
        begin, end = (begin, middle) if left else (middle, end)
    return proof[::-1]


def range_root(begin: int, end: int, subtree: Callable[[int, int], bytes]) -> bytes:
    subtrees = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        subtrees.append(subtree(level, begin >> level))
        begin += 1 << level
    root = subtrees.pop()
    while subtrees:
        root = node_hash(subtrees.pop(), root)
    return root


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """RFC 9162, 2.1.3.2. Raises Broken unless the leaf is at that index of the tree of that size and root."""
    if any(len(h) != 32 for h in (leaf, root, *proof)):
        raise Broken("a hash in it has not 32 bytes")
    if not 0 <= index < size:
        raise Broken(f"there is no entry {index} in a log of {size}")
    place, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Broken("it is longer than the path from the entry to the root")
        if place % 2 or place == last:
            result = node_hash(sibling, result)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise Broken("it is shorter than the path from the entry to the root")
    if result != root:
        raise Broken(f"entry {index} does not lead to the root of the checkpoint")


class Proof(NamedTuple):
    """A `.tlog-proof`: where an entry is, the hashes to the root, and the signed checkpoint."""

    place: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def proof_text(proof: Proof) -> bytes:
    hashes = b"".join(base64.b64encode(h) + b"\n" for h in proof.hashes)
    return f"{PROOF_HEADER}\nindex {proof.place}\n".encode() + hashes + b"\n" + proof.checkpoint


def parse_proof(data: bytes) -> Proof:
    head, empty, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Broken("it is not a .tlog-proof") from None
    if not empty or lines[0] != PROOF_HEADER:
        raise Broken(f"it is not a .tlog-proof: its first line is not {PROOF_HEADER}")
    if len(lines) > 1 and lines[1].startswith("extra "):
        b64(lines.pop(1).removeprefix("extra "))  # nobody signed it; nothing relies on it
    index = re.fullmatch(r"index (0|[1-9]\d{0,18})", lines[1] if len(lines) > 1 else "", re.ASCII)
    if index is None:
        raise Broken("it is not a .tlog-proof: it has no index")
    return Proof(int(index[1]), tuple(map(b64, lines[2:])), checkpoint)


# --- A log of the bundle ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signed:
    """A checkpoint with good signatures; `digest` is that of the whole note as it lies there."""

    file: str
    origin: str
    size: int
    root: bytes
    digest: bytes
    by: tuple[Signature, ...]
    unchecked: tuple[Key, ...]

    @property
    def log_keys(self) -> list[Key]:
        return [key for key, _ in self.by if key.name == self.origin]


class Log:
    """One log of the bundle: the files below `prefix`, read at the size of its newest checkpoint."""

    def __init__(
        self, files: Files, prefix: str, checkpoints: Sequence[Signed], scoped: bool = False
    ) -> None:
        self.files = files
        self.prefix = prefix
        self.scoped = scoped
        self.checkpoints = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
        self.newest = self.checkpoints[-1]
        self.origin, self.size, self.root = (
            self.newest.origin,
            self.newest.size,
            self.newest.root,
        )
        self.tile = lru_cache(maxsize=64)(self._tile)

    def __reduce__(self) -> tuple[type["Log"], tuple[Any, ...]]:
        return Log, (self.files, self.prefix, self.checkpoints, self.scoped)

    def read(self, path: str) -> bytes:
        return read(self.files, self.prefix + path)

    def width(self, level: int, index: int) -> int:
        """How many hashes of a tile exist at this size; 0 or less where there is no such tile."""
        return min(WIDTH, (self.size >> 8 * level) - index * WIDTH)

    def _tile(self, level: int, index: int) -> bytes:
        width = self.width(level, index)
        path = tile_path(level, index, width)
        data = self.read(path)
        if len(data) != 32 * width:
            raise Broken(f"{self.prefix}{path} has {len(data)} bytes, not {32 * width}")
        return data

    def frontier(self, size: int) -> list[list[bytes]]:
        """The hashes of the unfinished tile of each level at some earlier size, level 0 first."""
        levels = []
        for level in range((size.bit_length() + 7) // 8):
            index, width = divmod(size >> 8 * level, WIDTH)
            levels.append(split_hashes(self.tile(level, index)[: 32 * width]) if width else [])
        return levels

    def above(self, level: int, index: int) -> bytes:
        """What the tile above says that a full tile hashes to."""
        parent, place = divmod(index, WIDTH)
        return self.tile(level + 1, parent)[32 * place : 32 * place + 32]

    def subtree(self, level: int, index: int) -> bytes:
        """The root over leaves index*2^level to (index+1)*2^level."""
        tile_level, height = divmod(level, 8)
        tile_index, offset = divmod(index << height, WIDTH)
        hashes = split_hashes(self.tile(tile_level, tile_index))
        return tree_root(hashes[offset : offset + (1 << height)])

    def entries(self, begin: int, end: int) -> Iterator[tuple[str, int, bytes]]:
        """(file, index, bytes) of the entries of these bundles, as far as they can be read."""
        for number in range(begin, end):
            width = self.width(0, number)
            path = tile_path("entries", number, width)
            try:
                bodies, _ = decode_bundle(self.read(path))
            except Broken:
                continue  # named where it is hashed
            for place, body in enumerate(bodies[:width]):
                yield self.prefix + path, number * WIDTH + place, body


# --- Workers ------------------------------------------------------------------------------------------------------

A = TypeVar("A")
R = TypeVar("R")
_task: Callable[[Any], Any]  # in a worker process: what it does with each item


def _begin(task: Callable[[Any], Any]) -> None:
    global _task
    _task = task


def _do(item: Any) -> Any:
    return _task(item)


class Crew:
    """Does one thing to many items: in worker processes, or here where there is one worker or little to do."""

    def __init__(self, workers: int = 1, show: IO[str] | None = None) -> None:
        self.workers = workers
        self._show = show

    def each(self, task: Callable[[A], R], items: Sequence[A], what: str) -> Iterator[R]:
        """The results in the order of the items. Few are under way at a time, so that memory stays bounded."""
        results = (
            map(task, items)
            if self.workers == 1 or len(items) < 2 * self.workers
            else self._spread(task, items)
        )
        for done, result in enumerate(results, start=1):
            yield result
            self._progress(what, done, len(items))

    def _spread(self, task: Callable[[A], R], items: Sequence[A]) -> Iterator[R]:
        waiting: deque[Future[R]] = deque()
        with ProcessPoolExecutor(self.workers, initializer=_begin, initargs=(task,)) as pool:
            try:
                for item in items:
                    waiting.append(pool.submit(_do, item))
                    if len(waiting) > 2 * self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BrokenProcessPool:
                raise Broken("a worker process ended; is there enough memory?") from None

    def _progress(self, what: str, done: int, total: int) -> None:
        if self._show is not None and (done == total or done % max(1, total // 100) == 0):
            line = f"\r{what}: {100 * done // total} %"
            self._show.write(line if done < total else "\r" + " " * len(line) + "\r")
            self._show.flush()


def ranges(count: int, step: int) -> list[tuple[int, int]]:
    return [(begin, min(begin + step, count)) for begin in range(0, count, step)]


# --- Tiles --------------------------------------------------------------------------------------------------------


@dataclass
class Hashed:
    """What a worker found out about some bundles: problems, and the entries that say something about the log itself."""

    hashes: Check = field(default_factory=lambda: Check("entries"))
    tiles: Check = field(default_factory=lambda: Check("tiles"))
    special: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class HashBundles:
    """The bytes of entries hash to leaves, the leaves are those of the level-0 tile, and that hashes to the tile above."""

    log: Log

    def __call__(self, numbers: tuple[int, int]) -> Hashed:
        found = Hashed()
        for number in range(*numbers):
            self._bundle(number, found)
        return found

    def _bundle(self, number: int, found: Hashed) -> None:
        log, width = self.log, self.log.width(0, number)
        path = tile_path("entries", number, width)
        try:
            bodies, problem = decode_bundle(log.read(path))
            if problem or len(bodies) != width:
                found.hashes.fail(
                    problem or f"The bundle holds {len(bodies)} entries, not {width}.",
                    file=log.prefix + path,
                    index=number * WIDTH + min(len(bodies), width),
                )
        except Missing:
            bodies = []  # named among the files that must be there
        except Broken as broken:
            bodies = []
            found.hashes.fail(f"{broken}.", file=log.prefix + path)
        sha256 = hashlib.sha256  # as in leaf_hash, whose call costs a tenth of this
        hashes = [sha256(b"\x00" + body).digest() for body in bodies[:width]]
        self._tile(number, hashes, bodies, found)
        for place, body in enumerate(bodies[:width]):
            at = body.find(b'"event":"') + 9
            if body.startswith(b"audit.", at) and body[at : at + 60].split(b'"')[0] in _SPECIAL:
                found.special.append((number * WIDTH + place, body))

    def _tile(self, number: int, hashes: list[bytes], bodies: list[bytes], found: Hashed) -> None:
        log = self.log
        file = log.prefix + tile_path(0, number, log.width(0, number))
        try:
            leaves = log.tile(0, number)
            if hashes and b"".join(hashes) != leaves:
                self._differing(number, hashes, bodies, found.hashes)
                hashes = split_hashes(leaves)
            if len(leaves) == 32 * WIDTH and (
                tree_root(hashes or split_hashes(leaves)) != log.above(0, number)
            ):
                found.tiles.fail("The tile does not hash to what the tile above says.", file=file)
        except Missing:
            pass  # named among the files that must be there
        except Broken as broken:
            found.tiles.fail(f"{broken}.", file=file)

    def _differing(
        self, number: int, hashes: list[bytes], bodies: list[bytes], check: Check
    ) -> None:
        """Where entry and leaf differ, the tree above says which of the two was changed."""
        leaves = split_hashes(self.log.tile(0, number))
        tile = self.log.prefix + tile_path(0, number, len(leaves))
        bundle = self.log.prefix + tile_path("entries", number, len(leaves))
        tile_changed = len(hashes) == len(leaves) and self._lead_to_root(number, hashes)
        for place, (body, ours, theirs) in enumerate(zip(bodies, hashes, leaves, strict=False)):
            if ours == theirs:
                continue
            at = Place(tile if tile_changed else bundle, number * WIDTH + place, *names_in(body))
            if tile_changed:
                check.fail("The hash of this entry in the tile was changed.", **asdict(at))
            else:
                what = f"The entry was changed: it does not hash to its leaf in {tile}."
                check.fail(what, **asdict(at))

    def _lead_to_root(self, number: int, hashes: list[bytes]) -> bool:
        try:
            if len(hashes) == WIDTH:
                return tree_root(hashes) == self.log.above(0, number)
            levels = [hashes, *self.log.frontier(self.log.size)[1:]]
            return frontier_root(levels) == self.log.root
        except Broken:
            return False


_SPECIAL = {event.encode() for event in SPECIAL}


def check_tree(log: Log, report: Report, crew: Crew) -> list[tuple[int, bytes]]:
    """Four things, from the outside in; returns the entries that say something about the log itself.

    1. Every tile and bundle of this size is there, and nothing that belongs to no size; tiles and bundles of smaller
       sizes are beginnings of those that replaced them.
    2. Entries hash to leaves, and every full tile hashes to what the tile above says.
    3. The unfinished tiles lead to the signed root, at the size of every checkpoint.
    """
    tiles, hashes = report.check("tiles"), report.check("entries")
    needed = check_presence(log, tiles)
    special: list[tuple[int, bytes]] = []
    bundles = ranges(-(-log.size // WIDTH), BUNDLES_AT_ONCE)
    for found in crew.each(HashBundles(log), bundles, f"Hashing {log.origin}"):
        hashes.add(found.hashes)
        tiles.add(found.tiles)
        special += found.special
    for level, index, width in tiles_at(log.size):
        if level and width == WIDTH:
            check_full_tile(log, level, index, tiles)
    for checkpoint in log.checkpoints:
        check_root(log, checkpoint, tiles)
    tiles.summary = f"{needed:,} tiles and bundles lead to the signed root"
    hashes.summary = f"{log.size:,} entries hash to their leaves"
    return special


def check_presence(log: Log, check: Check) -> int:
    """How many files a tree of this size needs."""
    start = log.prefix + "tile/"
    present = {name for name in log.files.names if name.startswith(start)}
    needed = 0
    for level, index, width in tiles_at(log.size):
        paths = [tile_path(level, index, width)]
        paths += [tile_path("entries", index, width)] if level == 0 else []
        for path in paths:
            needed += 1
            if log.prefix + path not in present:
                check.fail("The file is missing.", file=log.prefix + path)
            present.discard(log.prefix + path)
    for name in sorted(present):
        check_smaller(log, name.removeprefix(log.prefix), check)
    return needed


def check_full_tile(log: Log, level: int, index: int, check: Check) -> None:
    file = log.prefix + tile_path(level, index, WIDTH)
    try:
        if tree_root(split_hashes(log.tile(level, index))) != log.above(level, index):
            check.fail("The tile does not hash to what the tile above says.", file=file)
    except Missing:
        pass  # named among the files that must be there
    except Broken as broken:
        check.fail(f"{broken}.", file=file)


def check_smaller(log: Log, path: str, check: Check) -> None:
    file = log.prefix + path
    kind, index, width = parse_tile_path(path)
    full = log.width(0 if kind == "entries" else int(kind or 64), index)
    if not kind or not 0 < width < full:
        check.fail("The file is no part of this log at its newest checkpoint.", file=file)
        return
    try:
        if not log.read(tile_path(kind, index, full)).startswith(log.read(path)):
            check.fail("The file differs from the larger one that replaced it.", file=file)
    except Broken as broken:
        check.fail(f"{broken}.", file=file)


def check_root(log: Log, checkpoint: Signed, check: Check) -> None:
    try:
        if frontier_root(log.frontier(checkpoint.size)) != checkpoint.root:
            at = f"size {checkpoint.size:,}"
            check.fail(
                f"The tiles do not lead to the root that was signed at {at}.", file=log.prefix
            )
    except Missing as missing:
        if log.scoped:  # otherwise named among the files that must be there
            check.fail(f"{missing}, and the root at {checkpoint.size:,} needs it.")
    except Broken as broken:
        check.fail(f"{broken}.")


def check_paths(log: Log, report: Report) -> list[tuple[str, int, bytes]]:
    """A scoped log: the tiles that are here lead to the signed root, and each chosen entry is a leaf of them.

    Returns the chosen entries in order.
    """
    tiles, hashes = report.check("tiles"), report.check("entries")
    chosen, present = [], 0
    for name in (n for n in log.files.names if n.startswith(log.prefix)):
        path = name.removeprefix(log.prefix)
        if match := CHOSEN.fullmatch(path):
            chosen.append((int(match[1]), name))
        elif path.startswith("tile/"):
            present += 1
            kind, index, width = parse_tile_path(path)
            if not kind or kind == "entries" or width != log.width(int(kind), index):
                tiles.fail("The file is no part of a scoped log at its checkpoint.", file=name)
            elif width == WIDTH:
                check_path_tile(log, int(kind), index, tiles)
    for checkpoint in log.checkpoints:
        check_root(log, checkpoint, tiles)
    entries = [(name, index, body) for index, name in sorted(chosen)
               if (body := chosen_entry(log, name, index, hashes)) is not None]  # fmt: skip
    tiles.summary = f"{present:,} tiles lead to the signed root"
    hashes.summary = f"{len(chosen):,} chosen entries of {log.size:,} are leaves of the tree"
    return entries


def check_path_tile(log: Log, level: int, index: int, check: Check) -> None:
    file = log.prefix + tile_path(level, index, WIDTH)
    try:
        if tree_root(split_hashes(log.tile(level, index))) != log.above(level, index):
            check.fail("The tile does not hash to what the tile above says.", file=file)
    except Broken as broken:
        check.fail(f"It cannot be led to the root: {broken}.", file=file)


def chosen_entry(log: Log, file: str, index: int, check: Check) -> bytes | None:
    try:
        body = read(log.files, file)
        if index >= log.size:
            raise Broken("The log is not that long")
        tile, place = divmod(index, WIDTH)
        leaf = log.tile(0, tile)[32 * place : 32 * place + 32]
    except Broken as broken:
        check.fail(f"{broken}.", file=file, index=index)
        return None
    if leaf_hash(body) != leaf:
        what = f"The entry was changed: it does not hash to its leaf in {tile_path(0, tile, log.width(0, tile))}."
        check.fail(what, **asdict(Place(file, index, *names_in(body))))
    return body


# --- Entries ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where an entry stands, and what it calls itself."""

    file: str
    index: int
    entry_id: str
    event: str


def names_in(body: bytes) -> tuple[str, str]:
    """Id and event of an entry, as far as they can still be read."""
    try:
        fields = json.loads(body)
        return str(fields["id"])[:36], str(fields["event"])[:100]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode


def canonical(value: Any) -> bytes:
    """RFC 8785, for values without floats, with ASCII keys and integers within 2^53."""
    require_plain(value)
    return _encode(value).encode()


def require_plain(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.isascii():
                raise Broken(f"Its key {key!r} is not ASCII")
            require_plain(item)
    elif isinstance(value, list):
        for item in value:
            require_plain(item)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) > LARGEST_INTEGER):
        raise Broken("It holds a number that has no canonical form")


def _not_plain(text: str) -> Any:
    raise Broken("It holds a number that has no canonical form")


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) > LARGEST_INTEGER:
        _not_plain(text)
    return number


# Refuses numbers while it reads, which is faster than looking for them afterwards.
_read = json.JSONDecoder(
    parse_float=_not_plain, parse_constant=_not_plain, parse_int=_integer
).raw_decode


def parse_entry(body: bytes, origin: str) -> dict[str, Any]:
    try:
        text = body.decode()
        fields, _ = _read(text)
        if not body.isascii():
            require_plain(fields)
        same = _encode(fields) == text
    except (ValueError, RecursionError):
        raise Broken("It is not JSON") from None
    if not same:
        raise Broken("It is not in canonical form")
    if not isinstance(fields, dict) or fields.get("schema") != ENTRY_SCHEMA:
        raise Broken("Its schema is unknown")
    if fields.keys() != FIELDS:
        raise Broken("It has other fields than its schema")
    private = fields["private"] if fields["private"] is not None else {}
    if (
        {type(fields[name]) for name in TEXTS} != {str}
        or {type(fields[name]) for name in OBJECTS} != {dict}
        or type(private) is not dict
    ):
        raise Broken("It has a field of the wrong type")
    if private and private.keys() != PRIVATE_FIELDS:
        raise Broken("Its private payload has other fields than its schema")
    if private and (private["alg"] != "A256GCM" or {type(x) for x in private.values()} != {str}):
        raise Broken("Its private payload is of an unknown kind")
    if fields["origin"] != origin:
        raise Broken(f"It belongs to the log {fields['origin']}")
    if not is_time(fields["occurred_at"]):
        raise Broken("Its time is not UTC with microseconds")
    return fields


FIELDS = TEXTS | OBJECTS | {"private"}


def is_time(text: object) -> bool:
    if not isinstance(text, str) or not TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def require_signature(fields: dict[str, Any], body: bytes, key: Key) -> None:
    """Over the entry without this field: cut out where its place is plain, written again where it is not."""
    schema = b'"schema":"credence-entry/1",'
    members = schema + b'"signature":' + _encode(fields["signature"]).encode() + b","
    before, _, after = body.partition(members)
    unsigned = before + schema + after
    if members in after:  # one of the two is within another field
        unsigned = canonical({name: value for name, value in fields.items() if name != "signature"})
    if not key.verify(b64(fields["signature"]), ENTRY_DOMAIN + unsigned):
        raise Broken(f"Its signature is not by {key.id}")


class Producer(NamedTuple):
    """A key that signs entries, as a delegation by the log key describes it."""

    key: Key
    not_before: str
    not_after: str


def parse_delegation(note: str, log_keys: Sequence[Key], origin: str) -> Producer:
    try:
        text = open_note(note.encode(), log_keys).text
    except (Broken, UnicodeEncodeError) as problem:
        raise Broken(f"The delegation cannot be trusted: {problem}") from None
    return read_delegation(text, origin)


def read_delegation(text: str, origin: str) -> Producer:
    lines = text.split("\n")
    if len(lines) != 6 or lines[0] != DELEGATION_HEADER or lines[4] != origin:
        raise Broken("The delegation is not one for this log")
    if not is_time(lines[2]) or not is_time(lines[3]):
        raise Broken("The delegation has no validity")
    return Producer(parse_vkey(lines[1]), lines[2], lines[3])


# --- The history of the keys, as the log itself tells it -----------------------------------------------------------


@dataclass(frozen=True)
class Introduced:
    """A producer key may sign the entries after `begin`, up to `end` where it was retired."""

    producer: Producer
    begin: int
    end: int | None = None


@dataclass(frozen=True)
class Window:
    """Hours of which a reconciliation entry says what was recorded in them."""

    index: int
    entry_id: str
    begin: str
    until: str
    events: dict[str, Any]


LONGEST_WINDOW = 10_000  # hours


class History:
    """What the entries say about the log itself, in order: its keys, its shards, what was erased and reconciled."""

    def __init__(self, log: Log, policy: Policy, check: Check) -> None:
        self.log = log
        self.check = check
        self.trusted = {key.id: key for key in policy.logs[log.origin]}
        self.log_keys: dict[str, Key] = {}  # that may sign entries from here on
        self.lost: dict[str, int] = {}  # key id -> the size up to which the key was still the log's
        self.ended: dict[str, int] = {}  # key id -> the last size that the key vouches for
        self.producers: dict[str, list[Introduced]] = {}
        self.notes: set[str] = set()
        self.erased: dict[str, int] = {}
        self.windows: list[Window] = []
        self.settled: set[int] = set()  # entries whose signatures were checked here
        self.opened: dict[str, Any] | None = None
        self.closed: tuple[int, str] | None = None  # index, and the origin that goes on

    def run(self, special: Iterable[tuple[str, int, bytes]]) -> None:
        """First what was lost, on the word of a key that the policy names: the policy does not name lost keys any more."""
        entries = []
        for file, index, body in special:
            try:
                entries.append((file, index, body, parse_entry(body, self.log.origin)))
            except Broken:
                continue  # named among all the entries
        for _, _, body, fields in entries:
            if fields["event"] == LOG_KEY_LOST:
                self._learn_lost(fields, body)
        for file, index, body, fields in entries:
            try:
                self._read(index, fields, body)
            except Broken as broken:
                place = Place(file, index, fields["id"], fields["event"])
                self.check.fail(f"{broken}.", **asdict(place))

    def _learn_lost(self, fields: dict[str, Any], body: bytes) -> None:
        signer, public = self.trusted.get(fields["producer"]), fields["public"]
        try:
            key, size = parse_vkey(str(public.get("vkey"))), public.get("ends_at_size")
            if signer is None or signer.id in self.lost or signer.id == key.id:
                return  # named where it is read in its turn
            require_signature(fields, body, signer)
        except Broken:
            return
        if key.name == self.log.origin and isinstance(size, int):
            self.trusted.setdefault(key.id, key)
            self.lost[key.id] = size

    def _read(self, index: int, fields: dict[str, Any], body: bytes) -> None:
        event, public = fields["event"], fields["public"]
        if event in BY_LOG | BY_EITHER:
            self.settled.add(index)
            if (index == 0) != (event == SHARD_OPENED):
                raise Broken("A log is opened by its first entry, and by no other")
            require_signature(fields, body, self._signer(index, fields))
        match event:
            case "audit.shard.opened":
                self.opened = public
                self._open(public)
            case "audit.shard.closed":
                self.closed = (index, str(public.get("next_origin")))
            case "audit.producer_key.introduced":
                self._introduce(index, public)
            case "audit.producer_key.retired":
                self._retire(index, public)
            case "audit.log_key.introduced":
                self._introduce_log_key(public)
            case "audit.log_key.retired" | "audit.log_key.lost":
                self._end_log_key(public)
            case "audit.subject.erased":
                for key_id in public.get("key_ids") or []:
                    self.erased.setdefault(str(key_id), index)
            case "audit.reconciliation":
                self.windows.append(self._window(index, fields))

    def _signer(self, index: int, fields: dict[str, Any]) -> Key:
        """A log key for what is said of keys; at the beginning any that the policy trusts and the entry itself names."""
        event, name = fields["event"], fields["producer"]
        if event in BY_EITHER and name in self.producers:
            return usable(self.producers[name], index, fields["occurred_at"]).key
        keys = self.log_keys
        if event == SHARD_OPENED:
            named = {*vkeys_in(fields["public"])}
            keys = {key.id: key for key in self.trusted.values() if key.vkey in named}
        elif event in {LOG_KEY_INTRODUCED, LOG_KEY_LOST} and name not in keys:
            # After a loss the new key, which the policy must name, speaks for itself.
            keys = {name: self.trusted[name]} if name in self.trusted else {}
        key = keys.get(name)
        if key is None or key.kind != ED25519 or index >= self.lost.get(name, self.log.size):
            raise Broken(
                "It opens or closes a log, introduces or ends a key, and is not signed by the log key"
            )
        return key

    def _open(self, public: dict[str, Any]) -> None:
        if public.get("entry_schema", ENTRY_SCHEMA) != ENTRY_SCHEMA:
            raise Broken(f"It announces entries of the schema {public.get('entry_schema')!r}")
        for vkey in vkeys_in(public):
            key = parse_vkey(vkey)
            if key.id in self.trusted:
                self.log_keys[key.id] = key

    def _introduce(self, index: int, public: dict[str, Any]) -> None:
        note = str(public.get("delegation"))
        producer = parse_delegation(note, list(self.log_keys.values()), self.log.origin)
        told = (public.get("vkey"), public.get("not_before"), public.get("not_after"))
        if told != (producer.key.vkey, producer.not_before, producer.not_after):
            raise Broken("What it says of the key is not what the delegation says")
        if producer.key.kind != ED25519:
            raise Broken("It introduces a key that signs no entries")
        self.producers.setdefault(producer.key.id, []).append(Introduced(producer, index))
        self.notes.add(note)

    def _retire(self, index: int, public: dict[str, Any]) -> None:
        key_id = "+".join(str(public.get("vkey")).split("+")[:2])
        known = self.producers.get(key_id)
        if not known:
            raise Broken(f"It retires the key {key_id}, which was never introduced")
        known[-1] = Introduced(known[-1].producer, known[-1].begin, index)

    def _introduce_log_key(self, public: dict[str, Any]) -> None:
        # The long name of an ML-DSA key stands in the note alone.
        named = str(public.get("note") or "").split("\n")[2:3]
        key = parse_vkey(str(public.get("vkey") or "".join(named)))
        if public.get("note"):
            self.notes.add(str(public["note"]))
        if key.name != self.log.origin:
            raise Broken(f"It introduces the key {key.id} of another log")
        if key.id not in self.trusted:
            raise Broken(
                f"It introduces the log key {key.id}, which neither the policy names nor a rotation that it trusts"
            )
        self.log_keys[key.id] = key

    def _end_log_key(self, public: dict[str, Any]) -> None:
        key_id = "+".join(str(public.get("vkey")).split("+")[:2])
        size = public.get("ends_at_size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise Broken("It does not say at which size the key ends")
        self.log_keys.pop(key_id, None)
        self.ended[key_id] = min(size, self.ended.get(key_id, size))

    def _window(self, index: int, fields: dict[str, Any]) -> Window:
        public = fields["public"]
        begin, until, events = public.get("from"), public.get("until"), public.get("events")
        if not is_time(begin) or not is_time(until) or not isinstance(events, dict):
            raise Broken("It is not from, until and events")
        if any(not text.endswith(":00:00.000000Z") for text in (begin, until)):
            raise Broken("It does not cover whole hours")
        if not 0 < len(hours_between(begin, until)) <= LONGEST_WINDOW:
            raise Broken("It covers no hours, or more than can be reconciled at once")
        return Window(index, fields["id"], begin, until, events)


def vkeys_in(public: dict[str, Any]) -> list[str]:
    """The verifier keys that entry 0 names."""
    vkeys = public.get("vkeys")
    return [str(x) for x in (vkeys if isinstance(vkeys, list) else []) + [public.get("vkey")] if x]


def usable(introduced: Sequence[Introduced], index: int, at: str) -> Producer:
    """The producer as it was introduced last before this entry. Raises Broken where it may not sign it."""
    for known in reversed(introduced):
        if known.begin >= index:
            continue
        if known.end is not None and index > known.end:
            raise Broken(f"Its key was retired at entry {known.end}")
        if not known.producer.not_before <= at <= known.producer.not_after:
            raise Broken(f"Its time {at} lies outside of the validity of its key")
        return known.producer
    raise LookupError


def hours_between(begin: str, until: str) -> list[str]:
    """The hours from `begin` up to `until`, as the first 13 characters of their times; few more than can be reconciled."""
    hours: list[str] = []
    hour, end = datetime.fromisoformat(begin), datetime.fromisoformat(until)
    while hour < end and len(hours) <= LONGEST_WINDOW:
        hours.append(time_text(hour)[:13])
        hour += timedelta(hours=1)
    return hours


# --- Checking of entries ------------------------------------------------------------------------------------------


Found = dict[str, tuple[Log, int, bytes]]  # entry id -> where it is, of the entries asked for


@dataclass
class Checked:
    """What a worker found out about a run of entries."""

    form: Check = field(default_factory=lambda: Check("form"))
    signatures: Check = field(default_factory=lambda: Check("signatures"))
    times: Check = field(default_factory=lambda: Check("times"))
    erasures: Check = field(default_factory=lambda: Check("erasures"))
    reconciled: Check = field(default_factory=lambda: Check("reconciled"))
    strangers: dict[str, tuple[Problem, int]] = field(default_factory=dict)
    found: list[tuple[str, int, bytes]] = field(default_factory=list)
    entries: int = 0
    private: int = 0
    heartbeats: int = 0
    ids: dict[tuple[int, str], bytearray] = field(default_factory=dict)
    oldest: str = "~"  # after every time
    newest: str = ""
    silences: list[tuple[str, str]] = field(default_factory=list)
    is_disordered: bool = False


@dataclass(frozen=True)
class CheckEntries:
    """Canonical form, schema, signature, time: each entry by itself, given what the history says of keys and windows."""

    log: Log
    producers: dict[str, list[Introduced]]
    settled: set[int]
    wanted: set[str]
    bound_sizes: list[int]
    bound_times: list[str]  # the entries before each of these sizes existed at these times
    hours: dict[str, int]  # hour -> the number of the window that reconciles it
    windows: list[int]  # the index of each reconciliation
    erased: dict[str, int]
    closed: int | None

    def __call__(self, bundles: tuple[int, int]) -> Checked:
        return self.run(self.log.entries(*bundles))

    def run(self, entries: Iterable[tuple[str, int, bytes]]) -> Checked:
        found = Checked()
        for file, index, body in entries:
            found.entries += 1
            try:
                fields = parse_entry(body, self.log.origin)
            except Broken as broken:
                place = Place(file, index, *names_in(body))
                found.form.fail(f"{broken}.", **asdict(place))
                continue
            self._signature(file, index, body, fields, found)
            self._time(file, index, fields, found)
            if fields["id"] in self.wanted:
                found.found.append((fields["id"], index, body))
            if fields["private"] is not None:
                found.private += 1
                self._private(file, index, fields, found)
            found.heartbeats += fields["event"] == HEARTBEAT
        return found

    def _signature(
        self, file: str, index: int, body: bytes, fields: dict[str, Any], found: Checked
    ) -> None:
        """By a key that an earlier entry introduced, within its time."""
        if index in self.settled:
            return
        event, name = fields["event"], fields["producer"]
        try:
            if (index == 0) != (event == SHARD_OPENED):
                raise Broken("A log is opened by its first entry, and by no other")
            if event.startswith("audit.") and ABOUT_KEYS.match(event):
                raise Broken("It says something about keys that this verifier does not know")
            if self.closed is not None and index > self.closed:
                raise Broken(f"The log was closed by entry {self.closed}")
            key = usable(self.producers.get(name, ()), index, fields["occurred_at"]).key
            require_signature(fields, body, key)
        except LookupError:
            what = (
                f"No earlier entry introduced its key {name} (later entries by it are not named)."
            )
            place = Place(file, index, fields["id"], event)
            first, count = found.strangers.get(name, (Problem(what, **asdict(place)), 0))
            found.strangers[name] = (first, count + 1)
        except Broken as broken:
            place = Place(file, index, fields["id"], event)
            found.signatures.fail(f"{broken}.", **asdict(place))

    def _time(self, file: str, index: int, fields: dict[str, Any], found: Checked) -> None:
        at = fields["occurred_at"]
        bound = bisect_right(self.bound_sizes, index)
        if bound < len(self.bound_sizes) and at > self.bound_times[bound]:
            what = (
                f"It says that it occurred at {at}, after {self.bound_times[bound]}, when others "
                f"vouched for a checkpoint that holds it."
            )
            found.times.fail(what, **asdict(Place(file, index, fields["id"], fields["event"])))
        window = self.hours.get(at[:13])
        if window is not None and index < self.windows[window]:
            ids = found.ids.setdefault((window, fields["event"]), bytearray())
            ids += packed(fields["id"])
        elif window is not None and index > self.windows[window]:
            what = f"Its time {at} was reconciled by entry {self.windows[window]}, without it."
            found.reconciled.fail(what, **asdict(Place(file, index, fields["id"], fields["event"])))
        if at[:16] != found.newest[:16] and found.newest:
            apart = datetime.fromisoformat(at) - datetime.fromisoformat(found.newest)
            if apart > SILENCE:
                found.silences.append((found.newest, at))
            found.is_disordered |= -apart > OUT_OF_ORDER
        found.newest = max(at, found.newest)
        found.oldest = min(at, found.oldest)

    def _private(self, file: str, index: int, fields: dict[str, Any], found: Checked) -> None:
        erased = self.erased.get(fields["private"]["key_id"])
        if erased is not None and index > erased:
            what = f"It is encrypted under a key that entry {erased} says was destroyed."
            place = Place(file, index, fields["id"], fields["event"])
            found.erasures.fail(what, **asdict(place))


def packed(entry_id: str) -> bytes:
    """Sixteen bytes that sort as identifiers do; of what is no identifier, bytes that no identifier has."""
    if ENTRY_ID.fullmatch(entry_id):
        return bytes.fromhex(entry_id.replace("-", ""))
    return hashlib.sha256(entry_id.encode()).digest()[:16]


def unpacked(entry_id: bytes) -> str:
    text = entry_id.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Walk:
    """Goes through the entries of a log in order, and carries from one run to the next what later ones need."""

    def __init__(self, report: Report, log: Log, history: History, wanted: set[str]) -> None:
        self.log = log
        self.history = history
        self.wanted = wanted
        self.form = report.check("form")
        self.signatures = history.check
        report.checks.append(self.signatures)
        self.times, self.reconciled = report.check("times"), report.check("reconciled")
        self.erasures = report.check("erasures")
        self.found: Found = {}
        self.private = self.heartbeats = self.entries = 0
        self.silences: deque[tuple[str, str]] = deque(maxlen=PROBLEMS_KEPT)
        self.silent = 0
        self._strangers: set[str] = set()
        self._ids: dict[tuple[int, str], bytearray] = {}
        self._newest = ""
        self._done = 0  # windows that were reconciled

    def run(self, crew: Crew, bounds: Sequence[tuple[int, str]], chosen: Sequence[Any]) -> None:
        """All the entries, or those that were chosen for a scoped bundle."""
        task = self._task(bounds)
        if self.log.scoped:
            self._take(task.run(chosen), lambda: iter(chosen))
        else:
            bundles = ranges(-(-self.log.size // WIDTH), BUNDLES_AT_ONCE)
            results = crew.each(task, bundles, f"Checking {self.log.origin}")
            for numbers, checked in zip(bundles, results, strict=True):
                self._take(checked, partial(self.log.entries, *numbers))
                self._reconcile(numbers[1] * WIDTH)
        keys = len(self.history.producers)
        self.form.summary = "every entry is in canonical form and of the known schema"
        self.signatures.summary = f"every entry is signed, within its time, under {keys} introduced producer key{'s' * (keys != 1)}"
        self.times.summary = (
            f"no entry is later than any of {len(bounds):,} times that others vouch for, or backdated"
            if bounds
            else "no entry is backdated; nobody else vouches for a time"
        )
        self.reconciled.summary = (
            f"{self._done:,} reconciliations are those of the entries"
            if self.history.windows
            else "there are no reconciliations"
        )
        self.erasures.summary = f"{len(self.history.erased):,} keys were destroyed, none is used after"  # fmt: skip

    def _task(self, bounds: Sequence[tuple[int, str]]) -> CheckEntries:
        history = self.history
        hours: dict[str, int] = {}
        # Without all the entries there is nothing to reconcile.
        windows = [] if self.log.scoped else history.windows
        for number, window in enumerate(windows):
            for hour in hours_between(window.begin, window.until):
                if hour in hours:
                    what = f"It covers {hour}, as entry {windows[hours[hour]].index} does."
                    self.reconciled.fail(what, index=window.index, entry_id=window.entry_id)
                hours.setdefault(hour, number)
        return CheckEntries(
            self.log,
            history.producers,
            history.settled,
            self.wanted,
            [size for size, _ in bounds],
            [time for _, time in bounds],
            hours,
            [window.index for window in windows],
            history.erased,
            history.closed[0] if history.closed else None,
        )

    def _take(
        self, checked: Checked, again: Callable[[], Iterator[tuple[str, int, bytes]]]
    ) -> None:
        for ours, theirs in (
            (self.form, checked.form),
            (self.signatures, checked.signatures),
            (self.times, checked.times),
            (self.reconciled, checked.reconciled),
            (self.erasures, checked.erasures),
        ):
            ours.add(theirs)
        for name, (first, count) in checked.strangers.items():
            self.signatures.add(Check("", "", [] if name in self._strangers else [first], count))
            self._strangers.add(name)
        for entry_id, index, body in checked.found:
            if entry_id in self.found:
                self.form.fail("Its identifier is that of an earlier entry.", index=index)
            else:
                self.found[entry_id] = (self.log, index, body)
        for place, ids in checked.ids.items():
            self._ids.setdefault(place, bytearray()).extend(ids)
        self.entries += checked.entries
        self.private += checked.private
        self.heartbeats += checked.heartbeats
        self._take_times(checked, again)

    def _take_times(
        self, checked: Checked, again: Callable[[], Iterator[tuple[str, int, bytes]]]
    ) -> None:
        if not checked.newest:
            return
        silences = checked.silences
        if self._newest:
            apart = datetime.fromisoformat(checked.oldest) - datetime.fromisoformat(self._newest)
            silences = [(self._newest, checked.oldest)] * (apart > SILENCE) + silences
            if -apart > OUT_OF_ORDER:
                checked.is_disordered = True
        self.silent += len(silences)
        self.silences.extend(silences)
        if checked.is_disordered:
            self._name_backdated(again())
        self._newest = max(self._newest, checked.newest)

    def _name_backdated(self, entries: Iterator[tuple[str, int, bytes]]) -> None:
        newest = self._newest
        for file, index, body in entries:
            try:
                fields = parse_entry(body, self.log.origin)
            except Broken:
                continue
            at = fields["occurred_at"]
            if newest and at < newest:
                apart = datetime.fromisoformat(newest) - datetime.fromisoformat(at)
                if apart > OUT_OF_ORDER:
                    what = f"It is backdated: it says {at}, and an entry before it says {newest}."
                    place = Place(file, index, fields["id"], fields["event"])
                    self.times.fail(what, **asdict(place))
            newest = max(newest, at)

    def _reconcile(self, size: int) -> None:
        """The windows whose entry is among the first `size`: all that they count came before it."""
        windows = self.history.windows
        while self._done < len(windows) and windows[self._done].index < size:
            window, number = windows[self._done], self._done
            held = {event: ids for (of, event), ids in self._ids.items() if of == number}
            for event in sorted({*held, *window.events}):
                self._compare(window, event, held.get(event, bytearray()))
                self._ids.pop((number, event), None)
            self._done += 1

    def _compare(self, window: Window, event: str, held: bytearray) -> None:
        said = window.events.get(event)
        ids = sorted(bytes(held[i : i + 16]) for i in range(0, len(held), 16))
        digest = hashlib.sha256()
        for entry_id in ids:
            digest.update(unpacked(entry_id).encode() + b"\n")
        if said == {"count": len(ids), "ids_sha256": digest.hexdigest()} or (not ids and not said):
            return
        count = said.get("count") if isinstance(said, dict) else 0
        other = "and they are others" if count == len(ids) else f"and the log holds {len(ids):,}"
        what = f"It says that {count} entries {event} were recorded from {window.begin} until {window.until}, {other}."
        self.reconciled.fail(
            what, index=window.index, entry_id=window.entry_id, event=RECONCILIATION
        )


# --- Checkpoints: who signed them ---------------------------------------------------------------------------------


def check_checkpoints(
    report: Report, files: Files, prefix: str, policy: Policy, scoped: bool
) -> tuple[Log, dict[str, bytes]] | None:
    """Every checkpoint is signed by the log; None where that leaves nothing to check the tiles against.

    Also those that no key signed that is known so far: the log may name a key that was lost.
    """
    check, checkpoints, strangers = report.check("checkpoint"), [], dict[str, bytes]()
    for name in files.names:
        match = CHECKPOINT.search(name) if "checkpoint" in name else None
        if match is None or name[: match.start(1)] != prefix:
            continue
        try:
            note = read(files, name)
            origin = note.split(b"\n")[0].decode(errors="replace")
            checkpoints.append(read_checkpoint(name, note, policy.keys(origin)))
        except Unsigned:
            strangers[name] = note
        except Broken as broken:
            check.fail(f"No log that the policy names signed this: {broken}.", file=name)
    if len({(c.origin, c.size) for c in checkpoints}) != len(
        {(c.origin, c.size, c.root) for c in checkpoints}
    ):
        check.fail("Two roots were signed for one size: the log was forked.", file=prefix)
    if len({c.origin for c in checkpoints}) > 1:
        check.fail("The checkpoints are of different logs.", file=prefix)
    for checkpoint in checkpoints:
        match = CHECKPOINT.search(checkpoint.file)
        if match and match[2] and int(match[2]) != checkpoint.size:
            what = f"Its name is not its size, {checkpoint.size:,}."
            check.fail(what, file=checkpoint.file)
    if not checkpoints or min(c.size for c in checkpoints) == 0:
        for name in strangers:
            check.fail(
                "No log that the policy names signed this: no known key signed it.", file=name
            )
        check.fail("There is no checkpoint of a log with entries.", file=prefix)
    if check.count:
        return None
    log = Log(files, prefix, checkpoints, scoped)
    root = base64.b64encode(log.root).decode()
    check.summary = f"{log.origin} at {log.size:,} entries; signed root {root}"
    report.logs.append(
        {
            "folder": prefix,
            "origin": log.origin,
            "size": log.size,
            "root": root,
            "signed_by": sorted({key.id for key in log.newest.log_keys}),
        }
    )
    return log, strangers


class Unsigned(Broken):
    """No key of the log that is known signed it."""


def read_checkpoint(name: str, note: bytes, keys: Sequence[Key]) -> Signed:
    opened = None
    try:
        opened = open_note(note, keys)
    except Broken as broken:
        if "no known key" in str(broken):
            raise Unsigned(str(broken)) from None
        raise
    at = parse_checkpoint(opened.text)
    digest = hashlib.sha256(note).digest()
    signed = Signed(name, *at, digest, opened.signatures, opened.unchecked)
    if not signed.log_keys:
        raise Unsigned("no known key of the log signed it")
    return signed


def check_vouched(log: Log, history: History, strangers: dict[str, bytes], check: Check) -> None:
    """A key that was retired or lost vouches for no checkpoint beyond the size at which it ended."""
    for name, note in strangers.items():
        try:
            lost = [history.trusted[key_id] for key_id in history.lost]
            signed = read_checkpoint(name, note, lost)
            log.checkpoints.append(signed)
        except Broken as broken:
            check.fail(f"No log that the policy names signed this: {broken}.", file=name)
    for checkpoint in log.checkpoints:
        ended = {key.id: history.ended.get(key.id) for key in checkpoint.log_keys}
        if all(size is not None and size < checkpoint.size for size in ended.values()):
            said = ", ".join(f"{key_id} (ended at {size:,})" for key_id, size in ended.items())
            what = f"At size {checkpoint.size:,} it is signed only by what no longer vouches for it: {said}."
            check.fail(what, file=checkpoint.file)
    log.checkpoints.sort(key=lambda checkpoint: checkpoint.size)


def missing_signatures(log: Log, policy: Policy, history: History) -> Iterator[str]:
    """Keys of this log that should have signed its newest checkpoint beside the others, and did not."""
    signed = {key.id for key in (*log.newest.log_keys, *log.newest.unchecked)}
    for key in policy.logs.get(log.origin, ()):
        if key.kind == ML_DSA_44 and key.id not in signed and key.id not in history.ended:
            yield f"The newest checkpoint of {log.origin} is not signed by its ML-DSA-44 key {key.id}."


# --- Witnesses and time -------------------------------------------------------------------------------------------


def cosigners(checkpoint: Signed, policy: Policy) -> dict[str, int]:
    """The policy's witnesses that cosigned, and when, in Unix seconds."""
    names = {key: name for name, key in policy.witnesses.items()}
    return {names[s.key]: s.time for s in checkpoint.by if s.key in names and s.time is not None}


def check_witnesses(report: Report, logs: Sequence[Log], policy: Policy, links: set[str]) -> None:
    """The newest checkpoint of each log has the quorum, or a newer shard that has it links to it."""
    if policy.quorum in {"", "none"} or not logs:
        return
    check = report.check("witnesses")
    for log, facts in zip(logs, report.logs, strict=True):
        found = cosigners(log.newest, policy)
        facts["witnesses"] = {
            name: time_text(moment(seconds)) for name, seconds in sorted(found.items())
        }
        if policy.is_met(set(found)) or log.origin in links:
            continue
        unknown = [key.name for key in log.newest.unchecked]
        here = f"cosigned by {', '.join(sorted(found))}" if found else "cosigned by no witness"
        here += f"; not checkable here: {', '.join(unknown)}" if unknown else ""
        what = f"The quorum {policy.quorum!r} of the policy is not met at {log.size:,} entries: {here}."
        check.fail(what, file=log.newest.file)
    said = (f"{', '.join(facts.get('witnesses') or ['a newer shard'])}" for facts in report.logs)
    check.summary = f"the quorum {policy.quorum!r} is met: {'; '.join(said)}"


def moment(seconds: int) -> datetime:
    """Of a time that anyone may have written: what is no time is the end of time."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Authority:
    """The roots of time-stamp authorities that are trusted, where this installation can check tokens."""

    verifier: Any  # rfc3161_client's
    decode: Callable[[bytes], Any]

    def time_of(self, token: bytes, digest: bytes) -> datetime:
        """When the authority saw these bytes. Raises Broken."""
        try:
            response = self.decode(token)
            self.verifier.verify(response, digest)
        except Exception as problem:  # noqa: BLE001  # a parser of another's, on hostile bytes
            raise Broken(
                f"The token does not hold: {str(problem)[:200] or type(problem).__name__}"
            ) from None
        at: datetime = response.tst_info.gen_time
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def time_authority(pem: Sequence[bytes]) -> Authority:
    """Raises Unavailable where tokens cannot be checked here, Broken where the roots are no certificates."""
    try:
        client = importlib.import_module("rfc3161_client")
    except ImportError:
        raise Unavailable("the package rfc3161-client is not installed") from None
    builder = client.VerifierBuilder(roots=[], intermediates=[])
    try:
        roots = {root for data in pem for root in load_pem_x509_certificates(data)}
    except ValueError as problem:
        raise Broken(
            f"The roots of the time-stamp authority are no certificates: {problem}"
        ) from None
    for root in sorted(roots, key=lambda certificate: certificate.serial_number):
        builder = builder.add_root_certificate(root)
    return Authority(builder.build(), client.decode_timestamp_response)


def check_timestamps(
    report: Report, log: Log, facts: dict[str, Any], roots: bytes | None
) -> list[tuple[int, datetime]]:
    """Each token is an authority's word for the checkpoint of its name. (Size, time) of those that hold."""
    tokens = [name for name in log.files.names
              if name.startswith(log.prefix) and TIMESTAMP.search(name)]  # fmt: skip
    if not tokens:
        return []
    own = [name for name in log.files.names if TSA_ROOTS.search(name)]
    try:
        pem = [roots] if roots is not None else [read(log.files, name) for name in own]
        if not pem:
            raise Unavailable("no root of a time-stamp authority was given with --tsa-root")
        authority = time_authority(pem)
    except Unavailable as missing:
        report.not_checked.append(f"{len(tokens):,} time-stamp tokens of {log.origin}: {missing}")
        return []
    except Broken as broken:
        report.check("timestamps").fail(f"{broken}.", file=", ".join(own) if roots is None else "")
        return []
    check, times = report.check("timestamps"), []
    by_name = {checkpoint.file: checkpoint for checkpoint in log.checkpoints}
    for name in tokens:
        size = TIMESTAMP.search(name)[1]  # type: ignore[index]  # it was found above
        checkpoint = by_name.get(f"{log.prefix}checkpoints/{size}")
        try:
            if checkpoint is None:
                raise Broken(f"The checkpoint that it stamps, checkpoints/{size}, is not here")
            times.append((int(size), authority.time_of(read(log.files, name), checkpoint.digest)))
        except Broken as broken:
            check.fail(f"{broken}.", file=name)
    if roots is None:
        report.not_checked.append(
            "who the time-stamp authority is: its roots come from the bundle itself; give yours with --tsa-root"
        )
    check.summary = f"{len(times):,} time-stamp tokens hold"
    if times:
        facts["stamped"] = {"size": times[-1][0], "at": time_text(times[-1][1])}
        check.summary += (
            f"; the newest is of {times[-1][1]:%Y-%m-%d %H:%M:%S} UTC, at {times[-1][0]:,} entries"
        )
    return times


def time_bounds(
    log: Log, policy: Policy, stamped: Sequence[tuple[int, datetime]]
) -> list[tuple[int, str]]:
    """(size, time) in order of size: the entries before that size existed at that time, give or take a clock."""
    times: dict[int, datetime] = {}
    whole_second = timedelta(seconds=1)  # a cosignature tells no part of one
    for checkpoint in log.checkpoints:
        for seconds in cosigners(checkpoint, policy).values():
            if moment(seconds) < datetime.max.replace(tzinfo=UTC) - timedelta(days=2):
                at = moment(seconds) + whole_second
                times[checkpoint.size] = min(at, times.get(checkpoint.size, at))
    for size, at in stamped:
        times[size] = min(at, times.get(size, at))
    bounds, earliest = [], None
    for size in sorted(times, reverse=True):  # a larger tree holds what a smaller one holds
        earliest = times[size] if earliest is None else min(times[size], earliest)
        bounds.append((size, time_text(earliest + CLOCK_SKEW)))
    return bounds[::-1]


# --- Shards -------------------------------------------------------------------------------------------------------


def check_shards(report: Report, walks: Sequence[Walk]) -> set[str]:
    """Each shard goes on where the one before it ended. The origins that a newer shard vouches for."""
    check, links = report.check("shards"), set[str]()
    by_origin = {walk.log.origin: walk for walk in walks}
    for walk in walks:
        opened, origin = walk.history.opened or {}, walk.log.origin
        previous = opened.get("previous")
        if previous is None:
            _require_no_other(walk, walks, check)
            continue
        place = {"file": walk.log.prefix, "index": 0, "event": SHARD_OPENED}
        if not isinstance(previous, dict) or not isinstance(previous.get("origin"), str):
            check.fail("It does not say which shard went before.", **place)
            continue
        before = by_origin.get(previous["origin"])
        if before is None:
            report.not_checked.append(
                f"the shard before {origin}: {previous['origin'][:200]} is not in this bundle"
            )
        elif previous["origin"] in links:
            check.fail(f"{previous['origin']} goes on in two shards: the log was forked.", **place)
        elif what := unlinked(previous, before, origin):
            check.fail(what, **place)
        else:
            links.add(previous["origin"])
    for walk in walks:
        closed = walk.history.closed
        if closed and closed[1] not in by_origin and closed[0] == walk.log.size - 1:
            report.remarks.append(
                f"{walk.log.origin} was closed and goes on in {closed[1][:200]}, which is not here."
            )
    check.summary = f"{len(walks):,} shard{'s' * (len(walks) != 1)}, {len(links):,} of them continued by another"
    return links


def _require_no_other(walk: Walk, walks: Sequence[Walk], check: Check) -> None:
    for other in walks:
        if other.history.closed and other.history.closed[1] == walk.log.origin:
            check.fail(
                f"{other.log.origin} goes on here, and entry 0 names no shard before it.",
                file=walk.log.prefix,
                index=0,
                event=SHARD_OPENED,
            )


def unlinked(previous: dict[str, Any], before: Walk, origin: str) -> str:
    """In what way the shard before is not the one that is named; empty where it is."""
    log, closed = before.log, before.history.closed
    if closed is None or closed[0] != log.size - 1:
        return f"{log.origin} goes on in {origin}, and its last entry does not close it."
    if closed[1] != origin:
        return f"{log.origin} says that it goes on in {closed[1][:200]}, not in {origin}."
    if (previous.get("size"), previous.get("root")) != (log.size, log.root.hex()):
        return f"{log.origin} did not end as this says: size and root are others."
    digests = {c.digest.hex() for c in log.checkpoints if c.size == log.size}
    if previous.get("checkpoint_sha256") not in digests:
        return (
            f"The last checkpoint of {log.origin} is another note than the one that was published."
        )
    return ""


# --- Bundles and archives -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Digests:
    """SHA-256 and size of some files; None with the reason where one cannot be read."""

    files: Files

    def __call__(self, names: Sequence[str]) -> list[tuple[bytes, int] | str]:
        return [self._one(name) for name in names]

    def _one(self, name: str) -> tuple[bytes, int] | str:
        digest, size = hashlib.sha256(), 0
        try:
            with self.files.open(name) as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
                    size += len(chunk)
        except UNREADABLE as problem:
            return str(problem)
        return digest.digest(), size


def check_files(report: Report, files: Files, policy: Policy, crew: Crew) -> tuple[Files, bool]:
    """A bundle holds exactly what its signed manifest lists; an archive folder holds nothing but logs and keys.

    The files, with those in epochs beside the others; and whether the logs are scoped.
    """
    check = report.check("files")
    for problem in files.container_problems():
        check.fail(**asdict(problem))
    if {"manifest.json", "manifest.note"} & set(files.names):
        return files, check_manifest(files, policy, check, crew)
    for name in files.names:
        if not ARCHIVED.search(name):
            check.fail(
                "There is no manifest, and the file is no part of an archived log.", file=name
            )
    check.summary = f"{len(files.names):,} files of an archive folder, which has no manifest"
    epochs = [name for name in files.names if EPOCH.search(name)]
    return (check_epochs(report, files, epochs, crew) if epochs else files), False


def _compact(values: dict[str, Any]) -> Any:
    """Of the many digests of a large manifest, as little as possible."""
    if values.keys() == {"sha256", "size"}:
        return bytes.fromhex(values["sha256"]), int(values["size"])
    return values


def read_manifest(files: Files, name: str, schema: str) -> tuple[bytes, dict[str, Any]]:
    """Its bytes, and what they say. Raises Broken."""
    data = read(files, name)
    try:
        manifest = json.loads(data, object_hook=_compact)
    except (ValueError, TypeError, RecursionError):
        raise Broken("it is not JSON with digests") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != schema:
        raise Broken("its schema is unknown")
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not all(isinstance(at, tuple) for at in listed.values()):
        raise Broken("it lists no files")
    return data, manifest


def check_manifest(files: Files, policy: Policy, check: Check, crew: Crew) -> bool:
    """Whether the logs are scoped."""
    try:
        text = open_note(read(files, "manifest.note"), policy.log_keys()).text
    except Broken as broken:
        check.fail(f"The manifest is not signed: {broken}.", file="manifest.note")
        text = ""
    try:
        data, manifest = read_manifest(files, "manifest.json", BUNDLE_SCHEMA)
        if manifest.get("log_is") not in {"whole", "scoped"}:
            raise Broken("it does not say whether the log is whole or scoped")
    except Broken as broken:
        check.fail(f"The manifest cannot be read: {broken}.", file="manifest.json")
        return False
    if text and text != f"{MANIFEST_HEADER}\n{hashlib.sha256(data).hexdigest()}\n":
        check.fail("The manifest is not the one that was signed.", file="manifest.json")
    compare_files(files, manifest["files"], check, crew)
    check.summary = (
        f"{len(manifest['files']):,} files, exactly those that the signed manifest lists"
    )
    return bool(manifest["log_is"] == "scoped")


def compare_files(
    files: Files, listed: dict[str, tuple[bytes, int]], check: Check, crew: Crew
) -> None:
    present = set(files.names) - {"manifest.json", "manifest.note"}
    for name in sorted(listed.keys() - present):
        check.fail("The file is missing.", file=name)
    for name in sorted(present - listed.keys()):
        check.fail("The file is not in the manifest.", file=name)
    both = sorted(present & listed.keys())
    runs = [both[begin:end] for begin, end in ranges(len(both), FILES_AT_ONCE)]
    for names, digests in zip(runs, crew.each(Digests(files), runs, "Reading files"), strict=True):
        for name, found in zip(names, digests, strict=True):
            if isinstance(found, str):
                check.fail(f"The file cannot be read: {found}.", file=name)
            elif found != listed[name]:
                check.fail("The file was changed: its digest is not the listed one.", file=name)


@dataclass
class Epoch:
    """What a worker found in one epoch tar."""

    tar: str
    folder: str  # of its log
    first: int
    last: int
    members: dict[str, tuple[int, int]] = field(default_factory=dict)  # offset and size
    check: Check = field(default_factory=lambda: Check("epochs"))


@dataclass(frozen=True)
class ReadEpoch:
    """The members of an epoch tar are exactly those of its manifest."""

    files: Files

    def __call__(self, name: str) -> Epoch:
        match = EPOCH.search(name)
        assert match is not None
        folder = name[: match.start()] + "/" if match.start() else ""
        epoch = Epoch(name, folder, int(match[1]), int(match[2]))
        try:
            with self.files.open(name) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                listed = self._members(tar, epoch)
                self._manifest(tar, epoch, listed)
                self._rest(file, tar, epoch)
        except (tarfile.TarError, *UNREADABLE, ValueError) as problem:
            epoch.check.fail(f"The epoch cannot be read: {problem}.", file=name)
        return epoch

    def _members(self, tar: tarfile.TarFile, epoch: Epoch) -> dict[str, tuple[bytes, int]]:
        found = {}
        for member in tar:
            place = f"{epoch.tar}:{member.name}"
            if not member.isreg() or not EPOCH_MEMBER.fullmatch(member.name):
                epoch.check.fail("It is no part of an epoch.", file=place)
            elif member.name in found:
                epoch.check.fail("The file is there twice.", file=place)
            elif member.mtime or member.uid or member.gid or member.uname or member.gname:
                epoch.check.fail("The tar's header of this file was changed.", file=place)
            data = tar.extractfile(member)
            digest = hashlib.sha256()
            while data is not None and (chunk := data.read(1 << 20)):
                digest.update(chunk)
            found[member.name] = (digest.digest(), member.size)
            epoch.members[member.name] = (member.offset_data, member.size)
        return found

    def _manifest(
        self, tar: tarfile.TarFile, epoch: Epoch, found: dict[str, tuple[bytes, int]]
    ) -> None:
        file = tar.extractfile("manifest.json") if "manifest.json" in found else None
        epoch.members.pop("manifest.json", None)
        found.pop("manifest.json", None)
        try:
            manifest = json.loads(file.read() if file else b"", object_hook=_compact)
            if manifest["schema"] != EPOCH_SCHEMA:
                raise Broken("its schema is unknown")
            listed = manifest["files"]
            said = [manifest[name] for name in ("origin", "first", "last", "tree_size", "root")]
        except (Broken, KeyError, TypeError, ValueError, RecursionError) as problem:
            epoch.check.fail(f"The manifest cannot be read: {problem}.", file=epoch.tar)
            return
        for name in sorted(found.keys() | listed.keys()):
            if found.get(name) != listed.get(name):
                what = "The file was changed: its digest is not the listed one."
                what = what if name in found else "The file is missing."
                what = what if name in listed else "The file is not in the manifest."
                epoch.check.fail(what, file=f"{epoch.tar}:{name}")
        name = f"checkpoints/{epoch.last + 1:020d}"
        try:
            closing = tar.extractfile(name) if name in found else None
            at = parse_checkpoint(split_note(closing.read() if closing else b"")[0])
        except Broken as broken:
            epoch.check.fail(f"Its closing checkpoint cannot be read: {broken}.", file=epoch.tar)
            return
        named = [at.origin, epoch.first, epoch.last, at.size]
        roots = {at.root.hex(), base64.b64encode(at.root).decode()}
        if said[:4] != named or at.size != epoch.last + 1 or said[4] not in roots:
            what = "The manifest, the name of the tar and its closing checkpoint do not agree."
            epoch.check.fail(what, file=epoch.tar)

    def _rest(self, file: IO[bytes], tar: tarfile.TarFile, epoch: Epoch) -> None:
        """Between the members of a tar and after them there is nothing but zeros."""
        begin, gaps = 0, []
        for member in tar.getmembers():
            end = member.offset_data + member.size
            gaps.append((end, end + -end % 512))
            begin = end + -end % 512
        for start, stop in gaps:
            file.seek(start)
            if any(file.read(stop - start)):
                epoch.check.fail("There are bytes between its files.", file=epoch.tar)
        file.seek(begin)
        while chunk := file.read(1 << 20):
            if any(chunk):
                epoch.check.fail("There are bytes after its last file.", file=epoch.tar)
                return


def check_epochs(report: Report, files: Files, names: Sequence[str], crew: Crew) -> Files:
    """Each epoch is what its manifest says, each begins where the last ended, and none contradicts another."""
    check, members = report.check("epochs"), dict[str, Member]()
    plain, ends = set(files.names), dict[str, int]()
    entries = 0
    for epoch in crew.each(ReadEpoch(files), sorted(names), "Reading epochs"):
        check.add(epoch.check)
        expected = ends.get(epoch.folder, 0)
        if epoch.first != expected or epoch.last < epoch.first:
            what = f"The epoch begins with entry {epoch.first:,}, and {expected:,} is the next."
            check.fail(what, file=epoch.tar)
        ends[epoch.folder] = epoch.last + 1
        entries += epoch.last - epoch.first + 1
        for name, (offset, size) in epoch.members.items():
            full, member = epoch.folder + name, Member(epoch.tar, offset, size)
            if full in members or full in plain:
                both = WithEpochs(files, {"new": member} | {k: members[k] for k in {full} & members.keys()})  # fmt: skip
                if read(both, "new") != read(both, full):
                    what = "It holds other bytes than the archive does elsewhere."
                    check.fail(what, file=f"{epoch.tar}:{name}")
            members[full] = member
    check.summary = f"{len(names):,} epochs of {entries:,} entries are what their manifests say"
    report.not_checked.append(
        "that the archive's objects are locked, and until when: files in a folder do not show it"
    )
    return WithEpochs(files, members)


# --- Disclosed payloads and receipts ------------------------------------------------------------------------------


def check_disclosure(disclosed: Any, body: bytes) -> None:
    """The key is the one the entry commits to, and opens exactly the payload that is disclosed."""
    entry = json.loads(body)
    private = entry["private"]
    if private is None:
        raise Broken("The entry has no private payload")
    if not isinstance(disclosed, dict) or set(disclosed) != {"entry_id", "key", "payload"}:
        raise Broken("It is not entry_id, key and payload")
    key = b64(str(disclosed["key"]))
    commitment = hmac.digest(key, COMMITMENT_LABEL, "sha256")
    if not hmac.compare_digest(commitment, b64(private["key_commitment"])):
        raise Broken("The entry commits to another key")
    parts = (entry["origin"], entry["id"], entry["event"], entry["schema"], private["key_id"])
    data = "".join(f"{part}\n" for part in parts).encode()
    try:
        plaintext = AESGCM(key).decrypt(b64(private["nonce"]), b64(private["ct"]), data)
    except (InvalidTag, ValueError):
        raise Broken("The payload does not open under the key") from None
    if canonical(disclosed["payload"]) != plaintext or disclosed["entry_id"] != entry["id"]:
        raise Broken("The payload that is disclosed is not the one that was recorded")


@dataclass(frozen=True)
class Receipt:
    """What a decision's answer promises: that the log of this origin holds an entry with this leaf."""

    origin: str
    entry_id: str
    leaf: bytes
    key_id: str


def check_receipt(answer: dict[str, Any], policy: Policy | None) -> Receipt:
    """The receipt is by a delegated key. Without a policy, anyone may have made the delegation. Raises Broken."""
    receipt, decided_at = answer["receipt"], str(answer.get("decided_at"))
    wanted = ("entry_id", "leaf_hash", "key_id", "signature", "delegation")
    entry_id, leaf, key_id, signature, delegation = (str(receipt.get(name)) for name in wanted)
    origin = "".join(delegation.split("\n")[4:5])
    if policy is None:
        producer = read_delegation(split_note(delegation.encode())[0], origin)
    else:
        keys = [key for key in policy.log_keys() if key.name == origin]
        producer = parse_delegation(delegation, keys, origin)
    if producer.key.id != key_id or not producer.not_before <= decided_at <= producer.not_after:
        raise Broken("Its key was not delegated to at the time of the decision")
    message = "".join(f"{part}\n" for part in (origin, entry_id, leaf, decided_at)).encode()
    if not producer.key.verify(b64(signature), RECEIPT_DOMAIN + message):
        raise Broken("The signature of the receipt does not match")
    return Receipt(origin, entry_id, b64(leaf), key_id)


def require_kept(receipt: Receipt, found: Found, scoped: bool) -> None:
    """The log holds what the receipt promises."""
    if receipt.entry_id not in found:
        if scoped:
            raise Broken(f"The entry {receipt.entry_id} is not among those of this scoped bundle")
        raise Broken(
            f"The log holds no entry {receipt.entry_id}: the decision was promised and is not there"
        )
    log, index, body = found[receipt.entry_id]
    if log.origin != receipt.origin or leaf_hash(body) != receipt.leaf:
        raise Broken(f"Entry {index} of the log is not the one that was promised")


def read_answer(path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as problem:
        raise Broken(f"the receipt {path} cannot be read: {problem}") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("receipt"), dict):
        raise Broken(f"{path} is not a decision with its receipt")
    return answer


# --- The whole ----------------------------------------------------------------------------------------------------

GIVEN = "Trust: the policy that you gave."
NOT_GIVEN = (
    "Trust: NO POLICY WAS GIVEN. The keys come from the bundle itself, which shows that it is consistent,\n"
    "and not who made it. Give the policy file that you hold with --policy."
)


def verify(
    path: Path,
    policy: Path | None = None,
    receipts: Sequence[Path] = (),
    tsa_root: Path | None = None,
    crew: Crew | None = None,
) -> Report:
    """Check a bundle or an archive folder. Raises Broken where nothing can be read at all."""
    answers = {receipt: read_answer(receipt) for receipt in receipts}
    text = read_policy(policy)
    roots = read_path(tsa_root, "certificate") if tsa_root else None
    return verify_files(open_bundle(path), str(path), text, answers, roots, crew)


def read_policy(path: Path | None) -> str | None:
    try:
        return read_path(path, "policy").decode() if path else None
    except UnicodeDecodeError:
        raise Broken(f"the policy {path} cannot be read: it is not UTF-8") from None


def verify_files(
    files: Files,
    name: str,
    policy: str | None = None,
    answers: dict[Path, dict[str, Any]] | None = None,
    tsa_roots: bytes | None = None,
    crew: Crew | None = None,
) -> Report:
    """1. Keys and files. 2. Each log by itself. 3. What joins them. 4. Disclosures, receipts. 5. What was not checked."""
    report, answers, crew = Report(name), answers or {}, crew or Crew()
    trusted = check_policy(report, files, policy)
    files, scoped = check_files(report, files, trusted, crew)
    disclosed = {Path(file).stem: file for file in files.names if file.startswith("disclosed/")}
    wanted = disclosed.keys() | {str(a["receipt"].get("entry_id")) for a in answers.values()}
    walks = []
    for prefix in find_logs(files.names):
        opened = check_checkpoints(report, files, prefix, trusted, scoped)
        if opened is not None:
            walks.append(check_log(report, *opened, trusted, wanted, tsa_roots, crew))
    if not walks:
        report.check("log").fail("There is no log here whose checkpoint can be trusted.")
    else:
        links = check_shards(report, walks)
        check_witnesses(report, [walk.log for walk in walks], trusted, links)
    check_notes(report, files, walks)
    found = {entry_id: at for walk in walks for entry_id, at in walk.found.items()}
    check_disclosures(report, files, disclosed, found, walks)
    for key in (w.history.trusted[key_id] for w in walks for key_id in w.history.lost):
        trusted.trust(
            key
        )  # for receipts of before: that the log knows their delegation is required
    check_receipts(report, answers, trusted, found, walks)
    report.remarks += [remark for walk in walks for remark in remarks(walk, trusted)]
    report.not_checked += not_checked(walks, trusted, len(disclosed), len(answers))
    if isinstance(files, Zip) and not files.is_as_written:
        report.not_checked.append(
            "the zip apart from the files in it: another program packed it again"
        )
    return report


def check_log(
    report: Report,
    log: Log,
    strangers: dict[str, bytes],
    policy: Policy,
    wanted: set[str],
    tsa_roots: bytes | None,
    crew: Crew,
) -> Walk:
    """1. The tree. 2. What the log says of its own keys. 3. Checkpoints and their times. 4. Every entry."""
    signed, facts = report.checks[-1], report.logs[-1]
    chosen: list[tuple[str, int, bytes]] = []
    if log.scoped:
        special = chosen = check_paths(log, report)
    else:
        special = [(log.prefix + tile_path("entries", index // WIDTH, log.width(0, index // WIDTH)), index, body)
                   for index, body in check_tree(log, report, crew)]  # fmt: skip
    history = History(log, policy, Check("signatures"))
    history.run(special)
    check_vouched(log, history, strangers, signed)
    bounds = time_bounds(log, policy, check_timestamps(report, log, facts, tsa_roots))
    walk = Walk(report, log, history, wanted)
    walk.run(crew, bounds, chosen)
    return walk


def check_policy(report: Report, files: Files, text: str | None) -> Policy:
    """Whom to trust: the policy that was given, else the bundle's own; and the keys that those keys rotated to."""
    check, policy = report.check("policy"), Policy()
    own = sorted(name for name in files.names if OWN_POLICY.search(name))
    report.trust = GIVEN if text is not None else NOT_GIVEN
    try:
        texts = [read(files, name).decode() for name in own] if text is None else [text]
        policies = [parse_policy(each) for each in texts]
        policy = policies[-1] if policies else policy
        for key in [key for each in policies for keys in each.logs.values() for key in keys]:
            policy.trust(key)
    except (Broken, UnicodeDecodeError) as problem:
        check.fail(f"It cannot be used: {problem}.", file=", ".join(own) if text is None else "")
    if not policy.logs and not check.count:
        check.fail("There is none: give one with --policy.")
    rotated = trust_rotations(policy, files, check) if policy.logs else []
    check.summary = "log keys: " + ", ".join(
        key.id + (" (by rotation)" if key in rotated else "")
        for keys in policy.logs.values()
        for key in keys
    )
    return policy


def trust_rotations(policy: Policy, files: Files, check: Check) -> list[Key]:
    """The keys that a trusted key named in a rotation note, which a new Ed25519 key signed as well."""
    waiting = [name for name in files.names if ROTATION.search(name)]
    added: list[Key] = []
    while waiting:
        refused: dict[str, str] = {}
        for name in waiting:
            try:
                key = read_rotation(read(files, name), policy)
                added += [key] if key not in policy.logs.get(key.name, []) else []
                policy.trust(key)
            except Broken as broken:
                refused[name] = str(broken)
        if len(refused) == len(waiting):
            for name, what in refused.items():
                check.fail(f"The rotation cannot be trusted: {what}.", file=name)
            break
        waiting = list(refused)
    return added


def read_rotation(note: bytes, policy: Policy) -> Key:
    """The new key. Raises Broken unless a trusted key of the same log, or of an older shard of it, names it."""
    lines = split_note(note)[0].split("\n")
    if len(lines) != 5 or lines[0] != ROTATION_HEADER or not is_time(lines[3]):
        raise Broken("it is not header, origin, key and time")
    new = parse_vkey(lines[2])
    if new.name != lines[1] or new.kind == COSIGNATURE:
        raise Broken("its key is not one of the log that it names")
    family = new.name.rpartition("/")[0]
    trusted = [key for key in policy.log_keys() if key.name.rpartition("/")[0] == family]
    known = {*trusted, *([new] if new.kind == ED25519 else [])}
    signers = {signature.key for signature in open_note(note, list(known)).signatures}
    if not signers & {*trusted} or (new.kind == ED25519 and new not in signers):
        raise Broken("the old key and the new key did not both sign it")
    return new


def find_logs(names: Sequence[str]) -> list[str]:
    """The folders that hold a log: those with a checkpoint in them."""
    matches = (CHECKPOINT.search(name) for name in names if "checkpoint" in name)
    return sorted({match.string[: match.start(1)] for match in matches if match})


def check_notes(report: Report, files: Files, walks: Sequence[Walk]) -> None:
    """Every delegation and rotation beside the policy is one that a log introduced."""
    names = [name for name in files.names if DELEGATION.search(name) or ROTATION.search(name)]
    if not names or not walks:
        return
    check = report.check("keys")
    introduced = {note for walk in walks for note in walk.history.notes}
    for name in names:
        try:
            if read(files, name).decode(errors="replace") not in introduced:
                check.fail("The log never introduced this key.", file=name)
        except Broken as broken:
            check.fail(f"{broken}.", file=name)
    check.summary = "every delegation and rotation beside the policy is one that the log introduced"


def check_disclosures(
    report: Report, files: Files, disclosed: dict[str, str], found: Found, walks: Sequence[Walk]
) -> None:
    if not disclosed:
        return
    check = report.check("disclosed")
    erased = {key_id: at for walk in walks for key_id, at in walk.history.erased.items()}
    for entry_id, name in sorted(disclosed.items()):
        _, index, body = found.get(entry_id, (None, None, b""))
        try:
            if not body:
                raise Broken("The log holds no such entry")
            check_disclosure(read_json(files, name), body)
            at = erased.get(json.loads(body)["private"]["key_id"])
            if at is not None:
                raise Broken(f"Its key is here, and entry {at} says that it was destroyed")
        except (Broken, ValueError) as problem:
            check.fail(f"{problem}.", file=name, entry_id=entry_id, index=index)
    check.summary = f"{len(disclosed):,} disclosed payloads are those that were recorded"


def check_receipts(
    report: Report,
    answers: dict[Path, dict[str, Any]],
    policy: Policy,
    found: Found,
    walks: Sequence[Walk],
) -> None:
    if not answers:
        return
    check = report.check("receipts")
    scoped = any(walk.log.scoped for walk in walks)
    introduced = {note for walk in walks for note in walk.history.notes}
    for path, answer in answers.items():
        try:
            require_kept(check_receipt(answer, policy), found, scoped)
            if answer["receipt"]["delegation"] not in introduced:
                raise Broken("The log never introduced the key that signed it")
        except Broken as broken:
            check.fail(f"{broken}.", file=str(path))
    check.summary = f"{len(answers):,} receipts are signed, and their entries are in the log"


def remarks(walk: Walk, policy: Policy) -> Iterator[str]:
    """What is worth knowing, and no fault of the log."""
    log = walk.log
    yield from missing_signatures(log, policy, walk.history)
    if walk.silent and not log.scoped:
        longest = max(walk.silences, key=lambda s: apart(*s))
        yield (
            f"{log.origin} was silent {walk.silent:,} times for more than {SILENCE.seconds // 60} minutes, though a heartbeat "
            f"is due each minute: for {str(apart(*longest)).split('.')[0]} after {longest[0]}."
        )
    for before, after in pairwise(() if log.scoped else walk.history.windows):
        if before.until < after.begin:
            yield f"{log.origin} was not reconciled from {before.until} until {after.begin}."


def apart(begin: str, end: str) -> timedelta:
    return datetime.fromisoformat(end) - datetime.fromisoformat(begin)


def not_checked(
    walks: Sequence[Walk], policy: Policy, disclosed: int, receipts: int
) -> Iterator[str]:
    for walk in (walk for walk in walks if walk.log.scoped):
        yield (
            f"{walk.log.size - walk.entries:,} entries of {walk.log.origin}, which this scoped bundle leaves out: "
            "that they are in form and signed, and that none of them belongs to the scope"
        )
        yield f"silences and reconciliations of {walk.log.origin}: they need every entry"
    if any(walk.history.windows for walk in walks):
        yield "the tables that reconciliations count beside the entries: only the database shows them"
    for log in (walk.log for walk in walks):
        kinds = {
            KINDS[key.kind][2] for checkpoint in log.checkpoints for key in checkpoint.unchecked
        }
        for kind in sorted(kinds):
            yield f"{kind} signatures of {log.origin}: the package cryptography here does not know them"
    if not any(TIMESTAMP.search(name) for walk in walks for name in walk.log.files.names):
        by = "" if policy.quorum in {"", "none"} else " other than its witnesses"
        yield f"time: there are no RFC 3161 tokens, so that nobody{by} but the writer vouches for a time"
    if policy.quorum in {"", "none"}:
        yield "other views: the policy asks for no witness, so a second log shown to someone else would not be seen"
    private = sum(walk.private for walk in walks) - disclosed
    if private > 0:
        yield f"{private:,} private payloads: encrypted, and their keys are not disclosed here"
    erased = sum(len(walk.history.erased) for walk in walks)
    if erased:
        yield f"what lies under {erased:,} keys that the log says were destroyed: people were erased"
    if not receipts:
        yield "receipts: give decisions, as they were answered, with --receipt"


# --- Commands -----------------------------------------------------------------------------------------------------


def make_proof(files: Files, entry: str, origin: str | None = None) -> tuple[Proof, str]:
    """The proof of an entry, by its index or its identifier, and the origin of its log. Raises Broken."""
    logs = [unchecked_log(files, prefix) for prefix in find_logs(files.names)]
    logs = [log for log in logs if origin in {None, log.origin}]
    if not logs:
        raise Broken("there is no log here" + (f" of the origin {origin}" if origin else ""))
    if not entry.isascii() or not entry.isdigit():
        log, index = find_entry(logs, entry)
    elif len(logs) == 1:
        log, index = logs[0], int(entry)
    else:
        raise Broken(
            "there are several logs here; say which with --origin: "
            + ", ".join(log.origin for log in logs)
        )
    if index >= log.size:
        raise Broken(f"there is no entry {index} in a log of {log.size}")
    hashes = inclusion_proof(index, log.size, log.subtree)
    tile, place = divmod(index, WIDTH)
    leaf = log.tile(0, tile)[32 * place : 32 * place + 32]
    verify_inclusion(index, log.size, leaf, hashes, log.root)
    return Proof(index, tuple(hashes), read(files, log.newest.file)), log.origin


def unchecked_log(files: Files, prefix: str) -> Log:
    """A log as its newest checkpoint describes it, whoever signed that: whoever reads the proof checks the signature."""
    checkpoints = []
    for name in files.names:
        match = CHECKPOINT.search(name) if "checkpoint" in name else None
        if match is not None and name[: match.start(1)] == prefix:
            at = parse_checkpoint(split_note(read(files, name))[0])
            checkpoints.append(Signed(name, *at, b"", (), ()))
    return Log(files, prefix, checkpoints)


def find_entry(logs: Sequence[Log], entry_id: str) -> tuple[Log, int]:
    if not ENTRY_ID.fullmatch(entry_id):
        raise Broken(f"{entry_id!r} is neither an index nor the identifier of an entry")
    wanted = f'"id":"{entry_id}"'.encode()
    for log in logs:
        chosen = [(int(match[1]), name) for name in log.files.names if name.startswith(log.prefix)
                  and (match := CHOSEN.fullmatch(name.removeprefix(log.prefix)))]  # fmt: skip
        entries = ((name, index, read(log.files, name)) for index, name in chosen)
        for _, index, body in (*entries, *()) if chosen else log.entries(0, -(-log.size // WIDTH)):
            if wanted in body and names_in(body)[0] == entry_id:
                return log, index
    raise Broken(f"no log here holds the entry {entry_id}")


def check_proof(
    report: Report, data: bytes, leaf: bytes | None, policy: Policy | None, origin: str = ""
) -> None:
    """The checkpoint is signed by a log of the policy with its quorum, and the leaf is under its root."""
    signed, included = report.check("checkpoint"), report.check("inclusion")
    try:
        proof = parse_proof(data)
        text = split_note(proof.checkpoint)[0]
        checkpoint = parse_checkpoint(text)
    except Broken as broken:
        included.fail(f"The proof cannot be read: {broken}.")
        return
    if origin and checkpoint.origin != origin:
        signed.fail(f"The proof is of the log {checkpoint.origin}, the receipt of {origin}.")
    if policy is None:
        signed.summary = f"{checkpoint.origin} at {checkpoint.size:,} entries; NOBODY'S SIGNATURE WAS CHECKED"  # fmt: skip
        report.not_checked.append("the signatures of the checkpoint: give the policy file that you hold with --policy")  # fmt: skip
    else:
        check_proof_signatures(signed, proof.checkpoint, checkpoint, policy)
    try:
        if leaf is None:
            raise Broken("there is no entry and no leaf hash to prove")
        verify_inclusion(proof.place, checkpoint.size, leaf, proof.hashes, checkpoint.root)
    except Broken as broken:
        included.fail(f"The proof does not hold: {broken}.", index=proof.place)
    included.summary = f"entry {proof.place:,} is in the log of {checkpoint.size:,}"


def check_proof_signatures(
    check: Check, note: bytes, checkpoint: Checkpoint, policy: Policy
) -> None:
    try:
        signed = read_checkpoint("", note, policy.keys(checkpoint.origin))
    except Broken as broken:
        check.fail(f"No log that the policy names signed this: {broken}.")
        return
    found = cosigners(signed, policy)
    if not policy.is_met(set(found)):
        check.fail(f"The quorum {policy.quorum!r} of the policy is not met: cosigned by {', '.join(sorted(found)) or 'no witness'}.")  # fmt: skip
    keys = ", ".join(sorted(key.id for key in signed.log_keys))
    witnesses = f", cosigned by {', '.join(sorted(found))}" if found else ""
    check.summary = f"{signed.origin} at {signed.size:,} entries, signed by {keys}{witnesses}"


def given_policy(report: Report, path: Path | None) -> Policy | None:
    """The policy of a command that has no bundle to take one from."""
    text = read_policy(path)
    report.trust = GIVEN if text is not None else NOT_GIVEN.replace("the bundle", "the file")
    if text is None:
        return None
    try:
        return parse_policy(text)
    except Broken as broken:
        raise Broken(f"the policy {path} cannot be used: {broken}") from None


def run_prove(options: argparse.Namespace) -> int:
    proof, origin = make_proof(open_bundle(options.bundle), options.entry, options.origin)
    data = proof_text(proof)
    if options.out is None:
        sys.stdout.write(data.decode())
        return 0
    options.out.write_bytes(data)
    print(f"{options.out}: entry {proof.place:,} of {origin}, {len(proof.hashes)} hashes.")
    print(f"Check it with: python verify.py verify-proof {options.out} --entry FILE --policy FILE")
    return 0


def run_verify_proof(options: argparse.Namespace) -> Report:
    report = Report(str(options.proof))
    policy = given_policy(report, options.policy)
    data = read_path(options.proof, "proof")
    if options.entry is None:
        leaf = b64(options.leaf_hash)
    else:
        leaf = leaf_hash(body := read_path(options.entry, "entry"))
        check = report.check("entry")
        try:
            text = split_note(parse_proof(data).checkpoint)[0]
            fields = parse_entry(body, parse_checkpoint(text).origin)
            check.summary = f"{fields['id']}  {fields['event']}, in canonical form"
        except Broken as broken:
            end = (
                "; the file ends in a newline, which no entry does" if body.endswith(b"\n") else ""
            )
            check.fail(f"{broken}{end}.", file=str(options.entry))
        report.not_checked.append("the entry's own signature: its key is introduced in the log, which a proof does not hold")  # fmt: skip
    check_proof(report, data, leaf, policy)
    return report


def run_verify_receipt(options: argparse.Namespace) -> Report:
    report = Report(str(options.decision))
    policy = given_policy(report, options.policy)
    answer, check = read_answer(options.decision), report.check("receipt")
    receipt = None
    try:
        receipt = check_receipt(answer, policy)
        check.summary = f"{receipt.key_id} promised entry {receipt.entry_id} of {receipt.origin}"
    except Broken as broken:
        check.fail(f"{broken}.")
    if policy is None:
        report.not_checked.append("who delegated to the key of the receipt: give the policy file that you hold with --policy")  # fmt: skip
    if options.proof is None:
        report.not_checked.append("that the log holds the entry: give its proof with --proof")
    else:
        data = read_path(options.proof, "proof")
        check_proof(report, data, receipt.leaf if receipt else None, policy, receipt.origin if receipt else "")  # fmt: skip
    report.not_checked.append("what the decision says beside its receipt: the entry in the log holds it")  # fmt: skip
    return report


def run_verify(options: argparse.Namespace) -> Report:
    show = sys.stderr if sys.stderr.isatty() else None
    crew = Crew(options.workers, show)
    try:
        return verify(options.bundle, options.policy, options.receipt, options.tsa_root, crew)
    except Broken as broken:
        report = Report(str(options.bundle), "Trust: nothing could be read.")
        report.check("files").fail(f"{broken}.")
        report.not_checked.append("everything")
        return report


def at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes")
    return int(text)


def verify_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Check an evidence bundle or an archive folder, offline.",
        epilog="Other commands, each with its own --help: prove, verify-proof, verify-receipt.",
    )
    add = parser.add_argument
    add("bundle", type=Path, help="a zip or a folder")
    add("--policy", type=Path, metavar="FILE", help="the policy file that you hold")
    receipt = "a decision as answered: its receipt, and that the log keeps what it promises"
    add("--receipt", type=Path, action="append", default=[], metavar="FILE", help=receipt)
    root = "certificates (PEM) of the time-stamp authorities that you trust"
    add("--tsa-root", type=Path, metavar="FILE", help=root)
    workers = "worker processes (default: one for each processor, %(default)s)"
    add("--workers", type=at_least_one, default=os.cpu_count() or 1, metavar="N", help=workers)
    add("--json", action="store_true", help="print the report as one JSON object")
    parser.set_defaults(run=run_verify)
    return parser


def prove_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.py prove",
        description="Write the proof (.tlog-proof) that the log of a bundle holds an entry.",
    )
    parser.add_argument("bundle", type=Path, help="a zip or a folder")
    parser.add_argument("entry", help="the identifier of the entry, or its index")
    several = "which log, where the bundle holds several shards"
    parser.add_argument("--origin", metavar="ORIGIN", help=several)
    out = "where to write it (default: on the screen)"
    parser.add_argument("--out", type=Path, metavar="FILE", help=out)
    parser.set_defaults(run=run_prove)
    return parser


def verify_proof_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.py verify-proof",
        description="Check that an entry is in a log, by its proof alone.",
    )
    parser.add_argument("proof", type=Path, help="the .tlog-proof")
    what = parser.add_mutually_exclusive_group(required=True)
    entry = "the exact bytes of the entry (as in the `chosen` folder of a scoped bundle)"
    what.add_argument("--entry", type=Path, metavar="FILE", help=entry)
    leaf = "the entry's leaf hash, as receipts hold it"
    what.add_argument("--leaf-hash", metavar="BASE64", help=leaf)
    parser.add_argument("--policy", type=Path, metavar="FILE", help="the policy file that you hold")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.set_defaults(run=run_verify_proof)
    return parser


def verify_receipt_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.py verify-receipt",
        description="Check the receipt of a decision; with --proof, that the log holds what it promises.",
    )
    parser.add_argument("decision", type=Path, help="the decision as it was answered (JSON)")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="the policy file that you hold")
    proof = "the .tlog-proof of the decision"
    parser.add_argument("--proof", type=Path, metavar="FILE", help=proof)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.set_defaults(run=run_verify_receipt)
    return parser


COMMANDS = {
    "prove": prove_parser,
    "verify-proof": verify_proof_parser,
    "verify-receipt": verify_receipt_parser,
}


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(given[0]) if given else None
    parser = command() if command else verify_parser()
    options = parser.parse_args(given[1:] if command else given)
    try:
        report = options.run(options)
    except (Broken, OSError) as problem:
        print(f"{parser.prog}: {problem}", file=sys.stderr)
        return 1
    if isinstance(report, int):
        return report
    text = json.dumps(report.as_json(), indent=2) if options.json else ""
    print(text or report.as_text(sys.stdout.isatty()))
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
