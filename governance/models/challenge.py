"""What people did about a change request before and beside deciding it: read, said, asked for, were reminded of."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from governance.models.changes import Approval, ChangeRequest
from governance.models.findings import Finding


class EvidenceView(models.Model):
    """One person had one part of a change's evidence before their eyes, and what it said. Never changed."""

    class Part(models.TextChoices):
        COMPARISON = "comparison"
        GATE_REPORT = "gate_report"
        PERFORMANCE = "performance"
        POLICY = "policy"

    change_request = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, related_name="evidence_views"
    )
    viewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=12, choices=Part.choices)
    evidence_digest = models.CharField(max_length=64)
    shown_sha256 = models.CharField(max_length=64)
    viewed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_evidence", "Can open the evidence of changes, on record"),
            ("view_effective_challenge", "Can see how thoroughly changes were challenged, by whom"),
        ]

    def __str__(self) -> str:
        return f"{self.viewer.get_username()} saw the {self.part}"


class ChangeComment(models.Model):
    """One remark about a change request, by somebody who may see it. Never changed; it decides nothing."""

    change_request = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, related_name="comments"
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    said_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="governance_comment_has_text", condition=~Q(text=""))
        ]

    def __str__(self) -> str:
        return f"{self.author.get_username()}: {self.text[:60]}"


class ApprovalCondition(models.Model):
    """One condition under which somebody approved: what must be done, by whom, by when. Never changed.

    It binds nobody before the change is granted; then it is opened as a finding. A trigger refuses one of a rejection.
    """

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="conditions")
    text = models.TextField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    # The approval's entry, which says every condition.
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="governance_condition_has_text", condition=~Q(text=""))
        ]

    def __str__(self) -> str:
        return f"by {self.due_on}: {self.text[:60]}"


class ConditionFinding(models.Model):
    """The finding that a condition became when its change was granted. Never changed."""

    condition = models.OneToOneField(
        ApprovalCondition, on_delete=models.PROTECT, related_name="opened_as"
    )
    finding = models.OneToOneField(Finding, on_delete=models.PROTECT, related_name="condition")
    # The finding's entry.
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.finding)


class ChangeReminder(models.Model):
    """Those who may decide an open change were reminded so many days before it expires. Never changed.

    `addressed_to` are the names of the accounts that could decide it at that moment; nobody may be among them.
    """

    change_request = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, related_name="reminders"
    )
    days_before = models.PositiveSmallIntegerField()
    addressed_to = models.JSONField()
    reminded_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="governance_reminded_once", fields=["change_request", "days_before"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.change_request}: {self.days_before} days before it expires"
