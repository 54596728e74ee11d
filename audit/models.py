"""The log's tables: entries as the bytes that were signed, the tree over them, and the vault beside them."""

import uuid

from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class Entry(models.Model):
    """One act, as the canonical bytes that its producer signed. Never changed, never removed.

    `body` is the leaf of the tree; the other columns repeat parts of it so that people can search, and verification compares them.
    The index is not here: the sequencer gives it, in Leaf.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    origin = models.CharField(max_length=255)
    event = models.CharField(max_length=100, db_index=True)
    occurred_at = models.DateTimeField(db_index=True)
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=150, db_index=True)
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    request_id = models.CharField(max_length=64, blank=True)
    key_id = models.UUIDField(
        null=True, db_index=True
    )  # of the vault secret, where there is a private payload
    body = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_entry_subject")]
        permissions = [("read_private", "Can read the private part of entries")]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"


class Outbox(models.Model):
    """One entry that waits for its index. Written by a trigger on the entry's insert; removed by the sequencer."""

    id = models.BigAutoField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.DO_NOTHING, related_name="+")

    class Meta:
        verbose_name_plural = "outbox"


class Leaf(models.Model):
    """The place of one entry in the tree: index from 0, without a gap, in its origin."""

    origin = models.CharField(max_length=255)
    index = models.BigIntegerField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="leaf")
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name_plural = "leaves"
        constraints = [
            models.UniqueConstraint(fields=["origin", "index"], name="audit_one_leaf_per_index")
        ]


class Tile(models.Model):
    """One full tile: 256 hashes (8192 bytes) of one level. Partial tiles are made from leaves and tiles when asked for."""

    origin = models.CharField(max_length=255)
    level = models.SmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "level", "number"], name="audit_one_tile_per_place"
            )
        ]


class Head(models.Model):
    """The size and root of the tree of one origin. Moved by the sequencer alone, by compare-and-swap on both."""

    origin = models.CharField(max_length=255, primary_key=True)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    moved_at = models.DateTimeField()


class Checkpoint(models.Model):
    """A head that the log key signed: the signed note, byte for byte."""

    origin = models.CharField(max_length=255)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["origin", "size"], name="audit_one_checkpoint_per_size")
        ]

    def __str__(self) -> str:
        return f"{self.origin} at {self.size}"


class Subject(models.Model):
    """A person whom decisions concern: a random pseudonym, and nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("erase_subject", "Can erase a subject")]


class Reference(models.Model):
    """A caller's own name for a person or an application, kept only as a keyed hash. Removed when the person is erased."""

    client = models.CharField(max_length=150)
    kind = models.CharField(max_length=20)
    mac = models.BinaryField(max_length=32)
    identifier = models.UUIDField(db_index=True)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kind", "mac"], name="audit_one_identifier_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["subject", "application"]), name="audit_reference_kind"
            ),
        ]


class SubjectSecret(models.Model):
    """The wrapped secret from which one person's entry keys for one purpose come. Removed when the person is erased."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "purpose"], name="audit_one_secret_per_purpose"
            )
        ]


class Erasure(models.Model):
    """The destruction of a person's keys: on which legal basis, and by whom (its entry)."""

    subject = models.OneToOneField(Subject, on_delete=models.PROTECT, related_name="erasure")
    legal_basis = models.CharField(max_length=200)
    reason = models.TextField()
    erased_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")


class ArchivedObject(models.Model):
    """One object in the archive, read back and compared after it was written."""

    origin = models.CharField(max_length=255)
    key = models.CharField(max_length=500, unique=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    tree_size = models.BigIntegerField()
    read_back_at = models.DateTimeField()
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [
            ("archive_log", "Can archive the log"),
            ("verify_log", "Can verify the whole log"),
            ("manage_keys", "Can make and rotate keys"),
            ("write_heartbeat", "Can write heartbeats"),
        ]

    def __str__(self) -> str:
        return self.key


class LogPass(models.Model):
    """One pass over the whole log that someone asked a worker for: archiving it, or verifying it."""

    class Kind(models.TextChoices):
        ARCHIVING = "archiving"
        VERIFICATION = "verification"

    class State(models.TextChoices):
        REQUESTED = "requested"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    summary = models.TextField(blank=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "log passes"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {str(self.id)[-8:]}"


class EvidenceExport(models.Model):
    """One evidence bundle that someone asked for: its scope, its state, and the digest of the file that was built."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        AVAILABLE = "available"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scope = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    built_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)
    failure = models.TextField(blank=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("export_evidence", "Can export evidence"),
            ("disclose_private", "Can disclose private payloads in an export"),
        ]
