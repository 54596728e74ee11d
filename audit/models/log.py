"""The log: entries as the bytes that were signed, and the tree over them."""

from django.db import models

from audit.ids import uuid7


class Entry(models.Model):
    """One act, as the canonical bytes that its producer signed. Never changed, never removed.

    `body` is the leaf of the tree; the other columns repeat parts of it so that people can search, and verification compares them.
    The index is not here: the sequencer gives it, in Leaf. On PostgreSQL the table is in monthly parts, by the time in `id`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    origin = models.CharField(max_length=255)
    event = models.CharField(max_length=100)
    occurred_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=150)
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    request_id = models.CharField(max_length=64, blank=True)
    key_id = models.UUIDField(null=True)  # of the vault secret, where there is a private payload
    body = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["-id"]
        # Named here, because db_index on a text makes two on PostgreSQL, and every act pays for each. None on the time:
        # it is in the key (audit.ids.first_key).
        indexes = [
            models.Index(fields=["event"], name="audit_entry_event"),
            models.Index(fields=["actor_name"], name="audit_entry_actor"),
            models.Index(fields=["subject_type", "subject_id"], name="audit_entry_subject"),
            models.Index(
                fields=["key_id"], name="audit_entry_key", condition=models.Q(key_id__isnull=False)
            ),
        ]
        permissions = [("read_private", "Can read the private part of entries")]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"


class Outbox(models.Model):
    """One entry that waits for its index. Written by a trigger on the entry's insert; removed by the sequencer."""

    id = models.BigAutoField(primary_key=True)
    # Neither a constraint nor an index: the trigger knows that the entry is there, and the queue is read from its front.
    entry = models.ForeignKey(
        Entry, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    origin = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "outbox"


class Leaf(models.Model):
    """The place of one entry in the tree: index from 0, without a gap, in its origin."""

    # No constraint: the sequencer has just read the entry, which is never removed, and 4096 checks a batch cost more than the tree.
    entry = models.OneToOneField(
        Entry,
        on_delete=models.PROTECT,
        related_name="leaf",
        primary_key=True,
        db_constraint=False,
    )
    origin = models.CharField(max_length=255)
    index = models.BigIntegerField()
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
        permissions = [("renew_keys", "Can renew producer keys and end an overlap of log keys")]
        constraints = [
            models.UniqueConstraint(fields=["origin", "size"], name="audit_one_checkpoint_per_size")
        ]

    def __str__(self) -> str:
        return f"{self.origin} at {self.size}"


class ShardClose(models.Model):
    """The end of one shard: its last entry, and the shard that goes on. From here on the database takes no entry of it."""

    origin = models.CharField(max_length=255, primary_key=True)
    next_origin = models.CharField(max_length=255, unique=True)
    closed_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [("roll_shard", "Can close a shard of the log and open the next")]

    def __str__(self) -> str:
        return f"{self.origin} -> {self.next_origin}"
