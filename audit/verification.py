"""A full check of the log where it lives: the database and the archive.

The tree, the entries and their signatures are checked by the very verifier that a regulator runs (`audit/verify.py`), over
the database's rows laid out as a bundle. What only the database can show is checked here: that columns repeat the bytes, that
nothing fell out between entry, outbox and leaf, that every recorded row has its entry, that nobody restored an older state.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from audit import reconciliation, triggers, trust, verify
from audit.actions.archive import record_verification
from audit.archive.folder import PART
from audit.archive.reading import epoch_problems, fetched, require_same_bytes
from audit.archive.store import ArchiveRefused, ArchiveStore, ObjectCold
from audit.archive.stores import archive_store
from audit.entry_check import columns_that_differ
from audit.errors import Refusal
from audit.layouts import DatabaseFiles
from audit.models import ArchivedObject, Checkpoint, Entry, Head, Leaf, Outbox
from audit.published import publication_problems
from audit.queries import oldest_waiting_since, origins, publications
from audit.recorded import RECORDED
from audit.sequencer import current_origin
from audit.signer import log_signer
from audit.tiles import CheckpointBody

OVERDUE_SECONDS = 60
Step = Callable[[str], None]


@dataclass
class Verification:
    """What a full check found. Problems are what must not be; remarks are worth knowing and no fault of the log."""

    origin: str
    tree_size: int = 0
    archived_objects: int = 0
    checks: list[tuple[str, str, list[str]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, name: str, summary: str, problems: Sequence[str]) -> None:
        self.checks.append((name, summary, list(problems)))

    def take(self, closed: "Verification") -> None:
        """What was found in a shard that has ended."""
        self.archived_objects += closed.archived_objects
        self.remarks += closed.remarks
        for name, summary, problems in closed.checks:
            self.add(f"{name} of {closed.origin}", summary, problems)

    @property
    def problems(self) -> list[str]:
        return [f"{name}: {problem}" for name, _, problems in self.checks for problem in problems]


def verify_log(*, by: User, on_step: Step | None = None) -> Verification:
    """Check everything, and record what was found. Raises NotPermitted; problems are returned, not raised."""
    found = Verification(current_origin())
    for origin in origins()[:-1]:
        closed = Verification(origin)
        _carry_out(OF_A_SHARD, closed, on_step)
        found.take(closed)
    _carry_out(CHECKS, found, on_step)
    record_verification(
        found.origin, found.tree_size, found.archived_objects, found.problems, by=by
    )
    return found


def _carry_out(
    checks: dict[str, Callable[[Verification], None]], found: Verification, on_step: Step | None
) -> None:
    for name, check in checks.items():
        if on_step is not None:
            on_step(name)
        check(found)


def check_rows(found: Verification) -> None:
    """Each index has its leaf and each leaf its entry, and the columns repeat what the bytes say."""
    problems, expected = [], 0
    # The head before the leaves: sealing goes on meanwhile, and what the head counts is there already.
    head = Head.objects.filter(origin=found.origin).first()
    found.tree_size = head.size if head else 0
    leaves = Leaf.objects.filter(origin=found.origin).select_related("entry").order_by("index")
    for leaf in leaves.iterator(chunk_size=2000):
        problems += [_removed(found.origin, index) for index in range(expected, leaf.index)]
        problems += _row_problems(leaf)
        expected = leaf.index + 1
    problems += [_removed(found.origin, index) for index in range(expected, found.tree_size)]
    problems += [
        f"entry {entry.pk} ({entry.event}) is in no tree, and does not wait for one"
        for entry in _entries_in_neither_tree_nor_outbox(found.origin)
    ]
    found.add("rows", f"{expected:,} entries agree with their columns and leaves", problems)


def _removed(origin: str, index: int) -> str:
    leaf = Leaf.objects.filter(origin=origin, index=index).first()
    if leaf is None:
        return f"entry {index}: its leaf was removed"
    return f"entry {index} ({leaf.entry_id}) was removed"


def _row_problems(leaf: Leaf) -> Iterator[str]:
    entry, name = leaf.entry, f"entry {leaf.index} ({leaf.entry_id})"
    yield from (f"{name}: {problem}" for problem in columns_that_differ(entry))
    if bytes(entry.leaf_hash) != bytes(leaf.leaf_hash):
        yield f"{name}: its recorded leaf hash is not the one in the tree"


def _entries_in_neither_tree_nor_outbox(origin: str) -> models.QuerySet[Entry]:
    in_tree = Exists(Leaf.objects.filter(entry=OuterRef("pk")))
    waiting = Exists(Outbox.objects.filter(entry=OuterRef("pk")))
    return Entry.objects.filter(~in_tree, ~waiting, origin=origin)


def check_tree(found: Verification) -> None:
    """What a regulator's verifier says of the database, at every checkpoint that was ever signed."""
    files = DatabaseFiles(found.origin)
    # Without witnesses: what is signed last may still wait for them. Theirs is looked at where it was published.
    report = verify.verify_files(files, "database", f"{trust.log_lines()}quorum none\n")
    signed = Checkpoint.objects.filter(origin=found.origin).count()
    summary = f"{signed:,} signed checkpoint(s), the whole tree and every signature"
    found.add("tree", summary, list(_problems(report)))


def check_head(found: Verification) -> None:
    """The database is not behind what the signer signed, and its head is the newest checkpoint.

    The head is read last: the signer and the checkpoint follow it, so sealing that goes on meanwhile is no problem.
    """
    problems = []
    signed = _last_signed(found)
    checkpoint = Checkpoint.objects.filter(origin=found.origin).order_by("-size").first()
    head = Head.objects.filter(origin=found.origin).first()
    if head is None or checkpoint is None:
        found.add("head", "", ["the log has no signed head"])
        return
    if head.size < checkpoint.size or (
        head.size == checkpoint.size and bytes(head.root) != bytes(checkpoint.root)
    ):
        problems.append(f"the head at {head.size:,} is not the checkpoint at {checkpoint.size:,}")
    if head.size > checkpoint.size:
        found.remarks.append(f"The head at {head.size:,} waits to be signed.")
    if signed is not None:
        problems += _signer_problems(signed, head)
    found.add("head", f"signed at {checkpoint.size:,} entries, as the signer remembers", problems)


def _last_signed(found: Verification) -> CheckpointBody | None:
    try:
        return log_signer(found.origin).last()
    except Refusal as refusal:
        found.remarks.append(f"The signer's memory was not compared: {refusal.detail}")
        return None


def _signer_problems(signed: CheckpointBody, head: Head) -> Iterator[str]:
    """What the signer remembers must be a state of this tree: now, or before it grew."""
    if signed.size > head.size:
        yield (
            f"the signer signed {signed.size:,} entries and the database holds {head.size:,}: "
            "an older database was restored, or entries were removed"
        )
        return
    known = Checkpoint.objects.filter(origin=head.origin, size=signed.size).first()
    root = bytes(known.root if known else head.root)
    if (known or signed.size == head.size) and signed.root != root:
        yield f"the signer signed another root at size {signed.size:,}"


def check_published(found: Verification) -> None:
    """What strangers saw is what the log signed, with the cosignatures that the policy asks for."""
    count = publications(found.origin).count()
    if not count and Checkpoint.objects.filter(origin=found.origin).exists():
        found.remarks.append("No checkpoint is published yet.")
    problems = list(publication_problems(found.origin))
    found.add("published", f"{count:,} published checkpoint(s) are what was signed", problems)


def check_records(found: Verification) -> None:
    """Every row that an act made has its entry."""
    problems, rows = [], 0
    for model in RECORDED:
        rows += model._default_manager.count()
        without = ~Exists(Entry.objects.filter(pk=OuterRef("entry_id")))
        problems += [
            f"{model._meta.label_lower} {pk} has no entry"
            for pk in model._default_manager.filter(without, entry_id__isnull=False).values_list(
                "pk", flat=True
            )
        ]
    found.add("records", f"{rows:,} rows of {len(RECORDED)} tables have their entries", problems)


def check_reconciliations(found: Verification) -> None:
    """Every hour still holds what the log said of it: entries by event, and rows by table."""
    hours = reconciliation.reconciled_hours(found.origin)
    problems = list(reconciliation.problems_of(found.origin))
    found.add("reconciliations", f"{hours:,} hour(s) hold what the log said of them", problems)


def check_triggers(found: Verification) -> None:
    """The database still refuses what it must refuse."""
    missing = triggers.missing(connection)
    found.add(
        "triggers",
        "append-only tables refuse to change",
        [f"{name} is missing" for name in missing],
    )


def check_outbox(found: Verification) -> None:
    """An entry that waits long is no fault of the log, but somebody should start the sequencer."""
    oldest = oldest_waiting_since(found.origin)
    waiting = Outbox.objects.filter(origin=found.origin).count()
    if oldest and (timezone.now() - oldest).total_seconds() > OVERDUE_SECONDS:
        found.remarks.append(
            f"{waiting:,} entries wait to be sealed, the oldest since {oldest:%Y-%m-%d %H:%M:%S} UTC: "
            "is the sequencer running?"
        )
    found.add("outbox", f"{waiting:,} entries wait to be sealed", [])


def check_archive(found: Verification) -> None:
    """Each archived object is what was written, and each epoch by itself leads to its published checkpoint."""
    store, cold = archive_store(), 0
    problems: list[str] = []
    rows = ArchivedObject.objects.select_related("epoch__publication__checkpoint").order_by("pk")
    for row in rows.iterator(chunk_size=200):
        found.archived_objects += 1
        try:
            problems += _object_problems(store, row)
        except ObjectCold:
            cold += 1
        except ArchiveRefused as refusal:
            problems.append(refusal.detail)
    if not found.archived_objects:
        found.add("archive", "nothing was archived yet", [])
        return
    if not store.locks:
        # A folder is at hand: it is read as a whole, as a regulator would. Of a bucket each epoch was read by itself.
        folder = verify.Folder(Path(settings.CREDENCE_ARCHIVE))
        folder.names = [
            name for name in folder.names if not name.endswith(PART)
        ]  # of a pass that was killed
        problems += _problems(verify.verify_files(folder, "archive", trust.policy_text()))
    known = set(rows.values_list("key", flat=True))
    here = [key for key in store.names() if key.startswith(f"{found.origin}/")]
    strangers = [key for key in here if key not in known]
    found.remarks += [f"The archive holds {key}, which no row knows." for key in strangers]
    if cold:
        found.remarks.append(f"{cold:,} archived objects lie in cold storage and were not read.")
    found.add("archive", f"{found.archived_objects:,} objects, read back and verified", problems)


def _object_problems(store: ArchiveStore, row: ArchivedObject) -> Iterator[str]:
    if row.epoch is None:
        require_same_bytes(store, row)
        return
    with fetched(store, row) as file:
        yield from epoch_problems(row.epoch, file)


def _problems(report: verify.Report) -> Iterator[str]:
    for check in report.checks:
        yield from (str(problem) for problem in check.problems)
        if check.count > len(check.problems):
            yield f"and {check.count - len(check.problems):,} more of the kind {check.name}"


CHECKS: dict[str, Callable[[Verification], None]] = {
    "rows": check_rows,
    "tree": check_tree,
    "head": check_head,
    "published": check_published,
    "records": check_records,
    "reconciliations": check_reconciliations,
    "triggers": check_triggers,
    "outbox": check_outbox,
    "archive": check_archive,
}
# The rest is about the database as a whole.
OF_A_SHARD = {
    name: CHECKS[name]
    for name in ("rows", "tree", "head", "published", "reconciliations", "outbox", "archive")
}
