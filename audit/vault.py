"""The vault: what is personal is encrypted under a secret of the person, so that destroying the secret erases it.

A person has one secret for each purpose (`audit.purposes`), so that one can be erased while the law keeps the other.

A person's entry key is HKDF-SHA256 of their secret and the entry's id; the payload is AES-256-GCM with the entry's
identity as additional data, and the entry also holds a commitment to its key, because GCM alone does not bind to one key.
"""

import base64
import hmac
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection

from audit import entries, keys
from audit.canonical import encoded, plain
from audit.errors import AlreadyErased, NoSuchSubject, Refusal
from audit.models import Entry, Erasure, Subject, SubjectSecret
from audit.statements import insert_rows

COMMITMENT_LABEL = b"credence-key-commitment/v1"
ENTRY_KEY_LABEL = b"credence-entry-key/v1"
ROWS_PER_QUERY = 500


class PayloadUnreadable(Refusal):
    """The private payload does not open under the key that the entry commits to."""

    status = 503


@dataclass(frozen=True, slots=True)
class Secret:
    """One person's secret for a purpose, 32 bytes, and the identifier that its ciphertexts name."""

    id: UUID
    subject_id: UUID
    plain: bytes = field(repr=False)


@dataclass(frozen=True)
class Private:
    """A payload about one person, for an entry; `purpose` says under which of their secrets."""

    subject_id: UUID
    payload: dict[str, Any]
    purpose: str = "decision"
    secret: Secret | None = None  # held by this act already: for entries about many people


def secrets_of(subject_ids: Iterable[UUID], purpose: str = "decision") -> dict[UUID, Secret]:
    """The secrets of these people, held until the act ends: an erasure waits, or came before and is seen.

    Raises AlreadyErased or NoSuchSubject.
    """
    wanted, held = sorted(set(subject_ids)), {}
    for start in range(0, len(wanted), ROWS_PER_QUERY):
        for row in _held(wanted[start : start + ROWS_PER_QUERY], purpose):
            held[row.subject_id] = Secret(row.id, row.subject_id, _unwrap(row))
    for subject_id in wanted:
        if subject_id not in held:
            raise _without_secret(subject_id)
    return held


def secrets_made_for(subject_ids: Iterable[UUID], purpose: str) -> dict[UUID, Secret]:
    """As `secrets_of`, but made for who has none yet. Raises AlreadyErased where that purpose was erased."""
    wanted = sorted(set(subject_ids))
    known = SubjectSecret.objects.filter(subject__in=wanted, purpose=purpose)
    new = set(wanted).difference(known.values_list("subject_id", flat=True))
    insert_rows([row_of(new_secret(subject_id), purpose) for subject_id in sorted(new)])
    # An insert waits for an erasure of the person that is under way; what it did is seen now.
    erased = Erasure.objects.filter(subject__in=new, purpose=purpose).values_list("subject_id")
    if found := erased.first():
        raise AlreadyErased(f"The keys of subject {found[0]} were destroyed.")
    return secrets_of(wanted, purpose)


def subject_keys(
    subject_ids: Iterable[UUID], purpose: str, label: bytes, beside: bytes
) -> dict[UUID, bytes]:
    """Keys of 32 bytes for what lies outside of the log, each from a person's secret and a key kept `beside` it.

    Without an act nobody is held; who was erased, or has no secret for the purpose, is left out.
    """
    wanted, found = sorted(set(subject_ids)), {}
    for start in range(0, len(wanted), ROWS_PER_QUERY):
        some = wanted[start : start + ROWS_PER_QUERY]
        for row in SubjectSecret.objects.filter(subject__in=some, purpose=purpose):
            secret = Secret(row.id, row.subject_id, _unwrap(row))
            found[row.subject_id] = subject_key(secret, label, beside)
    return found


def subject_key(secret: Secret, label: bytes, beside: bytes) -> bytes:
    """32 bytes: HKDF-SHA256 of a person's secret, salted with a key that is kept elsewhere."""
    return HKDF(SHA256(), 32, salt=beside, info=label).derive(secret.plain)


def seal_private(private: Private, origin: str, entry_id: UUID, event: str) -> dict[str, Any]:
    """The private part of an entry: `{alg, nonce, ct, key_id, key_commitment}`. Raises AlreadyErased, NoSuchSubject."""
    secret = private.secret or secrets_of([private.subject_id], private.purpose)[private.subject_id]
    key = entry_key(secret.plain, entry_id)
    nonce = os.urandom(12)
    data = additional_data(origin, entry_id, event, str(secret.id))
    ciphertext = AESGCM(key).encrypt(nonce, encoded(plain(private.payload)), data)
    return {
        "alg": "A256GCM",
        "nonce": _text(nonce),
        "ct": _text(ciphertext),
        "key_id": str(secret.id),
        "key_commitment": _text(commitment(key)),
    }


def open_private(entry: Entry) -> dict[str, Any]:
    """The private payload of an entry, as recorded (numbers as text). Raises AlreadyErased or PayloadUnreadable.

    Reading is not an act: the edge that calls this checks `audit.read_private` or the reader's own permission.
    """
    fields = entries.parse(bytes(entry.body))
    private = fields["private"]
    if private is None:
        return {}
    key = disclosed_key(entry)
    if not hmac.compare_digest(_text(commitment(key)), private["key_commitment"]):
        raise PayloadUnreadable(f"Entry {entry.id} commits to another key.")
    data = additional_data(fields["origin"], entry.id, fields["event"], private["key_id"])
    try:
        plaintext = AESGCM(key).decrypt(
            base64.b64decode(private["nonce"]), base64.b64decode(private["ct"]), data
        )
    except InvalidTag:
        raise PayloadUnreadable(
            f"The private payload of entry {entry.id} does not open under its key."
        ) from None
    payload: dict[str, Any] = json.loads(plaintext)
    return payload


def disclosed_key(entry: Entry) -> bytes:
    """The 32-byte key of one entry, which opens that entry and no other. Raises AlreadyErased."""
    secret = SubjectSecret.objects.filter(pk=entry.key_id).first() if entry.key_id else None
    if secret is None:
        raise AlreadyErased(f"The key of entry {entry.id} was destroyed: the person was erased.")
    return entry_key(_unwrap(secret), entry.id)


def new_secret(subject_id: UUID) -> Secret:
    """For a person who has none for that purpose, not yet inserted."""
    return Secret(uuid4(), subject_id, os.urandom(32))


def row_of(secret: Secret, purpose: str) -> SubjectSecret:
    """As the database keeps it."""
    return SubjectSecret(
        id=secret.id, subject_id=secret.subject_id, purpose=purpose, wrapped=wrapped(secret)
    )


def wrapped(secret: Secret) -> bytes:
    """Under the vault key, which is kept beside the database."""
    nonce = os.urandom(12)
    return nonce + AESGCM(keys.vault_key()).encrypt(nonce, secret.plain, secret.id.bytes)


def entry_key(secret: bytes, entry_id: UUID) -> bytes:
    """32 bytes: HKDF-SHA256 of a subject's secret for one entry."""
    return HKDF(SHA256(), 32, salt=None, info=ENTRY_KEY_LABEL + entry_id.bytes).derive(secret)


def commitment(key: bytes) -> bytes:
    """32 bytes that bind an entry to its key: HMAC-SHA256 of a fixed label."""
    return hmac.digest(key, COMMITMENT_LABEL, "sha256")


def additional_data(origin: str, entry_id: UUID, event: str, key_id: str) -> bytes:
    """What the ciphertext is bound to: each part followed by a newline."""
    return "".join(
        f"{part}\n" for part in (origin, entry_id, event, entries.SCHEMA, key_id)
    ).encode()


def _held(subject_ids: Sequence[UUID], purpose: str) -> Iterable[SubjectSecret]:
    """On PostgreSQL the rows are locked against deletion; SQLite runs one act at a time."""
    found = SubjectSecret.objects.filter(subject_id__in=subject_ids, purpose=purpose)
    if connection.vendor == "sqlite":
        return found
    sql, parameters = found.query.sql_with_params()
    return SubjectSecret.objects.raw(f"{sql} FOR KEY SHARE", parameters)


def _without_secret(subject_id: UUID) -> Refusal:
    if not Subject.objects.filter(pk=subject_id).exists():
        return NoSuchSubject(f"The vault knows no subject {subject_id}.")
    return AlreadyErased(f"The keys of subject {subject_id} were destroyed.")


def _unwrap(row: SubjectSecret) -> bytes:
    data = bytes(row.wrapped)
    try:
        return AESGCM(keys.vault_key()).decrypt(data[:12], data[12:], row.id.bytes)
    except InvalidTag:
        raise PayloadUnreadable(
            f"The secret {row.id} does not open under this vault key."
        ) from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
