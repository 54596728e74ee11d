"""The package that answers an access request: made, signed, found again, and deleted when its time is over."""

import hashlib
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit import keys
from audit.bundle import OWNER_ALONE
from audit.canonical import timestamp
from audit.errors import Refusal
from audit.store import working_files
from governance.access import document
from governance.access.gathering import gathered
from governance.actions.access import LASTS, Copy, complete_access, end_access, fail_access
from governance.models import AccessRequest
from governance.queries.access import available, erased, waiting
from registry.documents import Document, render_pdf, template_text

SCHEMA = "credence-access-manifest/1"
DOMAIN = "credence-access-manifest/v1"
State = AccessRequest.State


def package_path(request: AccessRequest) -> Path:
    return working_files() / "access-requests" / f"{request.pk}.zip"


def answer(request: AccessRequest, *, by: User) -> AccessRequest:
    """Make the package of a request and record it; a Refusal is recorded as its failure."""
    now = timezone.now()
    try:
        copy = gathered(request, reader=by, made_at=now)
        made = _written(package_path(request), request, copy, now)
    except Refusal as refusal:
        return fail_access(request.pk, refusal.detail, by=by)
    return complete_access(request.pk, made, by=by)


def answer_waiting(*, by: User) -> None:
    """The sweep: makes what was asked for and whose message was lost."""
    for request in waiting():
        answer(request, by=by)


def end_packages(*, by: User) -> int:
    """Delete packages that have expired, or whose person was erased. Returns how many were ended.

    The row says so first, and then the file goes: after a crash in between, the next sweep deletes it.
    """
    ended = 0
    for request in erased():
        end_access(request.pk, State.DESTROYED, "The person was erased.", by=by)
        ended += 1
    for request in available(expired_at=timezone.now()):
        end_access(request.pk, State.EXPIRED, "Its time is over.", by=by)
        ended += 1
    for request in AccessRequest.objects.filter(state__in=[State.EXPIRED, State.DESTROYED]):
        package_path(request).unlink(missing_ok=True)
    return ended


def _written(path: Path, request: AccessRequest, copy: dict[str, Any], now: datetime) -> Copy:
    expires_at = now + LASTS
    files = {
        "letter.pdf": _pdf(document.letter(copy, f"{expires_at:%Y-%m-%d}"), now),
        "data.pdf": _pdf(document.data(copy), now),
        "data.json": json.dumps(copy, indent=1, ensure_ascii=False).encode(),
    }
    files["manifest.json"] = _manifest(request, files, now, expires_at)
    files["manifest.sig"] = _signed(files["manifest.json"])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)  # of a worker that was killed
    part.touch(mode=OWNER_ALONE)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            package.writestr(name, data)
    part.rename(path)
    data = path.read_bytes()
    return Copy(
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        decisions=len(copy["decisions"]),
        attributes=len(copy["monitoring_attributes"]),
        redactions=len(copy["redactions"]),
    )


def _pdf(content: Document, now: datetime) -> bytes:
    return render_pdf(template_text("report.typ"), content.as_json(), {}, made_at=now)


def _manifest(
    request: AccessRequest, files: dict[str, bytes], now: datetime, expires_at: datetime
) -> bytes:
    manifest = {
        "schema": SCHEMA,
        "request": str(request.pk),
        "origin": keys.current_origin(),
        "created_at": timestamp(now),
        "expires_at": timestamp(expires_at),
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in sorted(files.items())
        },
    }
    return json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"


def _signed(manifest: bytes) -> bytes:
    """By the producer key over the domain, a newline and the manifest, with the log key's delegation to that key."""
    signature = keys.sign(DOMAIN, manifest)
    signed = {
        "domain": DOMAIN,
        "key_id": signature.key_id,
        "signature": signature.value,
        "delegation": keys.delegations()[signature.key_id].note,
    }
    return json.dumps(signed, indent=1).encode() + b"\n"
