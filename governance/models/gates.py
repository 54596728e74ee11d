"""Measuring a version against a gate policy."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.ids import uuid7
from registry.models import ModelVersion, Policy


class GateRun(models.Model):
    """Someone's wish to have one version measured; a worker finds it here and carries it out once."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        MEASURED = "measured"
        FAILED = "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="gate_runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    error = models.TextField(blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("measure_gates", "Can have versions measured against the gate policy"),
            ("carry_out_gates", "Can measure versions against the gate policy"),
            ("take_in_dataset", "Can take in a data file and split it"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_gate_run_at_a_time",
                fields=["version"],
                condition=Q(state__in=["queued", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"gates of {self.version}"

    @property
    def passed(self) -> bool:
        """Measured, and nothing blocks."""
        return self.state == self.State.MEASURED and self.report.passed


class GateReport(models.Model):
    """What one version measured under one gate policy: every check with its number, interval and verdict. Never changed."""

    run = models.OneToOneField(GateRun, on_delete=models.PROTECT, related_name="report")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="gate_reports")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    results = models.JSONField()
    passed = models.BooleanField()
    sha256 = models.CharField(max_length=64)
    measured_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version}: {'passed' if self.passed else 'not passed'}"
