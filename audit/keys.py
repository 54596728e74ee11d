"""What a process signs with, and whose signatures it accepts.

The log keys sign checkpoints and delegations, and the entries that say what became of a key; only the sequencer, exports and
`manage.py keys` need them. Every process that writes entries signs them with the producer key, which a log key has
delegated to until a date. All of it lies in CREDENCE_KEYS, with mode 0600:

    log.json                     every log key there ever was: its public name, its address, its dates (audit.keyring)
    log.key  log-ml-dsa.key      the log keys, where they are files
    producer.key                 the producer key in use; its delegation names the log that is written
    prepared/<key id>.key        producer keys that are not in use yet
    delegations/<key id>.note    one signed note per producer key, ever: new ones are added, none is removed
    rotations/<key id>.note      one signed note per log key that was introduced later
    signer/<origin>.json         what was signed last (audit.signer)
    vault.key                    wraps the secrets of subjects

Any of them may be replaced while processes run: they look at the files' times whenever they act.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.utils import timezone

from audit import keyring, notes
from audit.errors import BadSignature, KeyMissing, Refusal
from audit.keyring import KeyState, LogKey, public_id
from audit.notes import ED25519, PrivateKey
from audit.signing import files
from audit.signing.addresses import open_key
from audit.signing.errors import SignerUnavailable

DELEGATION_HEADER = "credence-delegation/v1"
WARN_BEFORE = timedelta(days=7)
MARGIN = timedelta(minutes=1)  # what is signed just before the end is finished before the end
TRUSTED = (KeyState.VALID, KeyState.ENDING, KeyState.RETIRED)
EVER = tuple(state for state in KeyState if state is not KeyState.PREPARED)


class ProducerKeyExpired(Refusal):
    """The producer key is outside of the dates for which the log key delegated to it, or was retired. Nothing is recorded."""

    status = 503


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
    """What signs entries of an origin: a producer key, or a log key for the entries about keys."""

    private_key: PrivateKey
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


def folder() -> Path:
    return Path(settings.CREDENCE_KEYS)


def producer() -> Producer:
    """The producer key, of which a newer one is noticed at once. Raises KeyMissing, ProducerKeyExpired."""
    found, retired_at = _installed()
    delegation, now = found.delegation, timezone.now()
    if not delegation.not_before <= now < delegation.not_after - MARGIN:
        raise ProducerKeyExpired(
            f"The producer key {found.key_id} may sign from {delegation.not_before:%Y-%m-%d %H:%M} until "
            f"{delegation.not_after:%Y-%m-%d %H:%M} UTC, and not now. `manage.py keys rotate --key producer` makes another; "
            "a sequencer that runs does so by itself, well before."
        )
    if retired_at is not None:
        raise ProducerKeyExpired(
            f"The producer key {found.key_id} was retired at {retired_at}. An old key file was brought back: "
            "restore the newer one, or make another with `manage.py keys rotate --key producer`."
        )
    return found


def installed_producer() -> Producer:
    """The producer key, whether or not it may sign today. Raises KeyMissing."""
    return _installed()[0]


def current_origin() -> str:
    """The origin of the log that this installation writes: the one its producer key was delegated to for. Raises KeyMissing."""
    return installed_producer().origin


def producer_seconds_left() -> float:
    """Until the producer key may sign no more; negative once it is over. Raises KeyMissing."""
    left = installed_producer().delegation.not_after - MARGIN - timezone.now()
    return left.total_seconds()


def expiry_warning() -> str | None:
    """What to say in the last week of the producer key: the sequencer should have renewed it days ago. Raises KeyMissing."""
    if producer_seconds_left() > WARN_BEFORE.total_seconds():
        return None
    delegation = installed_producer().delegation
    return (
        f"The producer key may sign until {delegation.not_after:%Y-%m-%d %H:%M} UTC, and then nothing can be recorded. "
        "The sequencer renews it by itself: see why it did not, or run `manage.py keys rotate --key producer`."
    )


def sign(domain: str, data: bytes) -> Signature:
    """Sign with the producer key, for a named use (`credence-artefact/v1`)."""
    key = producer()
    return Signature(key.key_id, base64.b64encode(key.sign(domain, data)).decode())


def verify_signature(domain: str, data: bytes, key_id: str, value: str) -> None:
    """Raises BadSignature unless a key that a log key ever delegated to made this signature for this use."""
    delegation = delegations().get(key_id)
    if delegation is None:
        raise BadSignature(f"No delegation by the log key names the key {key_id!r}.")
    public = notes.parse_vkey(delegation.producer).public
    try:
        signature = base64.b64decode(value, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, domain.encode() + b"\n" + data)
    except (InvalidSignature, ValueError):
        raise BadSignature(f"The signature is not by {key_id!r}, or is over other bytes.") from None


def log_vkey(origin: str | None = None) -> str:
    """The public name of the log's Ed25519 key: what a regulator holds to check everything else. Raises KeyMissing."""
    return _ed25519(origin).vkey


def log_key(origin: str | None = None) -> PrivateKey:
    """The private Ed25519 log key. Raises KeyMissing in a process that has no business with it, or SignerUnavailable."""
    return private_key(_ed25519(origin))


def log_signers(origin: str | None = None) -> list[notes.NoteSigner]:
    """Every key that signs checkpoints now: two algorithms, and both keys while one replaces the other."""
    ring, wanted = keyring.read(folder()), origin or current_origin()
    return [notes.NoteSigner(wanted, private_key(key)) for key in ring.keys_of(wanted)]


def log_as_producer(origin: str | None = None) -> EntryKey:
    """The log key as what signs the entries that open a log and tell of its keys. Raises KeyMissing, SignerUnavailable."""
    key = _ed25519(origin)
    return EntryKey(private_key(key), key.key_id, key.origin)


def private_key(key: LogKey) -> PrivateKey:
    """The private half of a log key. Raises KeyMissing, or SignerUnavailable also where its address leads to another key."""
    private = open_key(key.address, folder())
    if private.public_key().public_bytes_raw() != notes.parse_vkey(key.vkey).public:
        raise SignerUnavailable(f"The key at {key.address} is not {key.key_id}. Was it replaced?")
    return private


def delegations() -> dict[str, Delegation]:
    """Every producer key that a log key ever delegated to, by key id; each note is checked when read."""
    notes_in = folder() / "delegations"
    # New notes and keys are added while processes run: the folder's time and the log keys tell.
    changed_at = notes_in.stat().st_mtime_ns if notes_in.exists() else 0
    ever = tuple(key.vkey for key in keyring.read(folder()).log_keys if key.state in EVER)
    return _delegations(notes_in, changed_at, ever)


def delegation_note(key_id: str) -> str:
    """The note for a producer key, of which none is ever removed: read once. Raises KeyError."""
    return _delegation_note(str(settings.CREDENCE_KEYS), key_id)


def log_vkeys(origin: str | None = None) -> list[str]:
    """What a stranger must hold: every log key that is or was valid and is not lost, of that shard or of all, oldest first."""
    held = (key for key in keyring.read(folder()).log_keys if key.state in TRUSTED)
    return [key.vkey for key in held if origin in (None, key.origin)]


def parse_delegation(note: str, *log_vkeys: str) -> Delegation:
    """Check a delegation note against the log's public keys. Raises BadSignature."""
    try:
        opened = notes.open_note(note, [notes.parse_vkey(vkey) for vkey in log_vkeys])
        header, vkey, not_before, not_after, origin = opened.text.splitlines()
    except ValueError as problem:
        raise BadSignature(f"The delegation cannot be trusted: {problem}") from None
    if header != DELEGATION_HEADER:
        raise BadSignature(f"The note is a {header!r}, not a delegation.")
    return Delegation(vkey, moment(not_before), moment(not_after), origin, note)


def vault_key() -> bytes:
    """32 bytes that wrap the secrets of subjects."""
    return _vault_key(str(settings.CREDENCE_KEYS))


def present() -> bool:
    """True when this installation holds any key of a log."""
    return any((folder() / name).exists() for name in ("log.json", "producer.key", "vault.key"))


def fingerprint(vkey: str) -> str:
    """SHA-256 of the vkey text, for people to compare over the telephone."""
    return hashlib.sha256(vkey.encode()).hexdigest()


def moment(text: str) -> datetime:
    """A time as entries and notes write it. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _ed25519(origin: str | None) -> LogKey:
    wanted = origin or current_origin()
    key = keyring.read(folder()).newest(wanted, ED25519)
    if key is None:
        raise KeyMissing(f"The folder of keys holds no valid Ed25519 key of {wanted}.")
    return key


def _installed() -> tuple[Producer, str | None]:
    """The producer key and when it was retired. Every act asks: two files are looked at, and read when they are new."""
    place = str(settings.CREDENCE_KEYS)
    return _producer(place, _stamp(place, "producer.key"), _stamp(place, keyring.FILE))


def _stamp(place: str, name: str) -> tuple[int, int]:
    try:
        status = os.stat(f"{place}/{name}")
    except OSError:
        return keyring.stamp(Path(place) / name)  # says what is missing
    return status.st_mtime_ns, status.st_ino


@lru_cache(maxsize=4)
def _producer(
    place: str, key_stamp: tuple[int, int], ring_stamp: tuple[int, int]
) -> tuple[Producer, str | None]:
    key = files.load(Path(place) / "producer.key")
    raw = key.public_key().public_bytes_raw()
    for delegation in delegations().values():
        if notes.parse_vkey(delegation.producer).public == raw:
            key_id = public_id(delegation.producer)
            former = keyring.read(Path(place)).former(key_id)
            retired_at = former.retired_at if former else None
            return Producer(key, key_id, delegation.origin, delegation), retired_at
    raise KeyMissing("The folder of keys holds no delegation to the producer key in it.")


@lru_cache(maxsize=4)
def _delegations(folder: Path, stamp: int, log_vkeys: tuple[str, ...]) -> dict[str, Delegation]:
    known = [vkey for vkey in log_vkeys if notes.parse_vkey(vkey).kind == ED25519]
    found = (parse_delegation(path.read_text(), *known) for path in sorted(folder.glob("*.note")))
    return {public_id(delegation.producer): delegation for delegation in found}


@lru_cache(maxsize=64)
def _delegation_note(place: str, key_id: str) -> str:
    return delegations()[key_id].note


@lru_cache(maxsize=8)
def _vault_key(place: str) -> bytes:
    """No process ever writes it again, so each reads it once. Raises KeyMissing, which is not kept."""
    path = Path(place) / "vault.key"
    keyring.stamp(path)
    return base64.b64decode(path.read_text())
