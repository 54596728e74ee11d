"""What someone asked a worker for: passes over the log, and evidence bundles."""

from django.db import models

from audit.ids import uuid7
from audit.models.log import Entry


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
        DESTROYED = "destroyed"  # its file disclosed a person who was erased

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
            ("destroy_export", "Can destroy bundles that disclose erased people"),
        ]
