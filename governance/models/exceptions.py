"""Exceptions from a gate policy: other limits for one check, granted on request and for a time."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from governance.models.changes import ChangeRequest
from registry.models import ModelVersion, Policy, ScoringModel


class ThresholdException(models.Model):
    """Other limits for one check of one gate policy, for one version or a whole model, until a time. Never changed.

    It ends by itself: at `expires_at`, or when another policy is in force. A trigger refuses one that no granted
    request asked for.
    """

    change_request = models.OneToOneField(
        ChangeRequest, on_delete=models.PROTECT, related_name="exception"
    )
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="exceptions")
    version = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="exceptions"
    )  # null where it is about every version
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    check_name = models.CharField(max_length=40)
    minimum = models.FloatField(null=True)
    maximum = models.FloatField(null=True)
    justification = models.TextField()
    compensating_controls = models.TextField()
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "threshold exception"
        ordering = ["-id"]
        permissions = [("grant_exception", "Can grant exceptions from a gate policy")]
        constraints = [
            models.CheckConstraint(
                name="governance_exception_says_why",
                condition=~Q(justification="") & ~Q(compensating_controls=""),
            ),
            models.CheckConstraint(
                name="governance_exception_has_a_limit",
                condition=Q(minimum__isnull=False) | Q(maximum__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.about}: {self.check_name} until {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def about(self) -> ModelVersion | ScoringModel:
        return self.version or self.model

    def is_live(self, at: datetime) -> bool:
        return at < self.expires_at
