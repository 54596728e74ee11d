"""Whether people still need the roles that they hold: asked every quarter, role by role."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from registry.models import Policy


class Recertification(models.Model):
    """One quarter's review of who holds which role, with the day by which every one is decided. Never changed.

    It is over when each of its roles was decided, or is held no longer; it then still says what was decided.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    quarter = models.CharField(max_length=7, unique=True)  # 2026-Q4
    due_on = models.DateField()
    policy = models.ForeignKey(Policy, null=True, on_delete=models.PROTECT, related_name="+")
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_recertification", "Can open the review of who holds which role"),
            ("certify_role", "Can certify roles that others hold, or revoke them"),
        ]

    def __str__(self) -> str:
        return f"Roles of {self.quarter}"


class RoleHeld(models.Model):
    """One role that one person held when a recertification was opened. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recertification = models.ForeignKey(
        Recertification, on_delete=models.PROTECT, related_name="roles"
    )
    holder = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=50)
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "role to certify"
        verbose_name_plural = "roles to certify"
        ordering = ["holder__username", "role"]
        constraints = [
            models.UniqueConstraint(
                name="governance_a_role_is_asked_about_once",
                fields=["recertification", "holder", "role"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.holder.get_username()}: {self.role}"


class RoleDecision(models.Model):
    """What somebody else decided about one role that a person held, and why. Never changed.

    A trigger refuses a decision about one's own role.
    """

    class Decision(models.TextChoices):
        CERTIFY = "certify"
        REVOKE = "revoke"

    held = models.OneToOneField(RoleHeld, on_delete=models.PROTECT, related_name="decided")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason = models.TextField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="governance_role_decision_has_a_reason", condition=~Q(reason="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.held}: {self.decision}"


class LateRecertification(models.Model):
    """The fact that roles were not decided by the due date, from which an incident is opened. Never changed."""

    recertification = models.OneToOneField(
        Recertification, on_delete=models.PROTECT, related_name="missed"
    )
    summary = models.TextField()
    noticed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.recertification}, due {self.recertification.due_on}"
