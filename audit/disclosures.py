"""Which evidence bundles disclose whom, read from the bundles themselves, and what becomes of them after an erasure."""

import zipfile
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.contrib.auth.models import User

from audit.actions.exports import destroy_export
from audit.export import bundle_path
from audit.models import Entry, Erasure, EvidenceExport, SubjectSecret

PER_QUERY = 500
GONE = "It disclosed people who were erased since: {count} of its payloads."


def disclosing(key_ids: Iterable[UUID]) -> Iterator[EvidenceExport]:
    """The bundles with a file that disclose an entry under one of these keys."""
    wanted = set(key_ids)
    for export in _disclosing_exports():
        if any(wanted.intersection(keys) for keys in _keys_in(export)):
            yield export


def sweep_exports(*, by: User) -> int:
    """Destroy the bundles that disclose people who were erased since they were asked for. Returns how many.

    The row says so first, and then the file goes: after a crash in between, the next sweep deletes it.
    """
    destroyed = 0
    for export in _disclosing_exports():
        if not Erasure.objects.filter(erased_at__gte=export.requested_at).exists():
            continue
        if count := sum(_without_secret(keys) for keys in _keys_in(export)):
            destroy_export(export.pk, GONE.format(count=count), by=by)
            destroyed += 1
    for export in EvidenceExport.objects.filter(state=EvidenceExport.State.DESTROYED):
        bundle_path(export).unlink(missing_ok=True)
    return destroyed


def _disclosing_exports() -> Iterator[EvidenceExport]:
    available = EvidenceExport.objects.filter(state=EvidenceExport.State.AVAILABLE)
    for export in available:
        if export.scope["disclose"] and bundle_path(export).exists():
            yield export


def _keys_in(export: EvidenceExport) -> Iterator[list[UUID]]:
    """The keys of the entries that a bundle discloses."""
    with zipfile.ZipFile(bundle_path(export)) as bundle:
        entry_ids = [
            name.removeprefix("disclosed/").removesuffix(".json")
            for name in bundle.namelist()
            if name.startswith("disclosed/")
        ]
    for start in range(0, len(entry_ids), PER_QUERY):
        entries = Entry.objects.filter(pk__in=entry_ids[start : start + PER_QUERY])
        keys = entries.values_list("key_id", flat=True)
        yield [key_id for key_id in keys if key_id is not None]


def _without_secret(key_ids: list[UUID]) -> int:
    known = set(SubjectSecret.objects.filter(pk__in=key_ids).values_list("pk", flat=True))
    return sum(key_id not in known for key_id in key_ids)
