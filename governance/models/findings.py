"""Findings: what is wrong with a model, who puts it right, and by when."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from registry.models import ModelVersion, Policy, ScoringModel, UseRestriction


class Finding(models.Model):
    """One deficiency of a model, or of one of its versions, that its owner puts right and somebody else closes.

    What was found never changes. The state moves from open to remediated, and from there to closed or back to open;
    the due date moves only with an extension. Triggers hold both, and refuse a developer who closes.
    """

    class Severity(models.TextChoices):
        CRITICAL = "critical"
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    class State(models.TextChoices):
        OPEN = "open"
        REMEDIATED = "remediated"
        CLOSED = "closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="findings")
    version = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="findings"
    )  # null where it is about every version
    severity = models.CharField(max_length=10, choices=Severity.choices)
    category = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    evidence = models.TextField()
    root_cause = models.TextField(blank=True)
    is_repeat = models.BooleanField(default=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    remediation = models.TextField(blank=True)
    remediated_at = models.DateTimeField(null=True)
    rejection = models.TextField(blank=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closing_rationale = models.TextField(blank=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_finding", "Can open findings"),
            ("submit_remediation", "Can own findings and say how they were put right"),
            ("close_finding", "Can close findings and reject remediations"),
            ("extend_finding", "Can extend the due date of findings"),
        ]
        constraints = [
            models.CheckConstraint(
                name="governance_finding_closer_is_not_owner",
                condition=Q(closed_by=None) | ~Q(closed_by=F("owner")),
            ),
            models.CheckConstraint(
                name="governance_finding_remediated_with_evidence",
                condition=Q(state="open") | (Q(remediated_at__isnull=False) & ~Q(remediation="")),
            ),
            models.CheckConstraint(
                name="governance_closed_finding_has_a_closer",
                condition=(
                    ~Q(state="closed") & Q(closed_by=None, closed_at=None, closing_rationale="")
                )
                | (
                    Q(state="closed", closed_by__isnull=False, closed_at__isnull=False)
                    & ~Q(closing_rationale="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.about}: {self.title}"

    @property
    def about(self) -> ModelVersion | ScoringModel:
        return self.version or self.model


class FindingExtension(models.Model):
    """More time for one finding: until when, why, and who allowed it. Never changed.

    Triggers refuse an approver who owns the finding.
    """

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="extensions")
    was_due_on = models.DateField()
    due_on = models.DateField()
    reason = models.TextField()
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="governance_extension_is_later", condition=Q(due_on__gt=F("was_due_on"))
            ),
            models.CheckConstraint(
                name="governance_extension_has_a_reason", condition=~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.finding} until {self.due_on}"


class OverdueFinding(models.Model):
    """The fact that a high or critical finding was not closed in time, from which an incident is opened. Never changed."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="missed")
    due_on = models.DateField()
    noticed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_overdue_per_due_date", fields=["finding", "due_on"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.finding}, due {self.due_on}"


class FindingRestriction(models.Model):
    """One use restriction that a finding led to, by what rule of the oversight policy. Never changed.

    It holds until it is lifted: by whoever closes the finding, or gives it more time where only lateness restricts.
    """

    class Rule(models.TextChoices):
        CRITICAL_OPEN = "critical_open"
        HIGH_OVERDUE = "high_overdue"

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="restrictions")
    restriction = models.OneToOneField(UseRestriction, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=20, choices=Rule.choices)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.restriction}, for {self.finding}"

    @property
    def holds(self) -> bool:
        """Whether nobody lifted it."""
        return not hasattr(self.restriction, "lift")
