"""Training runs."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class Run(models.Model):
    """One training of a model on a dataset: what was asked for, and what came of it.

    A row is the intent to train from the moment it is queued; only its outcome is written later.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    class Algorithm(models.TextChoices):
        LOGISTIC_REGRESSION = "logistic_regression"
        DECISION_TREE = "decision_tree"
        RANDOM_FOREST = "random_forest"
        EXTRA_TREES = "extra_trees"
        GRADIENT_BOOSTING = "gradient_boosting"
        HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
        LIGHTGBM = "lightgbm", "LightGBM"
        XGBOOST = "xgboost", "XGBoost"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(
        "registry.ScoringModel", on_delete=models.PROTECT, related_name="runs"
    )
    dataset = models.ForeignKey("registry.Dataset", on_delete=models.PROTECT, related_name="runs")
    algorithm = models.CharField(max_length=30, choices=Algorithm.choices)
    params = models.JSONField(default=dict)
    seed = models.PositiveIntegerField()
    holdout_share = models.FloatField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    error = models.TextField(blank=True)
    metrics = models.JSONField(default=dict)
    plots = models.JSONField(default=dict)
    code_revision = models.CharField(max_length=64, blank=True)
    environment_sha256 = models.CharField(max_length=64, blank=True)
    artefact_sha256 = models.CharField(max_length=64, blank=True)
    content_sha256 = models.CharField(max_length=64, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_run", "Can request a training run"),
            ("train_run", "Can train a run"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_share__gt=0) & Q(holdout_share__lt=1),
                name="registry_run_holdout_share",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.algorithm} {str(self.id)[-8:]}"

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the run."""
        return "registry.run", str(self.id)


class Reproduction(models.Model):
    """One training again of a finished run from its record, and whether the same model came of it. Never changed."""

    class Verdict(models.TextChoices):
        SAME_BYTES = "same_bytes"
        # Only the container differs: addresses and times that a dump holds.
        SAME_CONTENT = "same_content"
        DIFFERENT = "different"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reproductions")
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    content_sha256 = models.CharField(max_length=64)
    artefact_sha256 = models.CharField(max_length=64)
    holdout_auc_change = models.FloatField()  # AUC on the holdout, this time minus the recorded one
    code_revision = models.CharField(max_length=64)
    environment_changes = models.JSONField()  # "name: recorded -> now"
    reproduced_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reproduced_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("reproduce_run", "Can train a finished run again from its record")]

    def __str__(self) -> str:
        return f"{self.run}: {self.get_verdict_display()}"
