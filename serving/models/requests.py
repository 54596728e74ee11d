"""What clients ask for: keys that make a request safe to repeat, and counts by the minute."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from serving.models.decisions import Decision


class IdempotencyRecord(models.Model):
    """One Idempotency-Key that a client used, and what it was answered with: a decision, or the results of a batch."""

    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    decision = models.OneToOneField(Decision, null=True, on_delete=models.PROTECT, related_name="+")
    results = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="serving_one_answer_per_key", fields=["client", "key"]),
            models.CheckConstraint(
                name="serving_key_has_one_answer",
                condition=Q(decision__isnull=True) ^ Q(results__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ClientMinute(models.Model):
    """What one client asked of one model in one minute, where a policy limits that: counted, and deleted once the hour is on record.

    Not evidence: on PostgreSQL the table is unlogged, so that counting waits for no disk, and a crash empties it.
    """

    client = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    model_name = models.SlugField(db_index=False)
    minute = models.PositiveBigIntegerField()  # since 1970
    requests = models.PositiveIntegerField()
    decisions = models.PositiveIntegerField()
    throttled = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="serving_one_count_per_minute", fields=["client", "model_name", "minute"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} of {self.model_name}"
