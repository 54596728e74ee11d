"""Retraining cases: opened by an alert or a person, with a deadline from the first moment."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from registry.models import ModelVersion, ScoringModel


class RetrainingCase(models.Model):
    """The duty to answer one cause of drift within 24 hours: by a new champion, or by a reason why none is needed.

    `breached` says that the deadline passed; the case stays to be answered until `closed_at` is set.
    """

    class State(models.TextChoices):
        OPEN = "open"
        WAITING = "waiting_for_approval"
        CLOSED_CHAMPION = "closed_champion"
        CLOSED_NO_RETRAIN = "closed_no_retrain"
        BREACHED = "breached"
        CONTAINED = "breached_with_containment"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="cases")
    cause = models.CharField(max_length=60)
    reason = models.TextField(blank=True)
    # Where the alerts saw the drift; without alerts the policy says how far back to look.
    window_start = models.DateTimeField(null=True)
    window_end = models.DateTimeField()
    detected_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=30, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)
    closing_reason = models.TextField(blank=True)
    candidate_version = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_case", "Can open a retraining case"),
            ("advance_case", "Can carry out the steps of a retraining case"),
            ("close_case", "Can close a retraining case without retraining"),
            ("watch_clock", "Can warn of and record missed deadlines"),
        ]
        constraints = [
            models.CheckConstraint(
                name="governance_case_has_a_deadline", condition=Q(due_at__gt=F("detected_at"))
            ),
            models.CheckConstraint(
                name="governance_closed_case_has_a_time",
                condition=~Q(state__in=["closed_champion", "closed_no_retrain"])
                | Q(closed_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="governance_one_open_case_per_cause",
                fields=["model", "cause"],
                condition=Q(closed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.cause}"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    def used_share(self, now: datetime) -> float:
        """The part of the time from detection to deadline that is used up; above 1 when it has passed."""
        return (now - self.detected_at) / (self.due_at - self.detected_at)


class CaseAlert(models.Model):
    """One alert of monitoring's that a case answers. An alert belongs to one case."""

    case = models.ForeignKey(RetrainingCase, on_delete=models.PROTECT, related_name="alerts")
    alert = models.OneToOneField(
        "monitoring.Alert", on_delete=models.PROTECT, related_name="case_alert"
    )
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")


class CaseStep(models.Model):
    """One step of a case: who began it, its budget, and how it ended.

    A worker holds a step until `held_until`; when it stops without finishing, another takes the step over.
    """

    class Name(models.TextChoices):
        DETECTED = "detected"
        TRIAGED = "triaged"
        DATA_SNAPSHOTTED = "data_snapshotted"
        TRAINED = "trained"
        VALIDATED = "validated"
        APPROVED = "approved"
        DEPLOYED = "deployed"

    class Outcome(models.TextChoices):
        DONE = "done"
        STOPPED = "stopped"

    case = models.ForeignKey(RetrainingCase, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=20, choices=Name.choices)
    budget_minutes = models.PositiveIntegerField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    held_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    detail = models.JSONField(default=dict)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="governance_one_step_per_case", fields=["case", "step"]),
            models.CheckConstraint(
                name="governance_finished_step_has_an_outcome",
                condition=Q(finished_at=None, outcome="")
                | Q(finished_at__isnull=False, outcome__in=["done", "stopped"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.step}"

    @property
    def is_waiting(self) -> bool:
        """Begun, and waiting for training or for people; `detail` says for whom."""
        return self.finished_at is None and "waiting_for" in self.detail


class CaseWarning(models.Model):
    """A share of a case's time was used up, and somebody is to know. Never changed."""

    case = models.ForeignKey(RetrainingCase, on_delete=models.PROTECT, related_name="warnings")
    percent = models.PositiveSmallIntegerField()
    raised_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="governance_one_warning_per_share", fields=["case", "percent"]
            )
        ]
