"""The vault: what is personal is encrypted under a secret of the person, so that destroying the secret erases it.

A person has one secret for each purpose (`audit.purposes`), so that one can be erased while the law keeps the other.

A person's entry key is HKDF-SHA256 of their secret and the entry's id; the payload is AES-256-GCM with the entry's
identity as additional data, and the entry also holds a commitment to its key, because GCM alone does not bind to one key.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection
from django.db.models import Model

from audit import entries, keys
from audit.canonical import encoded, plain
from audit.errors import AlreadyErased, NoSuchSubject, Refusal
from audit.models import Entry, Erasure, Reference, Subject, SubjectSecret
from audit.statements import insert_rows

COMMITMENT_LABEL = b"credence-key-commitment/v1"
ENTRY_KEY_LABEL = b"credence-entry-key/v1"
ROWS_PER_QUERY = 500


class PayloadUnreadable(Refusal):
    """The private payload does not open under the key that the entry commits to."""

    status = 503


@dataclass(frozen=True)
class Private:
    """A payload about one person, for an entry; `purpose` says under which of their secrets."""

    subject_id: UUID
    payload: dict[str, Any]
    purpose: str = "decision"
    secret: SubjectSecret | None = None  # held by this act already: for entries about many people


def people_for(client: str, references: Sequence[str]) -> dict[str, SubjectSecret]:
    """A caller's people, made on first sight, each by their secret for decisions, held as `secrets_of` holds it.

    Two acts that see a person first at one moment agree on who that is. Raises AlreadyErased.
    """
    people, new = _recognised(client, references)
    insert_rows(*_rows_of(new))
    return _with_secrets(people, new)


def applicants_for(
    client: str, applications: Sequence[tuple[str, str]]
) -> tuple[dict[str, SubjectSecret], dict[str, UUID]]:
    """The people who made a caller's applications, as `people_for`, and random identifiers for the applications.

    `applications` gives the caller's reference of each, and that of its person.
    """
    people, new = _recognised(client, [person for _, person in applications])
    owners = {reference: people[person] for reference, person in applications}
    offered = {reference: uuid4() for reference in owners}
    identifiers = _identified(client, "application", offered, owners, _rows_of(new))
    return _with_secrets(people, new), identifiers


def secrets_of(subject_ids: Iterable[UUID], purpose: str = "decision") -> dict[UUID, SubjectSecret]:
    """The secrets of these people, held until the act ends: an erasure waits, or came before and is seen.

    Raises AlreadyErased or NoSuchSubject.
    """
    wanted, held = sorted(set(subject_ids)), {}
    for start in range(0, len(wanted), ROWS_PER_QUERY):
        for secret in _held(wanted[start : start + ROWS_PER_QUERY], purpose):
            held[secret.subject_id] = secret
    for subject_id in wanted:
        if subject_id not in held:
            raise _without_secret(subject_id)
    return held


def secrets_made_for(subject_ids: Iterable[UUID], purpose: str) -> dict[UUID, SubjectSecret]:
    """As `secrets_of`, but made for who has none yet. Raises AlreadyErased where that purpose was erased."""
    wanted = sorted(set(subject_ids))
    known = SubjectSecret.objects.filter(subject__in=wanted, purpose=purpose)
    new = set(wanted).difference(known.values_list("subject_id", flat=True))
    insert_rows(list(_new_secrets(sorted(new), purpose).values()))
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
        for secret in SubjectSecret.objects.filter(subject__in=some, purpose=purpose):
            found[secret.subject_id] = subject_key(secret, label, beside)
    return found


def subject_key(secret: SubjectSecret, label: bytes, beside: bytes) -> bytes:
    """32 bytes: HKDF-SHA256 of a person's secret, salted with a key that is kept elsewhere."""
    return HKDF(SHA256(), 32, salt=beside, info=label).derive(_unwrap(secret))


def find(client: str, kind: str, references: Sequence[str]) -> dict[str, UUID]:
    """The identifiers of those references that the vault knows. `kind` is "subject" or "application"."""
    return _known(client, kind, _by_mac(client, kind, references))


def subject_named(client: str, subject_ref: str, subject_id: UUID | None) -> UUID | None:
    """Whom a caller means, by their own reference or by the identifier here; None where the vault knows nobody."""
    if subject_id is None:
        return find(client, "subject", [subject_ref]).get(subject_ref)
    return subject_id if Subject.objects.filter(pk=subject_id).exists() else None


def seal_private(private: Private, origin: str, entry_id: UUID, event: str) -> dict[str, Any]:
    """The private part of an entry: `{alg, nonce, ct, key_id, key_commitment}`. Raises AlreadyErased, NoSuchSubject."""
    secret = private.secret or secrets_of([private.subject_id], private.purpose)[private.subject_id]
    key = entry_key(_unwrap(secret), entry_id)
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


def _recognised(
    client: str, references: Sequence[str]
) -> tuple[dict[str, UUID], dict[UUID, SubjectSecret]]:
    """Who each reference means; and of those who were never seen before the secrets, which are not inserted yet."""
    offered = {reference: uuid4() for reference in references}
    people = _identified(client, "subject", offered, offered)
    new = [identifier for ref, identifier in people.items() if identifier == offered[ref]]
    return people, _new_secrets(new, "decision")


def _rows_of(new: Mapping[UUID, SubjectSecret]) -> tuple[list[Subject], list[SubjectSecret]]:
    return [Subject(identifier) for identifier in new], list(new.values())


def _with_secrets(
    people: Mapping[str, UUID], new: Mapping[UUID, SubjectSecret]
) -> dict[str, SubjectSecret]:
    secrets = {**new, **secrets_of(set(people.values()).difference(new))}
    return {reference: secrets[identifier] for reference, identifier in people.items()}


def _identified(
    client: str,
    kind: str,
    offered: Mapping[str, UUID],
    owners: Mapping[str, UUID],
    before: Sequence[Sequence[Model]] = (),
) -> dict[str, UUID]:
    """The identifier of each reference: the one that is offered, unless the vault has one or gets one meanwhile.

    Where another act is just making the same reference, PostgreSQL waits for its end, and the identifier that
    is committed counts. All acts insert in one order, so none waits for another that waits for it. `before` are rows
    that go in with them.
    """
    by_mac = _by_mac(client, kind, offered)
    rows = [
        # in the order of its columns: by name costs twice as much
        Reference(None, client, kind, mac, offered[ref], owners[ref])
        for mac, ref in sorted(by_mac.items())
    ]
    if insert_rows(*before, rows, ignore_conflicts=True) == len(rows):
        return dict(offered)
    found = _known(client, kind, by_mac)
    if len(found) < len(by_mac):  # removed again between the two statements
        raise AlreadyErased("A person whom this names was erased at this very moment; ask again.")
    return found


def _known(client: str, kind: str, by_mac: Mapping[bytes, str]) -> dict[str, UUID]:
    macs = list(by_mac)
    found: dict[str, UUID] = {}
    for start in range(0, len(macs), ROWS_PER_QUERY):
        some = macs[start : start + ROWS_PER_QUERY]
        rows = Reference.objects.filter(client=client, kind=kind, mac__in=some)
        found |= {
            by_mac[bytes(mac)]: identifier
            for mac, identifier in rows.values_list("mac", "identifier")
        }
    return found


def _by_mac(client: str, kind: str, references: Iterable[str]) -> dict[bytes, str]:
    """References by their hash; keyed, because national identifiers and telephone numbers can be enumerated."""
    index_key = hashlib.sha256(b"credence-reference-index/v1" + keys.vault_key()).digest()
    return {
        hmac.digest(index_key, encoded([client, kind, reference]), "sha256"): reference
        for reference in references
    }


def _new_secrets(subject_ids: Sequence[UUID], purpose: str) -> dict[UUID, SubjectSecret]:
    """Secrets for people who have none, not yet inserted."""
    secrets = {}
    for subject_id in subject_ids:
        secret_id = uuid4()
        wrapped = _wrap(os.urandom(32), secret_id)
        secrets[subject_id] = SubjectSecret(
            id=secret_id, subject_id=subject_id, purpose=purpose, wrapped=wrapped
        )
    return secrets


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


def _wrap(secret: bytes, secret_id: UUID) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(keys.vault_key()).encrypt(nonce, secret, secret_id.bytes)


def _unwrap(secret: SubjectSecret) -> bytes:
    wrapped = bytes(secret.wrapped)
    try:
        return AESGCM(keys.vault_key()).decrypt(wrapped[:12], wrapped[12:], secret.id.bytes)
    except InvalidTag:
        raise PayloadUnreadable(
            f"The secret {secret.id} does not open under this vault key."
        ) from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
