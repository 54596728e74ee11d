"""Building an evidence bundle from the sealed log.

1. Wait until what the bundle is to hold is under a published checkpoint.
2. Each shard of the log as a tlog-tiles tree, whole or what the scope covers.
3. Policy and key history, the disclosed payloads with the entry keys that open them, a readable index, and the verifier itself.
4. The manifest, signed by the log key.
"""

import base64
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone

from audit import keys, notes, trust, vault, verify
from audit.actions.exports import ExportDecided, complete_export, fail_export
from audit.bundle import BundleWriter
from audit.bundled_logs import BundledLog, Covered, Step, write_logs
from audit.canonical import timestamp
from audit.digests import sha256_of
from audit.errors import AlreadyErased, Refusal
from audit.models import Entry, EvidenceExport
from audit.queries import newest_checkpoint
from audit.scope import Scope
from audit.sequencer import await_sealed, current_origin
from audit.store import working_files

SEAL_SECONDS = 30


@dataclass(frozen=True)
class Built:
    """A bundle that was written: its digest and size in bytes, and how much it discloses."""

    sha256: str
    size: int
    tree_size: int
    files: int
    disclosed: int
    erased: int


def build_export(export: EvidenceExport, *, by: User, on_step: Step | None = None) -> Built:
    """Build the bundle of a request and record it; a Refusal is recorded as its failure, and raised.

    Raises ExportDecided where it was built meanwhile: two that build one bundle take turns.
    """
    with _alone(bundle_path(export)):
        export.refresh_from_db()
        if export.state != EvidenceExport.State.REQUESTED:
            raise ExportDecided(f"The export {export.pk} is {export.state} already.")
        try:
            await_sealed(current_origin(), SEAL_SECONDS)
            built = build_bundle(bundle_path(export), export.scope, on_step or _quiet)
        except Refusal as refusal:
            fail_export(export.pk, reason=refusal.detail, by=by)
            raise
        complete_export(
            export.pk,
            sha256=built.sha256,
            size=built.size,
            tree_size=built.tree_size,
            disclosed=built.disclosed,
            by=by,
        )
    return built


def bundle_path(export: EvidenceExport) -> Path:
    return working_files() / "exports" / f"{export.pk}.zip"


def build_bundle(path: Path, scope: dict[str, Any], on_step: Step) -> Built:
    """Write the bundle at the newest checkpoints. `on_step` hears what is written, and how far: done of total."""
    newest, covered = newest_checkpoint(current_origin()), Covered()
    with BundleWriter(path) as bundle:
        logs = write_logs(bundle, Scope.from_json(scope), covered, on_step)
        _write_trust(bundle)
        disclosed = erased = 0
        if scope["disclose"]:
            disclosed, erased = _write_disclosed(bundle, covered.private)
        details = _details(logs, scope, covered, disclosed, erased)
        bundle.add("index.html", _index(details, covered).encode())
        bundle.add("verify.py", Path(verify.__file__).read_bytes())
        bundle.finish(details, _sign)
        files = bundle.files + 2
    return Built(*_digest(path), newest.size, files, disclosed, erased)


def _write_trust(bundle: BundleWriter) -> None:
    bundle.add("trust/policy", trust.policy_text().encode())
    for name, note in trust.note_files().items():
        bundle.add(f"trust/{name}", note.encode())
    if settings.CREDENCE_TSA_ROOTS:
        bundle.add("trust/tsa.pem", Path(settings.CREDENCE_TSA_ROOTS).read_bytes())


def _write_disclosed(bundle: BundleWriter, entry_ids: list[str]) -> tuple[int, int]:
    """Each payload with the key that opens this one entry. How many, and how many were erased before."""
    disclosed = erased = 0
    for entry in _entries(entry_ids):
        try:
            key, payload = vault.disclosed_key(entry), vault.open_private(entry)
        except AlreadyErased:
            erased += 1
            continue
        document = {
            "entry_id": str(entry.pk),
            "key": base64.b64encode(key).decode(),
            "payload": payload,
        }
        data = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode()
        bundle.add(f"disclosed/{entry.pk}.json", data)
        disclosed += 1
    return disclosed, erased


def _entries(entry_ids: list[str]) -> Iterator[Entry]:
    for start in range(0, len(entry_ids), 500):
        yield from Entry.objects.filter(pk__in=entry_ids[start : start + 500]).order_by("pk")


def _details(
    logs: list[BundledLog], scope: dict[str, Any], covered: Covered, disclosed: int, erased: int
) -> dict[str, Any]:
    return {
        "created_at": timestamp(timezone.now()),
        "scope": scope,
        "log_is": "scoped" if Scope.from_json(scope).leaves_out else "whole",
        "logs": [log.as_json() for log in logs],
        "covered": {
            "entries": sum(covered.events.values()),
            "private": len(covered.private),
            "disclosed": disclosed,
            "erased": erased,
        },
    }


def _index(details: dict[str, Any], covered: Covered) -> str:
    context = {
        "details": details,
        "listed": covered.listed,
        "events": sorted(covered.events.items()),
        "total": sum(covered.events.values()),
        "policy": trust.policy_text(),
        "keys": [(vkey, keys.fingerprint(vkey)) for vkey in keys.log_vkeys()],
    }
    return render_to_string("audit/evidence_index.html", context)


def _sign(text: str) -> str:
    return notes.sign_note(text, [notes.NoteSigner(current_origin(), keys.log_key())])


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return sha256_of(file), path.stat().st_size


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _quiet(what: str, done: int, total: int) -> None:
    """Nobody is watching."""
