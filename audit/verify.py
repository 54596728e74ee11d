#!/usr/bin/env python3
"""Check a Credence evidence bundle, or an archive folder, offline.

    python verify.py BUNDLE [--policy FILE] [--receipt FILE ...] [--json]

BUNDLE is a zip or a folder. Needs Python 3.11 and the package `cryptography`: no network, no database, none of the
software that wrote the bundle. Exit code 0 only if everything that was checked holds; what was not checked is listed.

Hold the policy file yourself: a line `log <verifier key>` for each log, received by another way than the bundle, and a
line `quorum none`. Without it the keys come from the bundle, which shows that it is consistent but not who made it.

Formats: C2SP signed-note, tlog-checkpoint, tlog-tiles and tlog-policy; RFC 6962 (tree); RFC 8785 (canonical JSON).
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

WIDTH = 256  # hashes in a full tile
LOCAL_HEADER_BYTES = 30  # of a zip, before the name
JANUARY_1980 = 33  # as a zip writes it: the time of every file
EMPTY_ROOT = hashlib.sha256(b"").digest()
LARGEST_FILE = 512 * 1024 * 1024  # bytes that are read at once
LARGEST_INTEGER = 2**53 - 1
PROBLEMS_KEPT = 100  # of each check; all are counted

BUNDLE_SCHEMA = "credence-bundle/1"
MANIFEST_HEADER = "credence-manifest/v1"
DELEGATION_HEADER = "credence-delegation/v1"
ENTRY_SCHEMA = "credence-entry/1"
ENTRY_DOMAIN = b"credence-entry/v1\n"
RECEIPT_DOMAIN = b"credence-receipt/v1\n"
COMMITMENT_LABEL = b"credence-key-commitment/v1"
SHARD_OPENED = "audit.shard.opened"
KEY_INTRODUCED = "audit.producer_key.introduced"
SUBJECT_ERASED = "audit.subject.erased"

TEXTS = {"schema", "origin", "id", "event", "occurred_at", "request_id", "producer", "signature"}
OBJECTS = {"actor", "subject", "public"}
PRIVATE_FIELDS = {"alg", "nonce", "ct", "key_id", "key_commitment"}
TILE_PATH = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)
CHECKPOINT = re.compile(r"(?:^|/)(checkpoint|checkpoints/\d{20})$", re.ASCII)
OWN_POLICY = re.compile(r"(^|/)trust/(\d+/)?policy$", re.ASCII)
DELEGATION = re.compile(r"(^|/)trust/delegations/[^/]+\.note$")
ARCHIVED = re.compile(
    r"/(tile/.+|checkpoints/\d{20}|trust/\d+/policy|trust/delegations/[^/]+\.note)$", re.ASCII
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class Broken(Exception):
    """Something that was read is not what it must be; the message says in what way."""


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


@dataclass
class Report:
    """Everything that was checked, and everything that was not."""

    bundle: str
    trust: str = ""
    checks: list[Check] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
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
        lines += ["", "Not checked:", *(f"  - {item}" for item in self.not_checked), ""]
        failed = sum(check.count for check in self.checks)
        verdict = f"{green}Everything that was checked holds.{plain}"
        if not self.holds:
            verdict = (
                f"{red}This bundle does not hold: {failed:,} problem{'s' * (failed != 1)}.{plain}"
            )
        return "\n".join([*lines, f"{bold}{verdict}"])


# --- Files of a folder or of a zip --------------------------------------------------------------------------------


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
        files = (p for p in path.rglob("*") if p.is_symlink() or not p.is_dir())
        self.names = sorted(p.relative_to(path).as_posix() for p in files)

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
        files = [info for info in self._zip.infolist() if not info.is_dir()]
        self.names = sorted(info.filename for info in files)
        # One changed byte takes one header out of the form, never most of them.
        self.is_as_written = sum(map(self._is_as_written, files)) * 2 > len(files)

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """The bytes whatever the zip's own checksum says, where it is as written: our digests say what was changed."""
        if not self.is_as_written:
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
        return dated and info.external_attr == 0o644 << 16 and not info.extra

    def _changed_headers(self) -> Iterator[Problem]:
        """Stored files one after another, their directory, the end: no times, no comments, no gaps."""
        files = self._zip.infolist()
        position, directory = 0, b""
        with self._path.open("rb") as raw:
            for info in files:
                name, size = info.filename.encode(), info.file_size
                numbers = (20, info.flag_bits & 0x800, 0, 0, JANUARY_1980, info.CRC)
                fields = struct.pack("<HHHHHLLLHH", *numbers, size, size, len(name), 0)
                header = b"PK\x03\x04" + fields + name
                raw.seek(position)
                if raw.read(len(header)) != header:
                    yield Problem("The zip's header of this file was changed.", info.filename)
                attributes = struct.pack("<HHHLL", 0, 0, 0, 0o644 << 16, position)
                directory += b"PK\x01\x02\x14\x03" + fields + attributes + name
                position += len(header) + size
            counts = (0, 0, len(files), len(files), len(directory), position, 0)
            raw.seek(position)
            if raw.read() != directory + b"PK\x05\x06" + struct.pack("<HHHHLLH", *counts):
                yield Problem("The zip's directory was changed.", self._path.name)


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
            data = file.read(LARGEST_FILE + 1)
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


# --- Keys, signed notes, policy -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A public Ed25519 key and its name; `id` is `name+<8 hex>`, as entries name it."""

    name: str
    id: str
    public: bytes

    @property
    def vkey(self) -> str:
        return f"{self.id}+{base64.b64encode(bytes([1]) + self.public).decode()}"

    def verify(self, signature: bytes, message: bytes) -> bool:
        try:
            _public_key(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@lru_cache(maxsize=64)
def _public_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def b64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Broken(f"{text[:20]!r} is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Broken(f"{text[:20]!r} is not canonical base64")
    return data


def parse_vkey(text: str) -> Key:
    """`name+<key id>+<type and key>`; the key id is computed again and must be the same."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0] or any(c.isspace() or c < " " for c in parts[0]):
        raise Broken(f"{text!r} is not a verifier key")
    name, key_id, encoded = parts
    typed = b64(encoded)
    if len(typed) != 33 or typed[0] != 1:
        raise Broken(f"the key of {name} is not an Ed25519 key")
    if hashlib.sha256(name.encode() + b"\n" + typed).hexdigest()[:8] != key_id:
        raise Broken(f"the key id {key_id} is not that of the key of {name}")
    return Key(name, f"{name}+{key_id}", typed[1:])


def open_note(note: bytes, keys: Sequence[Key]) -> str:
    """The text of a signed note: at least one known key signed it, and no known key's signature is bad."""
    try:
        text, empty, lines = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise Broken("it is not UTF-8") from None
    text += "\n"
    if not empty or not lines.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise Broken("it is not a signed note")
    good = False
    for line in lines.removesuffix("\n").split("\n"):
        name, _, encoded = line.removeprefix("— ").partition(" ")
        blob = b64(encoded)
        if not line.startswith("— ") or not name or len(blob) < 5:
            raise Broken("it has a malformed signature line")
        for key in (k for k in keys if k.id == f"{name}+{blob[:4].hex()}"):
            if not key.verify(blob[4:], text.encode()):
                raise Broken(f"the signature of {name} does not match")
            good = True
    if not good:
        raise Broken("no known key signed it")
    return text


def parse_policy(text: str) -> list[tuple[str, Key]]:
    """(origin, key) of every log. What this verifier cannot check (witnesses, a quorum of them) is refused."""
    logs: list[tuple[str, Key]] = []
    quorum = None
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "log" and len(words) in {2, 3}:
            key = parse_vkey(words[1])
            logs.append((key.name, key))
        elif words[0] == "quorum" and len(words) == 2 and quorum is None:
            quorum = words[1]
        else:
            raise Broken(f"the line {line!r} asks for what this verifier cannot check")
    if not logs:
        raise Broken("it names no log")
    if quorum is None:
        raise Broken("it has no `quorum` line; without witnesses that is `quorum none`")
    if quorum != "none":
        raise Broken(
            f"it asks for the quorum {quorum!r}, and this verifier can check `quorum none`"
        )
    return logs


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


def tree_root(hashes: Sequence[bytes]) -> bytes:
    level = list(hashes)
    while len(level) > 1:
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
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
    position = 0
    while position < len(data):
        start = position + 2
        end = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or end > len(data):
            return bodies, "The bundle ends within an entry."
        bodies.append(data[start:end])
        position = end
    return bodies, ""


class Log:
    """One log of the bundle: the files below `prefix`, read at the size of its newest checkpoint."""

    def __init__(self, files: Files, prefix: str, checkpoints: Sequence[Checkpoint]) -> None:
        self.prefix = prefix
        self.checkpoints = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
        self.origin, self.size, self.root = self.checkpoints[-1]
        self._files = files
        self.tile = lru_cache(maxsize=512)(self._tile)

    def read(self, path: str) -> bytes:
        return read(self._files, self.prefix + path)

    def width(self, level: int, index: int) -> int:
        """How many hashes of a tile exist at this size; 0 or less where there is no such tile."""
        return min(WIDTH, (self.size >> 8 * level) - index * WIDTH)

    def _tile(self, level: int, index: int) -> list[bytes]:
        width = self.width(level, index)
        path = tile_path(level, index, width)
        data = self.read(path)
        if len(data) != 32 * width:
            raise Broken(f"{self.prefix}{path} has {len(data)} bytes, not {32 * width}")
        return [data[i : i + 32] for i in range(0, len(data), 32)]

    def frontier(self, size: int) -> list[list[bytes]]:
        """The hashes of the unfinished tile of each level at some earlier size, level 0 first."""
        levels = []
        for level in range((size.bit_length() + 7) // 8):
            index, width = divmod(size >> 8 * level, WIDTH)
            levels.append(self.tile(level, index)[:width] if width else [])
        return levels

    def above(self, level: int, index: int) -> bytes:
        """What the tile above says that a full tile hashes to."""
        parent, place = divmod(index, WIDTH)
        return self.tile(level + 1, parent)[place]


def check_tiles(log: Log, names: Sequence[str], check: Check) -> None:
    """Four things, from the outside in.

    1. Every tile and bundle of this size is there, and nothing that belongs to no size.
    2. Tiles and bundles of smaller sizes are beginnings of those that replaced them.
    3. Every full tile hashes to what the tile above says.
    4. The unfinished tiles lead to the signed root, at the size of every checkpoint.
    """
    start = log.prefix + "tile/"
    present = {name.removeprefix(log.prefix) for name in names if name.startswith(start)}
    needed = 0
    for level, index, width in tiles_at(log.size):
        paths = [tile_path(level, index, width)]
        paths += [tile_path("entries", index, width)] if level == 0 else []
        for path in paths:
            needed += 1
            if path not in present:
                check.fail("The file is missing.", file=log.prefix + path)
            present.discard(path)
        if width == WIDTH:
            check_full_tile(log, level, index, check)
    for path in sorted(present):
        check_smaller(log, path, check)
    for checkpoint in log.checkpoints:
        check_root(log, checkpoint, check)
    check.summary = f"{needed:,} tiles and bundles lead to the signed root"


def check_full_tile(log: Log, level: int, index: int, check: Check) -> None:
    file = log.prefix + tile_path(level, index, WIDTH)
    try:
        if tree_root(log.tile(level, index)) != log.above(level, index):
            check.fail("The tile does not hash to what the tile above says.", file=file)
    except Missing:
        pass  # named where it is missed
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


def check_root(log: Log, checkpoint: Checkpoint, check: Check) -> None:
    try:
        if frontier_root(log.frontier(checkpoint.size)) != checkpoint.root:
            at = f"size {checkpoint.size:,}"
            check.fail(
                f"The tiles do not lead to the root that was signed at {at}.", file=log.prefix
            )
    except Missing:
        pass  # named where it is missed
    except Broken as broken:
        check.fail(f"{broken}.")


# --- Entries ------------------------------------------------------------------------------------------------------


class Producer(NamedTuple):
    """A key that signs entries, as the log introduced it."""

    key: Key
    not_before: str
    not_after: str


class Walk:
    """Goes through the entries of a log in order, and carries from one to the next what later ones need."""

    def __init__(self, report: Report, log: Log, log_keys: Sequence[Key], wanted: set[str]) -> None:
        self.log = log
        self.log_keys = log_keys
        self.wanted = wanted
        self.hashes = report.check("entries")
        self.form = report.check("form")
        self.signatures = report.check("signatures")
        self.producers: dict[str, Producer] = {}
        self.delegations: set[str] = set()
        self.strangers: set[str] = set()
        self.found: dict[str, tuple[int, bytes]] = {}
        self.erased: set[str] = set()
        self.private = 0

    def run(self) -> None:
        for index in range(-(-self.log.size // WIDTH)):
            self._bundle(index)
        self.hashes.summary = f"{self.log.size:,} entries hash to their leaves"
        self.form.summary = "every entry is in canonical form and of the known schema"
        keys = f"{len(self.producers)} introduced producer key{'s' * (len(self.producers) != 1)}"
        self.signatures.summary = f"every entry is signed, within its time, under {keys}"

    def _bundle(self, index: int) -> None:
        width = self.log.width(0, index)
        path = tile_path("entries", index, width)
        file = self.log.prefix + path
        try:
            bodies, problem = decode_bundle(self.log.read(path))
            if problem or len(bodies) != width:
                self.hashes.fail(
                    problem or f"The bundle holds {len(bodies)} entries, not {width}.",
                    file=file,
                    index=index * WIDTH + min(len(bodies), width),
                )
            self._compare(index, bodies[:width], self.log.tile(0, index))
        except Missing:
            return  # named among the tiles
        except Broken as broken:
            self.hashes.fail(f"{broken}.", file=file)
            return
        for place, body in enumerate(bodies[:width]):
            self._entry(file, index * WIDTH + place, body)

    def _compare(self, index: int, bodies: list[bytes], leaves: list[bytes]) -> None:
        """Where entry and leaf differ, the tree above says which of the two was changed."""
        hashes = [leaf_hash(body) for body in bodies]
        if hashes == leaves:
            return
        tile = self.log.prefix + tile_path(0, index, len(leaves))
        bundle = self.log.prefix + tile_path("entries", index, len(leaves))
        tile_changed = len(hashes) == len(leaves) and self._lead_to_root(index, hashes)
        for place, (body, ours, theirs) in enumerate(zip(bodies, hashes, leaves, strict=False)):
            if ours == theirs:
                continue
            at = Place(tile if tile_changed else bundle, index * WIDTH + place, *names_in(body))
            if tile_changed:
                self.hashes.fail("The hash of this entry in the tile was changed.", **asdict(at))
            else:
                what = f"The entry was changed: it does not hash to its leaf in {tile}."
                self.hashes.fail(what, **asdict(at))

    def _lead_to_root(self, index: int, hashes: list[bytes]) -> bool:
        if len(hashes) == WIDTH:
            return tree_root(hashes) == self.log.above(0, index)
        return frontier_root([hashes, *self.log.frontier(self.log.size)[1:]]) == self.log.root

    def _entry(self, file: str, index: int, body: bytes) -> None:
        try:
            fields = parse_entry(body, self.log.origin)
        except Broken as broken:
            self.form.fail(f"{broken}.", **asdict(Place(file, index, *names_in(body))))
            return
        try:
            self._signature(index, fields)
        except Broken as broken:
            place = Place(file, index, fields["id"], fields["event"])
            self.signatures.fail(f"{broken}.", **asdict(place))
        if fields["id"] in self.found:
            self.form.fail("Its identifier is that of an earlier entry.", file=file, index=index)
        elif fields["id"] in self.wanted:
            self.found[fields["id"]] = (index, body)
        self.private += fields["private"] is not None
        if fields["event"] == SUBJECT_ERASED:
            self.erased.update(map(str, fields["public"].get("key_ids") or []))

    def _signature(self, index: int, fields: dict[str, Any]) -> None:
        """By a key that an earlier entry introduced, within its time; by the log key where keys are introduced."""
        if (index == 0) != (fields["event"] == SHARD_OPENED):
            raise Broken("A log is opened by its first entry, and by no other")
        if fields["event"] in {SHARD_OPENED, KEY_INTRODUCED}:
            key = next((key for key in self.log_keys if key.id == fields["producer"]), None)
            if key is None:
                raise Broken("It opens a log or introduces a key, and is not signed by the log key")
        else:
            key = self._producer(fields)
        if key is None:
            return  # the first entry by this stranger was named
        unsigned = {name: value for name, value in fields.items() if name != "signature"}
        if not key.verify(b64(fields["signature"]), ENTRY_DOMAIN + canonical(unsigned)):
            raise Broken(f"Its signature is not by {key.id}")
        if fields["event"] == KEY_INTRODUCED:
            self._introduce(fields["public"])

    def _producer(self, fields: dict[str, Any]) -> Key | None:
        producer = self.producers.get(fields["producer"])
        if producer is None:
            first, name = fields["producer"] not in self.strangers, fields["producer"]
            self.strangers.add(name)
            if first:
                raise Broken(
                    f"No earlier entry introduced its key {name} (later entries by it are not named)"
                )
            self.signatures.count += 1
            return None
        if not producer.not_before <= fields["occurred_at"] <= producer.not_after:
            raise Broken(
                f"Its time {fields['occurred_at']} lies outside of the validity of its key"
            )
        return producer.key

    def _introduce(self, public: dict[str, Any]) -> None:
        note = str(public.get("delegation"))
        producer = parse_delegation(note, self.log_keys, self.log.origin)
        told = (public.get("vkey"), public.get("not_before"), public.get("not_after"))
        if told != (producer.key.vkey, producer.not_before, producer.not_after):
            raise Broken("What it says of the key is not what the delegation says")
        self.producers[producer.key.id] = producer
        self.delegations.add(note)


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


def canonical(value: Any) -> bytes:
    """RFC 8785, for values without floats, with ASCII keys and integers within 2^53."""
    require_plain(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


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


def parse_entry(body: bytes, origin: str) -> dict[str, Any]:
    try:
        fields = json.loads(body)
        same = canonical(fields) == body
    except (ValueError, RecursionError):
        raise Broken("It is not JSON") from None
    if not same:
        raise Broken("It is not in canonical form")
    if not isinstance(fields, dict) or fields.get("schema") != ENTRY_SCHEMA:
        raise Broken("Its schema is unknown")
    if set(fields) != TEXTS | OBJECTS | {"private"}:
        raise Broken("It has other fields than its schema")
    private = fields["private"] if fields["private"] is not None else {}
    texts = [fields[name] for name in TEXTS]
    objects = [private, *(fields[name] for name in OBJECTS)]
    if not all(isinstance(x, str) for x in texts) or not all(isinstance(x, dict) for x in objects):
        raise Broken("It has a field of the wrong type")
    if private and set(private) != PRIVATE_FIELDS:
        raise Broken("Its private payload has other fields than its schema")
    if private and (
        private["alg"] != "A256GCM" or not all(isinstance(x, str) for x in private.values())
    ):
        raise Broken("Its private payload is of an unknown kind")
    if fields["origin"] != origin:
        raise Broken(f"It belongs to the log {fields['origin']}")
    if not TIME.fullmatch(fields["occurred_at"]):
        raise Broken("Its time is not UTC with microseconds")
    return fields


def parse_delegation(note: str, log_keys: Sequence[Key], origin: str) -> Producer:
    try:
        lines = open_note(note.encode(), log_keys).split("\n")
    except (Broken, UnicodeEncodeError) as problem:
        raise Broken(f"The delegation cannot be trusted: {problem}") from None
    if len(lines) != 6 or lines[0] != DELEGATION_HEADER or lines[4] != origin:
        raise Broken("The delegation is not one for this log")
    if not TIME.fullmatch(lines[2]) or not TIME.fullmatch(lines[3]):
        raise Broken("The delegation has no validity")
    return Producer(parse_vkey(lines[1]), lines[2], lines[3])


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


Found = dict[
    str, tuple[int, bytes]
]  # entry id -> index and bytes, of the entries that were asked for


def check_receipt(answer: dict[str, Any], keys: "Keys", found: Found) -> None:
    """A decision as it was answered: its receipt is by a delegated key, and its entry is in the log unchanged."""
    receipt, decided_at = answer["receipt"], str(answer.get("decided_at"))
    wanted = ("entry_id", "leaf_hash", "key_id", "signature", "delegation")
    entry_id, leaf, key_id, signature, delegation = (str(receipt.get(name)) for name in wanted)
    origin = "".join(delegation.split("\n")[4:5])
    producer = parse_delegation(delegation, keys.get(origin, []), origin)
    if producer.key.id != key_id or not producer.not_before <= decided_at <= producer.not_after:
        raise Broken("Its key was not delegated to at the time of the decision")
    message = "".join(f"{part}\n" for part in (origin, entry_id, leaf, decided_at)).encode()
    if not producer.key.verify(b64(signature), RECEIPT_DOMAIN + message):
        raise Broken("The signature of the receipt does not match")
    if entry_id not in found:
        raise Broken(
            f"The log holds no entry {entry_id}: the decision was promised and is not there"
        )
    index, body = found[entry_id]
    if leaf_hash(body) != b64(leaf):
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

Keys = dict[str, list[Key]]  # origin -> the keys that sign for it


def verify(path: Path, policy: Path | None = None, receipts: Sequence[Path] = ()) -> Report:
    """Check a bundle or an archive folder. Raises Broken where nothing can be read at all."""
    answers = {receipt: read_answer(receipt) for receipt in receipts}
    try:
        text = policy.read_text(encoding="utf-8") if policy else None
    except (OSError, UnicodeDecodeError) as problem:
        raise Broken(f"the policy {policy} cannot be read: {problem}") from None
    return verify_files(open_bundle(path), str(path), text, answers)


def verify_files(
    files: Files,
    name: str,
    policy: str | None = None,
    answers: dict[Path, dict[str, Any]] | None = None,
) -> Report:
    """1. Files and manifest. 2. Each log. 3. Keys, disclosed payloads, receipts. 4. What was not checked."""
    report, answers = Report(name), answers or {}
    keys = check_policy(report, files, policy)
    check_files(report, files, keys)
    disclosed = {Path(file).stem: file for file in files.names if file.startswith("disclosed/")}
    wanted = set(disclosed) | {
        str(answer["receipt"].get("entry_id")) for answer in answers.values()
    }
    walks = []
    for prefix in find_logs(files.names):
        log = check_checkpoints(report, files, prefix, keys)
        if log is not None:
            check_tiles(log, files.names, report.check("tiles"))
            walks.append(Walk(report, log, keys[log.origin], wanted))
            walks[-1].run()
    if not walks:
        report.check("log").fail("There is no log here whose checkpoint can be trusted.")
    check_delegations(report, files, walks)
    found = {entry_id: at for walk in walks for entry_id, at in walk.found.items()}
    check_disclosures(report, files, disclosed, found)
    check_receipts(report, answers, keys, found)
    report.not_checked += not_checked(walks, len(disclosed), len(answers))
    if isinstance(files, Zip) and not files.is_as_written:
        report.not_checked.append(
            "the zip apart from the files in it: another program packed it again"
        )
    return report


def check_policy(report: Report, files: Files, policy: str | None) -> Keys:
    """The keys to trust: from the policy that was given, else from the bundle's own."""
    check, keys = report.check("policy"), Keys()
    own = [name for name in files.names if OWN_POLICY.search(name)]
    report.trust = "Trust: the policy that you gave."
    if policy is None:
        report.trust = (
            "Trust: NO POLICY WAS GIVEN. The keys come from the bundle itself, which shows that it is consistent,\n"
            "and not who made it. Give the policy file that you hold with --policy."
        )
    try:
        texts = [read(files, name).decode() for name in own] if policy is None else [policy]
        for origin, key in [pair for text in texts for pair in parse_policy(text)]:
            keys.setdefault(origin, [])
            keys[origin] += [key] if key not in keys[origin] else []
    except (Broken, UnicodeDecodeError) as problem:
        check.fail(f"It cannot be used: {problem}.", file=", ".join(own) if policy is None else "")
    if not keys and not check.count:
        check.fail("There is none: give one with --policy.")
    check.summary = "log keys: " + ", ".join(key.id for found in keys.values() for key in found)
    return keys


def check_files(report: Report, files: Files, keys: Keys) -> None:
    """A bundle holds exactly what its signed manifest lists; an archive folder holds nothing but logs and keys."""
    check = report.check("files")
    for problem in files.container_problems():
        check.fail(**asdict(problem))
    if {"manifest.json", "manifest.note"} & set(files.names):
        check_manifest(files, keys, check)
        return
    for name in files.names:
        if not ARCHIVED.search(name):
            check.fail(
                "There is no manifest, and the file is no part of an archived log.", file=name
            )
    check.summary = f"{len(files.names):,} files of an archive folder, which has no manifest"


def check_manifest(files: Files, keys: Keys, check: Check) -> None:
    known = [key for found in keys.values() for key in found]
    try:
        text = open_note(read(files, "manifest.note"), known)
    except Broken as broken:
        check.fail(f"The manifest is not signed: {broken}.", file="manifest.note")
        text = ""
    try:
        data = read(files, "manifest.json")
        manifest = read_json(files, "manifest.json")
        if manifest["schema"] != BUNDLE_SCHEMA:
            raise Broken(f"its schema {manifest['schema']!r} is unknown")
        listed = {name: (at["sha256"], at["size"]) for name, at in manifest["files"].items()}
    except (Broken, KeyError, TypeError, AttributeError) as problem:
        check.fail(f"The manifest cannot be read: {problem}.", file="manifest.json")
        return
    if text and text != f"{MANIFEST_HEADER}\n{hashlib.sha256(data).hexdigest()}\n":
        check.fail("The manifest is not the one that was signed.", file="manifest.json")
    compare_files(files, listed, check)
    check.summary = f"{len(listed):,} files, exactly those that the signed manifest lists"


def compare_files(files: Files, listed: dict[str, tuple[str, int]], check: Check) -> None:
    present = set(files.names) - {"manifest.json", "manifest.note"}
    for name in sorted(set(listed) - present):
        check.fail("The file is missing.", file=name)
    for name in sorted(present - set(listed)):
        check.fail("The file is not in the manifest.", file=name)
    for name in sorted(present & set(listed)):
        try:
            if digest_and_size(files, name) != listed[name]:
                check.fail("The file was changed: its digest is not the listed one.", file=name)
        except UNREADABLE as problem:
            check.fail(f"The file cannot be read: {problem}.", file=name)


def digest_and_size(files: Files, name: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with files.open(name) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def find_logs(names: Sequence[str]) -> list[str]:
    """The folders that hold a log: those with a checkpoint in them."""
    matches = (CHECKPOINT.search(name) for name in names)
    return sorted({match.string[: match.start(1)] for match in matches if match})


def check_checkpoints(report: Report, files: Files, prefix: str, keys: Keys) -> Log | None:
    """Every checkpoint is signed by the log; None where that leaves nothing to check the tiles against."""
    check, checkpoints = report.check("checkpoint"), []
    for name in files.names:
        match = CHECKPOINT.search(name)
        if match is None or name[: match.start(1)] != prefix:
            continue
        try:
            note = read(files, name)
            origin = note.split(b"\n")[0].decode(errors="replace")
            checkpoints.append(parse_checkpoint(open_note(note, keys.get(origin, []))))
        except Broken as broken:
            check.fail(f"No log that the policy names signed this: {broken}.", file=name)
    if len({(c.origin, c.size) for c in checkpoints}) != len(set(checkpoints)):
        check.fail("Two roots were signed for one size: the log was forked.", file=prefix)
    if len({c.origin for c in checkpoints}) > 1:
        check.fail("The checkpoints are of different logs.", file=prefix)
    if not checkpoints or min(c.size for c in checkpoints) == 0:
        check.fail("There is no checkpoint of a log with entries.", file=prefix)
    if check.count:
        return None
    log, root = (
        Log(files, prefix, checkpoints),
        base64.b64encode(max(checkpoints, key=lambda c: c.size).root),
    )
    check.summary = f"{log.origin} at {log.size:,} entries; signed root {root.decode()}"
    report.logs.append(
        {"folder": prefix, "origin": log.origin, "size": log.size, "root": root.decode()}
    )
    return log


def check_delegations(report: Report, files: Files, walks: Sequence[Walk]) -> None:
    """Every delegation beside the policy is one that a log introduced."""
    names = [name for name in files.names if DELEGATION.search(name)]
    if not names or not walks:
        return
    check = report.check("keys")
    introduced = {note for walk in walks for note in walk.delegations}
    for name in names:
        try:
            if read(files, name).decode(errors="replace") not in introduced:
                check.fail("The log never introduced this key.", file=name)
        except Broken as broken:
            check.fail(f"{broken}.", file=name)
    check.summary = "every delegation beside the policy is one that the log introduced"


def check_disclosures(
    report: Report, files: Files, disclosed: dict[str, str], found: Found
) -> None:
    if not disclosed:
        return
    check = report.check("disclosed")
    for entry_id, name in sorted(disclosed.items()):
        index, body = found.get(entry_id, (None, b""))
        try:
            if not body:
                raise Broken("The log holds no such entry")
            check_disclosure(read_json(files, name), body)
        except (Broken, ValueError) as problem:
            check.fail(f"{problem}.", file=name, entry_id=entry_id, index=index)
    check.summary = f"{len(disclosed):,} disclosed payloads are those that were recorded"


def check_receipts(
    report: Report, answers: dict[Path, dict[str, Any]], keys: Keys, found: Found
) -> None:
    if not answers:
        return
    check = report.check("receipts")
    for path, answer in answers.items():
        try:
            check_receipt(answer, keys, found)
        except Broken as broken:
            check.fail(f"{broken}.", file=str(path))
    check.summary = f"{len(answers):,} receipts are signed, and their entries are in the log"


def not_checked(walks: Sequence[Walk], disclosed: int, receipts: int) -> list[str]:
    items = [
        "time: there are no RFC 3161 tokens, so every time is the writer's own word",
        "other views: the policy asks for no witness, so a second log shown to someone else would not be seen",
    ]
    private = sum(walk.private for walk in walks) - disclosed
    if private > 0:
        items.append(
            f"{private:,} private payloads: encrypted, and their keys are not disclosed here"
        )
    erased = sum(len(walk.erased) for walk in walks)
    if erased:
        items.append(
            f"what lies under {erased:,} keys that the log says were destroyed: people were erased"
        )
    if not receipts:
        items.append("receipts: give decisions, as they were answered, with --receipt")
    return items


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Check an evidence bundle or an archive folder, offline."
    )
    parser.add_argument("bundle", type=Path, help="a zip or a folder")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="the policy file that you hold")
    parser.add_argument(
        "--receipt",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a decision as answered",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    options = parser.parse_args(arguments)
    try:
        report = verify(options.bundle, options.policy, options.receipt)
    except Broken as broken:
        report = Report(str(options.bundle), "Trust: nothing could be read.")
        report.check("files").fail(f"{broken}.")
        report.not_checked.append("everything")
    print(
        json.dumps(report.as_json(), indent=2)
        if options.json
        else report.as_text(sys.stdout.isatty())
    )
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
