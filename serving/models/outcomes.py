"""How decided applications turned out."""

from django.contrib.auth.models import User
from django.db import models

from serving.models.decisions import Decision


class Outcome(models.Model):
    """How a decided application turned out, as known on one day. Never changed: later knowledge is a later row.

    `matured` says that the performance window was over; an immature good may still turn bad.
    """

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="outcomes")
    bad = models.BooleanField()
    observed_on = models.DateField()
    months_on_book = models.PositiveSmallIntegerField()
    matured = models.BooleanField()
    source = models.CharField(max_length=200)
    supplied_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("record_outcome", "Can record how applications turned out")]
        constraints = [
            models.UniqueConstraint(
                name="serving_one_outcome_per_day", fields=["decision", "observed_on"]
            ),
        ]

    def __str__(self) -> str:
        return f"{'bad' if self.bad else 'good'} on {self.observed_on}"
