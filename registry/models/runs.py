"""Training runs."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class Run(models.Model):
    """One training of a model on a dataset: what was asked for, and what came of it.

    A row is the intent to train from the moment it is queued; only its outcome is written later. A run of the
    algorithm `outside` was trained elsewhere: it is `open` while its client reports, then queued to be measured here
    where the client handed a model in. Once succeeded or failed, nothing of it changes.
    """

    class Status(models.TextChoices):
        OPEN = "open"
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
        OUTSIDE = "outside", "trained outside"

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
    # What an outside client calls its run, so that opening it twice opens it once.
    client_key = models.UUIDField(null=True, unique=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_run", "Can request a training run"),
            ("train_run", "Can train a run"),
            ("report_run", "Can report a run that was trained outside"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_share__gt=0) & Q(holdout_share__lt=1),
                name="registry_run_holdout_share",
            ),
            models.CheckConstraint(
                condition=Q(algorithm="outside", client_key__isnull=False)
                | Q(~Q(algorithm="outside"), client_key__isnull=True),
                name="registry_run_outside_has_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.algorithm} {str(self.id)[-8:]}"

    @property
    def is_outside(self) -> bool:
        """Whether it was trained outside, so that its record does not say how."""
        return self.algorithm == self.Algorithm.OUTSIDE

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the run."""
        return "registry.run", str(self.id)


class RunReport(models.Model):
    """One batch of what a client said of a run that it trains outside. Never changed, and none is added once the run ended.

    `body` is what was said and what follows from it (`registry.reporting`). Nothing in it was measured by this service.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reports")
    key = models.UUIDField()  # the client's: the same batch sent again is one batch
    body = models.JSONField()
    said_sha256 = models.CharField(max_length=64)
    reported_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="registry_one_report_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.run}: reported {self.reported_at:%Y-%m-%d %H:%M}"


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
