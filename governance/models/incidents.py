"""Incidents: facts of lower floors that somebody must look at."""

from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from registry.models import ModelVersion


class Incident(models.Model):
    """One thing that went wrong with one version, with the log, with roles or with notices, opened from a fact that a lower floor left.

    Further facts of the kind belong to it while it is open; one that comes after it was closed opens another.
    """

    class Kind(models.TextChoices):
        LOAD_FAILURE = "load_failure"
        EXPLANATION_FAILURE = "explanation_failure"
        REPLAY_FAILURE = "replay_failure"
        PROBE_FAILURE = "probe_failure"
        ARCHIVE_ALARM = "archive_alarm"
        WITNESS_REFUSAL = "witness_refusal"
        OVERDUE_FINDING = "overdue_finding"
        LATE_RECERTIFICATION = "late_recertification"
        LATE_NOTICE = "late_notice"
        UNTRUE_REASONS = "untrue_reasons"
        LATE_REVIEW = "late_review"
        GUARD_RAIL_BREACH = "guard_rail_breach"

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="incidents", null=True
    )  # null where it is about the log, roles or notices
    first_fact = models.PositiveBigIntegerField()
    summary = models.TextField()
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)
    cause = models.TextField(blank=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_incident", "Can open incidents"),
            ("close_incident", "Can close incidents"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_open_incident_per_version",
                fields=["kind", "version"],
                condition=Q(state="open"),
            ),
            models.UniqueConstraint(
                name="governance_one_open_incident_of_the_log",
                fields=["kind"],
                condition=Q(state="open", version=None),
            ),
            models.CheckConstraint(
                name="governance_closed_incident_has_a_cause",
                condition=Q(state="open", closed_at=None)
                | (Q(state="closed", closed_at__isnull=False) & ~Q(cause="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.version or self.about}"

    @property
    def about(self) -> str:
        """What it is about where that is no version."""
        others = {self.Kind.LATE_RECERTIFICATION: "roles", self.Kind.LATE_NOTICE: "notices"}
        return others.get(self.Kind(self.kind), "the log")
