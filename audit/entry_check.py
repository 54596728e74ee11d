"""Checking one entry, now: what a stranger would check of it, and that its row repeats its bytes.

The rules are the offline verifier's own (`audit/verify.py`); this only fetches what it needs.
"""

from collections.abc import Iterator

from audit import keyring, keys, trust, verify
from audit.canonical import timestamp
from audit.entries import parse
from audit.errors import Refusal
from audit.models import Entry
from audit.proofs import proof_for


def check_entry(entry: Entry) -> verify.Report:
    """The row, the form, the signature, the place under a signed and published root. Problems are reported, not raised."""
    report = verify.Report(str(entry), "Trust: the log keys of this installation.")
    body = bytes(entry.body)
    _check_row(report.check("row"), entry)
    fields = _check_form(report.check("form"), entry, body)
    if fields is not None:
        _check_signature(report.check("signature"), fields, body)
    try:
        proof = proof_for(entry.pk)
    except Refusal as refusal:
        report.not_checked.append(f"its place in the tree: {refusal.detail}")
        return report
    policy = verify.parse_policy(trust.policy_text())
    verify.check_proof(report, proof.encode(), verify.leaf_hash(body), policy, entry.origin)
    return report


def columns_that_differ(entry: Entry) -> Iterator[str]:
    """Where a column of the row does not repeat what the signed bytes say."""
    try:
        said = parse(bytes(entry.body))
        columns = {
            "id": said["id"],
            "origin": said["origin"],
            "event": said["event"],
            "occurred_at": said["occurred_at"],
            "actor_id": said["actor"]["id"],
            "actor_name": said["actor"]["name"],
            "subject_type": said["subject"]["type"],
            "subject_id": said["subject"]["id"],
            "request_id": said["request_id"],
            "key_id": said["private"]["key_id"] if said["private"] else "None",
        }
    except (ValueError, KeyError, TypeError):
        yield "its bytes are no entry"
        return
    for column, value in columns.items():
        held = getattr(entry, column)
        if (timestamp(held) if column == "occurred_at" else str(held)) != value:
            yield f"the column {column} says {held}, its bytes say {value}"


def _check_row(check: verify.Check, entry: Entry) -> None:
    for problem in columns_that_differ(entry):
        check.fail(f"{problem}.")
    if bytes(entry.leaf_hash) != verify.leaf_hash(bytes(entry.body)):
        check.fail("Its bytes do not hash to the leaf that was recorded with it.")
    check.summary = "its columns repeat its bytes, which hash to the recorded leaf"


def _check_form(check: verify.Check, entry: Entry, body: bytes) -> dict[str, object] | None:
    try:
        fields = verify.parse_entry(body, entry.origin)
    except verify.Broken as broken:
        check.fail(f"{broken}.")
        return None
    check.summary = "canonical JSON of the known schema"
    return fields


def _check_signature(check: verify.Check, fields: dict[str, object], body: bytes) -> None:
    name = str(fields["producer"])
    try:
        vkey = _vkeys(str(fields["origin"])).get(name)
        if vkey is None:
            raise verify.Broken(f"This installation knows no key {name}")
        verify.require_signature(fields, body, verify.parse_vkey(vkey))
    except verify.Broken as broken:
        check.fail(f"{broken}.")
    check.summary = f"signed by {name}"


def _vkeys(origin: str) -> dict[str, str]:
    """By key id: the producer keys that the log key ever delegated to, and the log keys themselves."""
    delegated = {key_id: found.producer for key_id, found in keys.delegations().items()}
    return delegated | {keyring.public_id(vkey): vkey for vkey in keys.log_vkeys(origin)}
