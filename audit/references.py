"""Whom and what a caller means: people and applications by its own references, which are kept as keyed hashes only."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from audit import keys
from audit.canonical import encoded
from audit.columns import packer
from audit.errors import AlreadyErased
from audit.models import Reference, Subject
from audit.statements import insert_rows, server_cursor
from audit.vault import Secret, new_secret, row_of, secrets_of, wrapped

ROWS_PER_QUERY = 500
_BYTES, _NAMES = packer("bytea"), packer("uuid")

# Those of the people offered whom the vault did not know, and the new ones of their applications: with what belongs to them.
_NEW = """
WITH person AS (
    INSERT INTO audit_reference (client, kind, mac, identifier, subject_id)
    SELECT %b::text, 'subject', mac, id, id FROM unnest(%b::bytea[], %b::uuid[]) AS offered (mac, id)
    ON CONFLICT DO NOTHING RETURNING identifier
), subject AS (
    INSERT INTO audit_subject (id, created_at) SELECT identifier, %b::timestamptz FROM person
), secret AS (
    INSERT INTO audit_subjectsecret (id, subject_id, purpose, wrapped, created_at)
    SELECT id, subject_id, 'decision', wrapped, %b::timestamptz
    FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[]) AS offered (id, subject_id, wrapped)
    JOIN person ON identifier = subject_id
), application AS (
    INSERT INTO audit_reference (client, kind, mac, identifier, subject_id)
    SELECT %b::text, 'application', mac, id, subject_id
    FROM unnest(%b::bytea[], %b::uuid[], %b::uuid[]) AS offered (mac, id, subject_id)
    JOIN person ON identifier = subject_id ORDER BY mac
    ON CONFLICT DO NOTHING RETURNING identifier
)
SELECT identifier FROM person UNION ALL SELECT identifier FROM application
"""


def people_for(client: str, references: Sequence[str]) -> dict[str, Secret]:
    """A caller's people, made on first sight, each by their secret for decisions, held as `secrets_of` holds it.

    Two acts that see a person first at one moment agree on who that is. Raises AlreadyErased.
    """
    return applicants_for(client, [], references)[0]


def applicants_for(
    client: str, applications: Sequence[tuple[str, str]], others: Sequence[str] = ()
) -> tuple[dict[str, Secret], dict[str, UUID]]:
    """The people who made a caller's applications, and `others`, as `people_for`; and random identifiers for the applications.

    `applications` gives the caller's reference of each, and that of its person.
    """
    owners = dict(applications)
    offered = {reference: uuid4() for reference in owners}
    people = [*(person for _, person in applications), *others]
    secrets = {reference: new_secret(uuid4()) for reference in people}
    if connection.vendor == "postgresql":
        new = _made_at_once(client, secrets, offered, owners)
    else:
        new = _made(client, secrets)
    known = [ref for ref, secret in secrets.items() if secret.subject_id not in new]
    if known:
        secrets |= _held(client, known)
    left = {ref: offer for ref, offer in offered.items() if offer not in new}
    if left:
        subjects = {ref: secrets[owners[ref]].subject_id for ref in left}
        offered |= _identified(client, left, subjects)
    return secrets, offered


def find(client: str, kind: str, references: Sequence[str]) -> dict[str, UUID]:
    """The identifiers of those references that the vault knows. `kind` is "subject" or "application"."""
    by_mac = _by_mac(client, kind, references)
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


def subject_named(client: str, subject_ref: str, subject_id: UUID | None) -> UUID | None:
    """Whom a caller means, by their own reference or by the identifier here; None where the vault knows nobody."""
    if subject_id is None:
        return find(client, "subject", [subject_ref]).get(subject_ref)
    return subject_id if Subject.objects.filter(pk=subject_id).exists() else None


def _made_at_once(
    client: str,
    secrets: Mapping[str, Secret],
    offered: Mapping[str, UUID],
    owners: Mapping[str, str],
) -> set[UUID]:
    """PostgreSQL, in one statement: who was never seen before, and their applications. Returns the identifiers that are new."""
    people = sorted(_by_mac(client, "subject", secrets).items())
    macs = _by_mac(client, "application", offered)
    now, whose = timezone.now(), [secrets[reference] for _, reference in people]
    subjects = _NAMES([secret.subject_id for secret in whose])
    with connection.wrap_database_errors, server_cursor() as cursor:
        cursor.execute(
            _NEW,
            [
                client,
                _BYTES([mac for mac, _ in people]),
                subjects,
                *(now, now),
                _NAMES([secret.id for secret in whose]),
                subjects,
                _BYTES([wrapped(secret) for secret in whose]),
                client,
                _BYTES(list(macs)),
                _NAMES([offered[reference] for reference in macs.values()]),
                _NAMES([secrets[owners[reference]].subject_id for reference in macs.values()]),
            ],
        )
        return {identifier for (identifier,) in cursor.fetchall()}


def _made(client: str, secrets: Mapping[str, Secret]) -> set[UUID]:
    """Who was never seen before, where acts run one at a time. Returns the identifiers that are new."""
    known = find(client, "subject", list(secrets))
    new = {ref: secret for ref, secret in secrets.items() if ref not in known}
    owners = {ref: secret.subject_id for ref, secret in new.items()}
    insert_rows(
        [Subject(subject_id) for subject_id in owners.values()],
        [row_of(secret, "decision") for secret in new.values()],
        _rows(client, "subject", owners, owners),
    )
    return set(owners.values())


def _held(client: str, references: Sequence[str]) -> dict[str, Secret]:
    """The secrets of people whom the vault knows. Raises AlreadyErased."""
    people = _found(client, "subject", references)
    secrets = secrets_of(people.values())
    return {reference: secrets[subject_id] for reference, subject_id in people.items()}


def _identified(
    client: str, offered: Mapping[str, UUID], owners: Mapping[str, UUID]
) -> dict[str, UUID]:
    """The identifier of each application: the one that is offered, unless the vault has one or gets one meanwhile.

    Where another act is just making the same reference, PostgreSQL waits for its end, and the identifier that
    is committed counts. All acts insert in one order, so none waits for another that waits for it.
    """
    rows = _rows(client, "application", offered, owners)
    if insert_rows(rows, ignore_conflicts=True) == len(rows):
        return dict(offered)
    return _found(client, "application", list(offered))


def _rows(
    client: str, kind: str, identifiers: Mapping[str, UUID], owners: Mapping[str, UUID]
) -> list[Reference]:
    return [
        # in the order of its columns: by name costs twice as much
        Reference(None, client, kind, mac, identifiers[ref], owners[ref])
        for mac, ref in sorted(_by_mac(client, kind, identifiers).items())
    ]


def _found(client: str, kind: str, references: Sequence[str]) -> dict[str, UUID]:
    """References that the vault knew a statement ago. Raises AlreadyErased."""
    found = find(client, kind, references)
    if len(found) < len(references):
        raise AlreadyErased("A person whom this names was erased at this very moment; ask again.")
    return found


def _by_mac(client: str, kind: str, references: Iterable[str]) -> dict[bytes, str]:
    """References by their hash; keyed, because national identifiers and telephone numbers can be enumerated."""
    index_key = hashlib.sha256(b"credence-reference-index/v1" + keys.vault_key()).digest()
    return {
        hmac.digest(index_key, encoded([client, kind, reference]), "sha256"): reference
        for reference in references
    }
