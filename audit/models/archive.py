"""What lies in the archive: closed epochs, objects with their locks and holds, restores, and what a listing found."""

from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from audit.models.log import Entry


class Epoch(models.Model):
    """One stretch of the log, closed for the archive under one published checkpoint.

    Everything that its archived object is made of is fixed here or in rows that never change: a pass that a crash cut
    off makes the same bytes again.
    """

    origin = models.CharField(max_length=255)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    publication = models.OneToOneField(
        "audit.Publication", on_delete=models.PROTECT, related_name="+"
    )
    stamps = models.JSONField()  # sizes of the checkpoints whose time stamps belong to it
    policy = models.TextField()
    closed_at = models.DateTimeField()
    locked_until = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["origin", "first"], name="audit_one_epoch_per_first"),
            models.CheckConstraint(
                condition=Q(first__gte=0, last__gte=models.F("first")),
                name="audit_epoch_is_a_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.origin} {self.first} to {self.last}"

    @property
    def key(self) -> str:
        """Where its object lies in the archive."""
        return (
            f"{self.origin}/epoch/{self.closed_at:%Y/%m/%d}/{self.first:012d}-{self.last:012d}.tar"
        )


class ArchivedObject(models.Model):
    """One object in the archive, read back and compared after it was written."""

    origin = models.CharField(max_length=255)
    key = models.CharField(max_length=500, unique=True)
    version_id = models.CharField(max_length=200, blank=True)  # of S3; a folder has none
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    tree_size = models.BigIntegerField()
    epoch = models.OneToOneField(
        Epoch, on_delete=models.PROTECT, null=True, related_name="archived"
    )  # null for checkpoints and trust
    locked_until = models.DateTimeField(null=True)  # null where the store keeps no lock
    read_back_at = models.DateTimeField()
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [
            ("archive_log", "Can archive the log"),
            ("verify_log", "Can verify the whole log"),
            ("manage_keys", "Can make and rotate keys"),
            ("write_heartbeat", "Can write heartbeats"),
            ("extend_retention", "Can lock archived objects for longer"),
            ("hold_archive", "Can put archived objects under legal hold"),
        ]

    def __str__(self) -> str:
        return self.key


class LockExtension(models.Model):
    """One archived object was locked for longer: until when, and why."""

    archived = models.ForeignKey(
        ArchivedObject, on_delete=models.PROTECT, related_name="extensions"
    )
    locked_until = models.DateTimeField()
    reason = models.CharField(max_length=300)
    extended_at = models.DateTimeField()
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")


class RetentionStart(models.Model):
    """The event that starts a retention period happened, after the records were made: the retirement of a model, say."""

    record_class = models.CharField(max_length=50)
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    started_on = models.DateField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["record_class", "subject_type", "subject_id"],
                name="audit_one_start_per_record",
            )
        ]


class ObjectHold(models.Model):
    """One archived object under legal hold for one matter: wanted, then in force; released, then lifted."""

    archived = models.ForeignKey(ArchivedObject, on_delete=models.PROTECT, related_name="holds")
    matter = models.CharField(max_length=100)
    wanted_at = models.DateTimeField()
    in_force_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["archived", "matter"],
                condition=Q(released_at=None),
                name="audit_one_hold_per_matter",
            )
        ]


class RestoreRequest(models.Model):
    """One archived object that somebody needs back from cold storage, and how far that is."""

    class Tier(models.TextChoices):
        EXPEDITED = "expedited"
        STANDARD = "standard"
        BULK = "bulk"

    class State(models.TextChoices):
        REQUESTED = "requested"
        RESTORING = "restoring"
        AVAILABLE = "available"
        EXPORTED = "exported"
        EXPIRED = "expired"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    archived = models.ForeignKey(ArchivedObject, on_delete=models.PROTECT, related_name="restores")
    tier = models.CharField(max_length=10, choices=Tier.choices)
    days = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=300)
    storage_class = models.CharField(max_length=30)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    expected_at = models.DateTimeField()
    available_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    exported_at = models.DateTimeField(null=True)
    refusal = models.TextField(blank=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("request_restore", "Can ask for objects to be restored from the archive")]
        constraints = [
            models.UniqueConstraint(
                fields=["archived"],
                condition=Q(state__in=["requested", "restoring"]),
                name="audit_one_restore_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.archived} ({self.state})"


class ArchiveAlarm(models.Model):
    """Something under a recorded key is not as it was archived. Cleared when a later listing no longer finds it."""

    class Kind(models.TextChoices):
        DELETE_MARKER = "delete_marker"
        SECOND_VERSION = "second_version"
        MISSING = "missing"
        CHANGED = "changed"
        LOCK_SHORTENED = "lock_shortened"
        HOLD_OFF = "hold_off"
        DRILL_FAILED = "drill_failed"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=500)
    version_id = models.CharField(max_length=200, blank=True)
    detail = models.TextField()
    found_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key", "version_id"],
                condition=Q(cleared_at=None),
                name="audit_one_open_alarm",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.key}"
