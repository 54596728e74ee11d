"""Decisions and what they were made of."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from serving.policy import DecisionOutcome, DecisionPath


class Decision(models.Model):
    """One application decided: by which version, under which clearance, with what outcome. Never changed.

    Holds no feature value and no name: those are in Observation, and in the private part of the
    entry, until the person is erased. `key_id` and `signature` are those of the receipt. `slot` (0 to 99) is the
    place of its application among the shares of a rollout; unknown of decisions before it was kept.
    """

    class Role(models.TextChoices):
        CHAMPION = "champion"
        CHALLENGER = "challenger"
        CANARY = "canary"
        FALLBACK = "fallback"  # the former champion, where the champion's bytes cannot be used

    class ClockBasis(models.TextChoices):
        """From when the days for notifying the applicant are counted."""

        COMPLETED_AT = "completed_at"
        RECEIVED_AT = "received_at"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model_name = models.SlugField(db_index=False)
    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="decisions"
    )
    artefact_sha256 = models.CharField(max_length=64)
    clearance = models.ForeignKey(
        "registry.Clearance", on_delete=models.PROTECT, related_name="decisions"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    slot = models.PositiveSmallIntegerField(null=True)
    outcome = models.CharField(
        max_length=10, choices=[(item.value, item.value) for item in DecisionOutcome]
    )
    decision_path = models.CharField(
        max_length=10, choices=[(item.value, item.value) for item in DecisionPath]
    )
    baseline_id = models.CharField(max_length=20)
    policy_version = models.PositiveIntegerField()
    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    subject_id = models.UUIDField(db_index=True)
    application_id = models.UUIDField(db_index=True)
    received_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    clock_basis = models.CharField(max_length=12, choices=ClockBasis.choices)
    decided_at = models.DateTimeField()
    key_id = models.CharField(max_length=300)
    signature = models.BinaryField(max_length=64)
    # One decision per entry: a trigger sees to it, because the table is in monthly parts on PostgreSQL.
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("decide", "Can have applications decided")]
        indexes = [
            models.Index(fields=["model_name", "decided_at"], name="serving_decision_window"),
            models.Index(  # the few that wait for a person
                fields=["model_name", "decided_at"],
                name="serving_decision_referred",
                condition=Q(outcome=DecisionOutcome.REFERRED.value),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="serving_decision_outcome",
                condition=Q(outcome__in=[item.value for item in DecisionOutcome]),
            ),
            models.CheckConstraint(
                name="serving_knockout_declines",
                condition=~Q(decision_path=DecisionPath.KNOCKOUT.value)
                | Q(outcome=DecisionOutcome.DECLINED.value),
            ),
            models.CheckConstraint(
                name="serving_clock_basis",
                condition=Q(clock_basis="completed_at", completed_at__isnull=False)
                | Q(clock_basis="received_at", completed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Observation(models.Model):
    """What one decision was made of, for monitoring, replay and the applicant. Never changed; deleted with the person.

    `packed` and `attributions` are float64 arrays, one value per contract feature in its order. `lookups` says how
    fresh each feature was that the service looked up itself; None where the version looks nothing up. `key_factors` is
    None where the score is no FCRA credit score, `reason_check` where the reasons are not from a score. `judge_us` is how
    many microseconds the version took to judge; None for one of several, where nobody waits for one of them alone.
    """

    decision = models.OneToOneField(
        Decision, on_delete=models.PROTECT, primary_key=True, related_name="observation"
    )
    subject_id = models.UUIDField(db_index=True)
    packed = models.BinaryField()
    attributions = models.BinaryField()
    method = models.CharField(max_length=200)
    base_value = models.FloatField()
    margin = models.FloatField()
    pd = models.FloatField()
    cut_off = models.FloatField()
    reasons = models.JSONField()
    additivity_gap = models.FloatField()
    lookups = models.JSONField(null=True)
    key_factors = models.JSONField(null=True)
    reason_check = models.JSONField(null=True)
    judge_us = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="serving_observation_pd", condition=Q(pd__gte=0) & Q(pd__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return str(self.decision_id)
