"""Protected attributes, reports about the live population, and what crossed a limit."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from monitoring.triggers import Trigger
from registry.models import ModelVersion, Policy, ScoringModel


class ProtectedValue(models.Model):
    """The protected attributes of one person, encrypted under a key of their own.

    Of a row of a registered data set, or of a client's applicant. Never changed: what is supplied
    later is a later row, and the latest counts. Deleted only once the person was erased.
    """

    class Scope(models.TextChoices):
        DATASET = "dataset"
        CLIENT = "client"

    scope = models.CharField(max_length=7, choices=Scope.choices)
    dataset_sha256 = models.CharField(max_length=64, blank=True)
    row_id = models.CharField(max_length=200, blank=True)
    subject_id = models.UUIDField(null=True, db_index=True)
    attributes = models.JSONField()
    ciphertext = models.BinaryField()
    key_id = models.CharField(max_length=16)
    supplied_at = models.DateTimeField()
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("supply_protected", "Can supply protected attributes"),
            ("read_protected", "Can have protected attributes read for a report"),
            ("forget_protected", "Can remove protected attributes of erased people"),
        ]
        constraints = [
            models.CheckConstraint(
                name="monitoring_protected_value_is_about_one",
                condition=Q(scope="dataset", subject_id__isnull=True)
                & ~Q(dataset_sha256="")
                & ~Q(row_id="")
                | Q(scope="client", subject_id__isnull=False, dataset_sha256="", row_id=""),
            ),
        ]
        indexes = [
            models.Index(fields=["dataset_sha256"], name="monitoring_protected_dataset"),
        ]

    def __str__(self) -> str:
        return self.about

    @property
    def about(self) -> str:
        """Whose attributes these are, as the ciphertext is bound to it."""
        if self.scope == self.Scope.DATASET:
            return f"row {self.dataset_sha256}/{self.row_id}"
        return f"subject {self.subject_id}"


class MonitoringPass(models.Model):
    """Someone's wish to have one window of a model measured; a worker finds it here and carries it out once."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        FINISHED = "finished"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="+")
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    kinds = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    problem = models.TextField(blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "monitoring passes"
        ordering = ["-id"]
        permissions = [
            ("request_pass", "Can request a monitoring pass"),
            ("run_pass", "Can carry out a monitoring pass"),
        ]
        constraints = [
            models.CheckConstraint(
                name="monitoring_pass_window", condition=Q(window_start__lt=F("window_end"))
            ),
            models.CheckConstraint(
                name="monitoring_pass_ends_with_a_time",
                condition=Q(state="requested", finished_at__isnull=True)
                | Q(state__in=["finished", "failed"], finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} until {self.window_end:%Y-%m-%d %H:%M}"


class Report(models.Model):
    """One report about one version: its numbers, and the page and PDF made of them, by digest. Never changed.

    `results` holds every number and what it was made of; `sha256` is its canonical digest.
    """

    class Kind(models.TextChoices):
        DRIFT = "drift"
        FAIRNESS = "fairness"
        PERFORMANCE = "performance"
        REASONS = "reasons"

    kind = models.CharField(max_length=11, choices=Kind.choices)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    monitoring_pass = models.ForeignKey(
        MonitoringPass, null=True, on_delete=models.PROTECT, related_name="reports"
    )
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    as_of = models.DateTimeField()
    results = models.JSONField()
    sha256 = models.CharField(max_length=64)
    html_sha256 = models.CharField(max_length=64)
    pdf_sha256 = models.CharField(max_length=64)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("make_report", "Can make monitoring reports"),
            ("view_fairness_report", "Can see reports that compare protected groups"),
        ]
        indexes = [
            models.Index(fields=["model", "kind", "window_end"], name="monitoring_report_window"),
        ]
        constraints = [
            models.CheckConstraint(
                name="monitoring_report_window", condition=Q(window_start__lt=F("window_end"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.version}, {self.window_end:%Y-%m-%d}"


class Alert(models.Model):
    """One limit of a monitoring policy that one report found crossed. Never changed.

    `trigger` and `measured` say what crossed it; `confirmed` says that it persisted for as many
    windows as the policy asks, or was critical. What becomes of it is governance's to say.
    """

    class Severity(models.TextChoices):
        WATCH = "watch"
        BREACH = "breach"
        CRITICAL = "critical"

    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="alerts")
    trigger = models.CharField(max_length=40, db_index=True)
    measured = models.CharField(max_length=200)
    observed = models.FloatField()
    threshold = models.FloatField()
    severity = models.CharField(max_length=10, choices=Severity.choices)
    crossed = models.PositiveSmallIntegerField()
    windows = models.PositiveSmallIntegerField()
    needed = models.PositiveSmallIntegerField()
    confirmed = models.BooleanField()
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    detected_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("raise_alert", "Can raise alerts")]
        constraints = [
            models.UniqueConstraint(
                name="monitoring_one_alert_per_report",
                fields=["report", "trigger", "measured"],
            ),
        ]

    def __str__(self) -> str:
        if self.is_about_groups:
            return f"{self.trigger}: {self.severity}"
        return f"{self.trigger} of {self.measured}: {self.observed:.3g}"

    @property
    def is_about_groups(self) -> bool:
        """Whether its numbers compare protected groups, and are told to those alone who see fairness reports."""
        return self.trigger == Trigger.ADVERSE_IMPACT_RATIO
