"""Signed notes: a text, an empty line, and one or more signature lines.

Source: C2SP signed-note and tlog-cosignature. Pure: bytes and keys in, text out.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from audit import cosignatures

ED25519 = 1
"""An Ed25519 signature over the note text."""

COSIGNATURE = 4
"""An Ed25519 signature with a time, by someone who vouches for a checkpoint they did not make."""

ML_DSA_44 = 6
"""An ML-DSA-44 signature with a time over a checkpoint: by its log, or by someone else."""

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_LINE_START = "— "
_KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}
_ID_BYTES = 4
_TIME_BYTES = 8
_SIGNATURE_BYTES = {ED25519: 64, COSIGNATURE: _TIME_BYTES + 64, ML_DSA_44: _TIME_BYTES + 2420}


class NoteError(ValueError):
    """A note or a key that cannot be relied on."""


class MalformedKey(NoteError):
    """A verifier key that does not parse, or whose key id is not the digest of its key."""


class MalformedNote(NoteError):
    """Bytes that are not a signed note."""


class BadNoteSignature(NoteError):
    """A known key's signature that does not match; the whole note is bad, whoever else signed it."""


class NoKnownSignature(NoteError):
    """A note that none of the known keys signed."""


class AmbiguousKey(NoteError):
    """Two known keys that share name and key id, so that a signature line could be either's."""


class NoteSignature(NamedTuple):
    """One signature that was checked; `time` is in Unix seconds, and None where the kind has none."""

    name: str
    key_id: bytes
    kind: int
    time: int | None


@dataclass(frozen=True)
class OpenedNote:
    """A note's text, and the known keys whose signatures over it are good."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True)
class Verifier:
    """A public key that signs notes under a name."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @property
    def vkey(self) -> str:
        return vkey(self.name, self.public, self.kind)

    def verify(self, text: str, signature: bytes) -> NoteSignature:
        """Raise BadNoteSignature unless `signature` (without its key id) is this key's over `text`."""
        if len(signature) != _SIGNATURE_BYTES[self.kind]:
            raise BadNoteSignature(f"The signature of {self.name} has the wrong length.")
        time, raw = None, signature
        if self.kind != ED25519:
            time, raw = int.from_bytes(signature[:_TIME_BYTES], "big"), signature[_TIME_BYTES:]
        try:
            self._public_key().verify(raw, _message(self.kind, self.name, text, time))
        except (
            InvalidSignature,
            ValueError,
        ):  # ValueError: the text is not of a kind that it signs
            raise BadNoteSignature(f"The signature of {self.name} does not match.") from None
        return NoteSignature(self.name, self.key_id, self.kind, time)

    def _public_key(self) -> "PublicKey":
        if self.kind == ML_DSA_44:
            return MLDSA44PublicKey.from_public_bytes(self.public)
        return Ed25519PublicKey.from_public_bytes(self.public)


PublicKey = Ed25519PublicKey | MLDSA44PublicKey


class PrivateKey(Protocol):
    """What signs, wherever the key is: the keys of `cryptography` are of this form, and so are those of `audit.signing`."""

    def sign(self, data: bytes, /) -> bytes:
        """The raw signature: 64 bytes of Ed25519, or 2420 of ML-DSA-44."""

    def public_key(self) -> PublicKey:
        """The half of the key that everybody may have; it also says which algorithm signs."""


@dataclass(frozen=True)
class NoteSigner:
    """A key that signs notes under a name. An ML-DSA key signs checkpoints only, with a time."""

    name: str
    private_key: PrivateKey

    @property
    def kind(self) -> int:
        return ML_DSA_44 if isinstance(self.private_key.public_key(), MLDSA44PublicKey) else ED25519

    @property
    def public(self) -> bytes:
        return self.private_key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        return vkey(self.name, self.public, self.kind)

    def line(self, text: str, time: int | None = None) -> str:
        """The signature line over `text`. `time` is in Unix seconds, for the kinds that state it.

        Raises MalformedNote where this kind of key cannot sign such a text, or without its time.
        """
        if self.kind == ED25519:
            time = None
        elif time is None:
            raise MalformedNote(f"The signature of {self.name} states a time, and none was given.")
        try:
            message = _message(self.kind, self.name, text, time)
        except ValueError as problem:
            raise MalformedNote(f"{self.name} signs checkpoints only: {problem}") from None
        stamp = b"" if time is None else time.to_bytes(_TIME_BYTES, "big")
        blob = key_id(self.name, self.public, self.kind) + stamp + self.private_key.sign(message)
        return f"{_LINE_START}{self.name} {base64.b64encode(blob).decode()}\n"


class Cosigner(NoteSigner):
    """A key that vouches, with a time, for checkpoints of logs which are not its own."""

    @property
    def kind(self) -> int:
        return COSIGNATURE if super().kind == ED25519 else ML_DSA_44


def _message(kind: int, name: str, text: str, time: int | None) -> bytes:
    if time is None:
        return text.encode()
    if kind == COSIGNATURE:
        return cosignatures.ed25519_message(text, time)
    return cosignatures.ml_dsa_message(name, text, time)


def key_id(name: str, public: bytes, kind: int = ED25519) -> bytes:
    """The four bytes that tell apart the keys of one name."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_ID_BYTES]


def vkey(name: str, public: bytes, kind: int = ED25519) -> str:
    """A public key as people pass it on: name, key id and key in one line.

    Raises MalformedKey where the name or the key could never be parsed again.
    """
    _require_key(name, public, kind)
    encoded = base64.b64encode(bytes([kind]) + public).decode()
    return f"{name}+{key_id(name, public, kind).hex()}+{encoded}"


def parse_vkey(text: str) -> Verifier:
    """Read `name+key id+key`. Raises MalformedKey, also where the key id is not that of the key."""
    parts = text.split("+", 2)  # the base64 after the second plus may hold more of them
    if len(parts) != 3:
        raise MalformedKey("A verifier key is name+id+key; this has fewer parts.")
    name, id_text, encoded = parts
    typed_key = _base64(encoded)
    if not typed_key:
        raise MalformedKey(f"The key of {name!r} is not base64.")
    kind, public = typed_key[0], typed_key[1:]
    _require_key(name, public, kind)
    if id_text != key_id(name, public, kind).hex():
        raise MalformedKey(f"The key id {id_text!r} is not that of the key of {name!r}.")
    return Verifier(name, key_id(name, public, kind), kind, public)


def sign_note(text: str, signers: Sequence[NoteSigner], *, time: int | None = None) -> str:
    """The note of `text`, which ends in a newline, with one line per signer; `time`, in Unix seconds, for those that state one.

    Raises MalformedNote for a text that could not be read back, or that a signer does not sign, or without a signer.
    """
    if not signers:
        raise MalformedNote("A note needs at least one signer.")
    _require_text(text)
    for signer in signers:
        _require_key(signer.name, signer.public, signer.kind)
    return text + "\n" + "".join(signer.line(text, time) for signer in signers)


def open_note(note: bytes | str, verifiers: Iterable[Verifier]) -> OpenedNote:
    """The text of a note that at least one of `verifiers` signed.

    1. Split at the last empty line; whatever stands before it is what was signed.
    2. Lines of unknown keys are passed over; the signature of a known key must match.
    3. Without one good signature of a known key there is nothing to return.

    Raises MalformedNote, AmbiguousKey, BadNoteSignature or NoKnownSignature.
    """
    known = _by_line(verifiers)
    text, lines = _split(_decoded(note))
    signatures: dict[tuple[str, bytes], NoteSignature] = {}
    for line in lines:
        name, blob = _signature_line(line)
        verifier = known.get((name, blob[:_ID_BYTES]))
        if verifier is not None:
            signatures[name, verifier.key_id] = verifier.verify(text, blob[_ID_BYTES:])
    if not signatures:
        raise NoKnownSignature("No known key signed this note.")
    return OpenedNote(text, tuple(signatures.values()))


def _by_line(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise AmbiguousKey(f"Two keys of {verifier.name} have id {verifier.key_id.hex()}.")
    return known


def _decoded(note: bytes | str) -> str:
    try:
        encoded = note.encode() if isinstance(note, str) else note
        text = encoded.decode()
    except UnicodeError:
        raise MalformedNote("The note is not UTF-8.") from None
    if len(encoded) > MAX_NOTE_BYTES:
        raise MalformedNote(f"The note is longer than {MAX_NOTE_BYTES} bytes.")
    return text


def _split(note: str) -> tuple[str, list[str]]:
    text, empty_line, signatures = note.rpartition("\n\n")
    if not empty_line or not signatures.endswith("\n"):
        raise MalformedNote("A note is a text, an empty line and signature lines; this is not.")
    _require_text(text + "\n")
    lines = signatures.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"The note has more than {MAX_SIGNATURES} signatures.")
    return text + "\n", lines


def _signature_line(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_LINE_START).partition(" ")
    blob = _base64(encoded)
    if not line.startswith(_LINE_START) or not space or not _is_name(name):
        raise MalformedNote("A signature line does not start with a dash and a key name.")
    if blob is None or len(blob) <= _ID_BYTES:
        raise MalformedNote(f"The signature line of {name} is not base64 of a key id and more.")
    return name, blob


def _base64(text: str) -> bytes | None:
    """The bytes of standard base64 in its one canonical spelling, else None."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None


def _require_key(name: str, public: bytes, kind: int) -> None:
    if not _is_name(name):
        raise MalformedKey(f"{name!r} is not a key name: no spaces, no plus sign, not empty.")
    if kind not in _SIGNATURE_BYTES:
        raise MalformedKey(f"The key of {name} is of unknown kind {kind}.")
    if len(public) != _KEY_BYTES[kind]:
        raise MalformedKey(f"The key of {name} has {len(public)} bytes, not {_KEY_BYTES[kind]}.")


def _is_name(name: str) -> bool:
    return bool(name) and not any(c == "+" or c.isspace() or c < " " for c in name)


def _require_text(text: str) -> None:
    if not text.endswith("\n"):
        raise MalformedNote("The text of a note ends in a newline.")
    if any(c < " " and c != "\n" for c in text):
        raise MalformedNote("The text of a note holds no control characters but newlines.")
    try:
        text.encode()
    except UnicodeError:
        raise MalformedNote("The text of a note is UTF-8.") from None
