"""What a log and a witness say to each other, and what a witness answers.

Source: C2SP tlog-witness (`add-checkpoint`). Pure: bytes in and out; who keeps what lies in `audit.witness.store`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from audit.merkle import EMPTY_ROOT, HASH_BYTES, BadProof, verify_consistency
from audit.notes import (
    MalformedNote,
    NoKnownSignature,
    NoteError,
    NoteSignature,
    Verifier,
    open_note,
)
from audit.tiles import CheckpointBody, MalformedCheckpoint, parse_checkpoint

MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = 300_000  # a checkpoint with sixty ML-DSA lines, and its proof
SIZE_TYPE = "text/x.tlog.size"

_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})", re.ASCII)


class NotCosigned(Exception):
    """A witness does not vouch for what it was sent. `status` is the answer's; one subclass per reason."""

    status = 400

    @property
    def body(self) -> str:
        return f"{self}\n"


class MalformedRequest(NotCosigned):
    """Not an add-checkpoint request, or one whose old size is larger than its checkpoint."""


class UntrustedSignature(NotCosigned):
    """No key that is trusted for this origin signed the checkpoint, or one did whose signature is bad."""

    status = 403


class UnknownLog(NotCosigned):
    """The witness was not told to watch a log of this origin."""

    status = 404


class OtherSize(NotCosigned):
    """The request starts from a size which is not the one that was cosigned last. The answer is that size."""

    status = 409

    def __init__(self, size: int) -> None:
        super().__init__(f"The size cosigned last is {size}.")
        self.size = size

    @property
    def body(self) -> str:
        return f"{self.size}\n"


class Inconsistent(NotCosigned):
    """The log did not grow from what was cosigned last: what there was, was changed or removed."""

    status = 422


@dataclass(frozen=True)
class AddCheckpoint:
    """A request: the size that the witness is thought to know, the proof from there, and the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def encode(self) -> bytes:
        hashes = "".join(base64.b64encode(h).decode() + "\n" for h in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note}".encode()


def parse_request(body: bytes) -> AddCheckpoint:
    """Raises MalformedRequest."""
    if len(body) > MAX_REQUEST_BYTES:
        raise MalformedRequest(f"A request has at most {MAX_REQUEST_BYTES} bytes.")
    head, empty_line, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if not empty_line or old is None:
        raise MalformedRequest(
            "A request starts with `old <size>`, proof hashes and an empty line."
        )
    if len(lines) > MAX_PROOF_LINES:
        raise MalformedRequest(f"A proof has at most {MAX_PROOF_LINES} hashes.")
    try:
        return AddCheckpoint(int(old[1]), tuple(_hash(line) for line in lines), note.decode())
    except UnicodeError:
        raise MalformedRequest("The checkpoint is not UTF-8.") from None


def checkpoint_of(
    request: AddCheckpoint, trusted: Mapping[str, Sequence[Verifier]]
) -> tuple[CheckpointBody, str]:
    """The checkpoint that a request is about, and its note with the signatures of keys trusted for its origin, and no other.

    Raises MalformedRequest, UnknownLog or UntrustedSignature.
    """
    text, empty_line, signatures = request.note.rpartition("\n\n")
    if not empty_line or not signatures.endswith("\n"):
        raise MalformedRequest("There is no signed checkpoint behind the empty line.")
    try:
        body = parse_checkpoint(text + "\n")
        verifiers = trusted.get(body.origin, ())
        if not verifiers:
            raise UnknownLog(f"This witness does not watch {body.origin}.")
        open_note(request.note, verifiers)
        lines = known_lines(body.text, signatures.removesuffix("\n").split("\n"), verifiers)
    except (MalformedCheckpoint, MalformedNote) as problem:
        raise MalformedRequest(str(problem)) from None
    except NoteError as problem:
        raise UntrustedSignature(str(problem)) from None
    if request.old > body.size:
        raise MalformedRequest(f"The old size {request.old} is larger than {body.size}.")
    return body, f"{body.text}\n{''.join(lines)}"


def known_lines(
    text: str, lines: Iterable[str], verifiers: Collection[Verifier]
) -> dict[str, NoteSignature]:
    """The signature lines that are by one of `verifiers`, each with what it says; lines of others are passed over.

    Raises MalformedNote or BadNoteSignature.
    """
    known = {}
    for line in lines:
        with suppress(NoKnownSignature):
            (known[line + "\n"],) = open_note(f"{text}\n{line}\n", verifiers).signatures
    return known


def require_growth(
    request: AddCheckpoint, new: CheckpointBody, last: CheckpointBody | None
) -> None:
    """Refuse whatever is not the growth of the checkpoint that was cosigned last (None before the first).

    Raises OtherSize or Inconsistent.
    """
    known = last.size if last else 0
    if request.old != known:
        raise OtherSize(known)
    try:
        if last is not None and known > 0:
            verify_consistency(known, new.size, request.proof, last.root, new.root)
        elif request.proof:
            raise BadProof("Nothing is proved from size 0.")
        elif new.size == 0 and new.root != EMPTY_ROOT:
            raise BadProof("The empty tree has another root.")
    except BadProof as problem:
        raise Inconsistent(str(problem)) from None


def monitor_name(origin: str) -> str:
    """Under which name monitors find the checkpoint of an origin: `<name>/checkpoint`."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _hash(line: bytes) -> bytes:
    try:
        decoded = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != HASH_BYTES or base64.b64encode(decoded) != line:
        raise MalformedRequest(f"A line of the proof is not base64 of {HASH_BYTES} bytes.")
    return decoded
