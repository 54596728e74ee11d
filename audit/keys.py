"""Key files, and what a process signs with.

The log key signs checkpoints and delegations, and nothing else; only the sequencer and `manage.py keys` need it.
Every process that writes entries signs them with the producer key, which the log key has delegated to until a date.
All files lie in CREDENCE_KEYS with mode 0600:

    log.key  log.vkey            the log key, and its public name
    producer.key                 the producer key
    delegations/<key id>.note    one signed note per producer key, ever: new ones are added, none is removed
    vault.key                    wraps the secrets of subjects
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from audit import notes
from audit.canonical import timestamp
from audit.errors import BadSignature, KeyMissing, Refusal

DELEGATION_DAYS = 30
DELEGATION_HEADER = "credence-delegation/v1"


class KeysExist(Refusal):
    """Keys are never overwritten: a log that loses its key is a log that cannot go on."""


@dataclass(frozen=True)
class Delegation:
    """The log key's word that a producer key may sign entries of an origin, from and until a time."""

    producer: str  # vkey
    not_before: datetime
    not_after: datetime
    origin: str
    note: str


@dataclass(frozen=True)
class EntryKey:
    """What signs entries of an origin: a producer key, or the log key for the entries that introduce producer keys."""

    private_key: Ed25519PrivateKey
    key_id: str  # `name+<8 hex>`, as entries name it
    origin: str

    def sign(self, domain: str, data: bytes) -> bytes:
        """64 bytes: Ed25519 over the domain, a newline and the data."""
        return self.private_key.sign(domain.encode() + b"\n" + data)


@dataclass(frozen=True)
class Producer(EntryKey):
    """What a process signs entries, receipts and artefacts with."""

    delegation: Delegation


@dataclass(frozen=True)
class Signature:
    """A detached signature: the key's id and the 64 bytes in base64."""

    key_id: str
    value: str


def producer() -> Producer:
    """The producer key of this process, read once. Raises KeyMissing."""
    return _producer(Path(settings.CREDENCE_KEYS))


def sign(domain: str, data: bytes) -> Signature:
    """Sign with the producer key, for a named use (`credence-artefact/v1`)."""
    return Signature(producer().key_id, base64.b64encode(producer().sign(domain, data)).decode())


def verify_signature(domain: str, data: bytes, key_id: str, value: str) -> None:
    """Raises BadSignature unless a key that the log key delegated to made this signature for this use."""
    delegation = delegations().get(key_id)
    if delegation is None:
        raise BadSignature(f"No delegation by the log key names the key {key_id!r}.")
    public = notes.parse_vkey(delegation.producer).public
    try:
        signature = base64.b64decode(value, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, domain.encode() + b"\n" + data)
    except (InvalidSignature, ValueError):
        raise BadSignature(f"The signature is not by {key_id!r}, or is over other bytes.") from None


def log_key() -> Ed25519PrivateKey:
    """The private log key. Raises KeyMissing in a process that has no business with it."""
    return _private_key(Path(settings.CREDENCE_KEYS) / "log.key")


def log_as_producer() -> EntryKey:
    """The log key as what signs the entries that open a log and introduce its producer keys. Raises KeyMissing."""
    vkey = log_vkey()
    return EntryKey(log_key(), public_id(vkey), notes.parse_vkey(vkey).name)


def log_vkey() -> str:
    """The public name of the log: what a regulator holds to check everything else."""
    return _written_once(Path(settings.CREDENCE_KEYS) / "log.vkey").strip()


def delegations() -> dict[str, Delegation]:
    """Every producer key that the log key ever delegated to, by key id; each note is checked when read."""
    folder = Path(settings.CREDENCE_KEYS) / "delegations"
    # New notes are added while processes run: the folder's time is part of the cache's key.
    stamp = folder.stat().st_mtime_ns if folder.exists() else 0
    return _delegations(folder, stamp, log_vkey())


def parse_delegation(note: str, log_vkey: str) -> Delegation:
    """Check a delegation note against the log's public key. Raises BadSignature."""
    try:
        opened = notes.open_note(note, [notes.parse_vkey(log_vkey)])
        header, vkey, not_before, not_after, origin = opened.text.splitlines()
    except ValueError as problem:
        raise BadSignature(f"The delegation cannot be trusted: {problem}") from None
    if header != DELEGATION_HEADER:
        raise BadSignature(f"The note is a {header!r}, not a delegation.")
    return Delegation(vkey, _moment(not_before), _moment(not_after), origin, note)


def vault_key() -> bytes:
    """32 bytes that wrap the secrets of subjects."""
    return base64.b64decode(_written_once(Path(settings.CREDENCE_KEYS) / "vault.key"))


def present() -> bool:
    """True when this installation holds any key of a log."""
    folder = Path(settings.CREDENCE_KEYS)
    return any((folder / name).exists() for name in ("log.key", "producer.key", "vault.key"))


def make_keys(origin: str, at: datetime) -> Delegation:
    """Make the keys of a new log. Raises KeysExist when there is any key already."""
    folder = Path(settings.CREDENCE_KEYS)
    if present():
        raise KeysExist(f"{folder} already holds keys. They are never overwritten.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = Ed25519PrivateKey.generate()
    _write(folder / "log.key", _pem(log))
    _write(folder / "log.vkey", notes.vkey(origin, _raw(log)).encode() + b"\n")
    _write(folder / "vault.key", base64.b64encode(os.urandom(32)) + b"\n")
    return make_producer_key(origin, at)


def make_producer_key(origin: str, at: datetime, days: int = DELEGATION_DAYS) -> Delegation:
    """Make a producer key and the log key's delegation to it, valid from a minute before `at` for `days` days."""
    folder = Path(settings.CREDENCE_KEYS)
    key = Ed25519PrivateKey.generate()
    vkey = notes.vkey(f"{origin}/producer", _raw(key))
    not_before, not_after = at - timedelta(minutes=1), at + timedelta(days=days)
    text = "\n".join(
        [DELEGATION_HEADER, vkey, timestamp(not_before), timestamp(not_after), origin, ""]
    )
    note = notes.sign_note(text, [notes.NoteSigner(origin, log_key())])
    _write(folder / "producer.key", _pem(key))
    (folder / "delegations").mkdir(exist_ok=True, mode=0o700)
    _write(folder / "delegations" / f"{vkey.split('+')[1]}.note", note.encode())
    _producer.cache_clear()
    return Delegation(vkey, not_before, not_after, origin, note)


def public_id(vkey: str) -> str:
    """`name+<8 hex>`: how entries and signatures name a key."""
    return "+".join(vkey.split("+")[:2])


def fingerprint(vkey: str) -> str:
    """SHA-256 of the vkey text, for people to compare over the telephone."""
    return hashlib.sha256(vkey.encode()).hexdigest()


@lru_cache(maxsize=4)
def _producer(folder: Path) -> Producer:
    key = _private_key(folder / "producer.key")
    raw = _raw(key)
    for delegation in delegations().values():
        if notes.parse_vkey(delegation.producer).public == raw:
            return Producer(key, public_id(delegation.producer), delegation.origin, delegation)
    raise KeyMissing("The folder of keys holds no delegation to the producer key in it.")


@lru_cache(maxsize=4)
def _delegations(folder: Path, stamp: int, log_vkey: str) -> dict[str, Delegation]:
    found = (parse_delegation(path.read_text(), log_vkey) for path in sorted(folder.glob("*.note")))
    return {public_id(delegation.producer): delegation for delegation in found}


@lru_cache(maxsize=8)
def _written_once(path: Path) -> str:
    """Of files that no process ever writes again, read once per process. Raises KeyMissing, which is not kept."""
    return _text(path)


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(_text(path).encode(), password=None)
    except ValueError:
        raise KeyMissing(f"{path.name} is not a private key in PEM.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyMissing(f"{path.name} is not an Ed25519 key.")
    return key


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as problem:
        raise KeyMissing(
            f"{path.name} cannot be read in the folder of keys ({problem.strerror}). "
            "`manage.py keys init` makes the keys of a new log."
        ) from None


def _write(path: Path, data: bytes) -> None:
    """Durably, and readable by its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
