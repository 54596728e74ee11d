"""Rollbacks: the former champion took the champion's place again."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from registry.models import Clearance, ModelVersion, ScoringModel


class Rollback(models.Model):
    """One return to the former champion, on the clearance that its successor left it. Never changed.

    A trigger refuses whoever developed or registered the version gone back to, and the database gives that version
    its clearance to score a second time on the strength of this row alone.
    """

    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="rollbacks")
    from_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    to_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    clearance = models.OneToOneField(Clearance, on_delete=models.PROTECT, related_name="+")
    rationale = models.TextField()
    rolled_back_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    rolled_back_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("roll_back", "Can go back to the former champion at once")]
        constraints = [
            models.CheckConstraint(
                name="governance_rollback_has_rationale", condition=~Q(rationale="")
            ),
            models.CheckConstraint(
                name="governance_rollback_goes_elsewhere",
                condition=~Q(from_version=F("to_version")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_version} back to {self.to_version}"
