"""What is asked of a model again and again while it is in the inventory: attestations and revalidations."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from registry.models import ModelRecord, Policy, ScoringModel


class Attestation(models.Model):
    """The owner's word that the inventory entry and the use of a model are as recorded, for one period. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="attestations")
    statement = models.TextField()
    from_on = models.DateField()
    to_on = models.DateField()
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    next_due_on = models.DateField()
    attested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    attested_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("attest_model", "Can attest for the models that they own")]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_attestation_per_day", fields=["model", "to_on"]
            ),
            models.CheckConstraint(
                name="governance_attestation_says_something", condition=~Q(statement="")
            ),
            models.CheckConstraint(
                name="governance_attestation_period",
                condition=Q(from_on__lte=F("to_on"), next_due_on__gt=F("to_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.from_on} to {self.to_on}"


class Revalidation(models.Model):
    """One validation that a model is due: because of its tier's period, or because something happened.

    It is completed once, by somebody who developed no version of the model: a trigger refuses anybody else.
    """

    class Cause(models.TextChoices):
        PERIODIC = "periodic"
        TIER_CHANGE = "tier_change"
        BREACH_ALERT = "breach_alert"
        NEW_USE = "new_use"

    class State(models.TextChoices):
        OPEN = "open"
        COMPLETED = "completed"

    class Outcome(models.TextChoices):
        APPROVED = "approved"
        APPROVED_WITH_RESTRICTIONS = "approved_with_restrictions"
        REJECTED = "rejected"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="revalidations")
    cause = models.CharField(max_length=20, choices=Cause.choices)
    due_on = models.DateField()
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=30, choices=Outcome.choices, blank=True)
    summary = models.TextField(blank=True)
    completed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    completed_at = models.DateTimeField(null=True)
    next_due_on = models.DateField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_revalidation", "Can open revalidations"),
            ("complete_revalidation", "Can complete revalidations"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_open_revalidation_per_cause",
                fields=["model", "cause"],
                condition=Q(state="open"),
            ),
            models.CheckConstraint(
                name="governance_completed_revalidation_has_an_outcome",
                condition=Q(
                    state="open", outcome="", completed_by=None, completed_at=None, next_due_on=None
                )
                | (
                    Q(
                        state="completed",
                        outcome__in=["approved", "approved_with_restrictions", "rejected"],
                        completed_by__isnull=False,
                        completed_at__isnull=False,
                        next_due_on__isnull=False,
                    )
                    & ~Q(summary="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.get_cause_display().lower()}, due {self.due_on}"


class TierChangeAnswer(models.Model):
    """One tier change, and the revalidation that it asked for. Never changed.

    The record of the inventory is the fact; one revalidation answers all changes made while it was open.
    """

    change = models.OneToOneField(ModelRecord, on_delete=models.PROTECT, related_name="+")
    revalidation = models.ForeignKey(
        Revalidation, on_delete=models.PROTECT, related_name="tier_changes"
    )
    answered_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.revalidation} after {self.change}"


class MaterialityAssessment(models.Model):
    """How material a model was found to be: what it decided in a period, what for, and the tier that makes. Never changed.

    The tier of the model is another act's to change. `amount` is None where exposure was judged by decisions alone.
    """

    class Band(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="materiality")
    revision = models.PositiveIntegerField()  # of the inventory, from which the purpose was read
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    period_from = models.DateTimeField()
    period_to = models.DateTimeField()
    decisions = models.PositiveBigIntegerField()
    amount = models.FloatField(null=True)
    amounts_known = models.PositiveBigIntegerField()
    amount_feature = models.CharField(max_length=200, blank=True)
    amount_unit = models.CharField(max_length=200, blank=True)
    exposure = models.CharField(max_length=6, choices=Band.choices)
    purpose = models.CharField(max_length=6, choices=Band.choices)
    basis = models.TextField()
    tier = models.PositiveSmallIntegerField()  # what the model had
    proposed_tier = models.PositiveSmallIntegerField()
    rationale = models.TextField()
    assessed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    assessed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("assess_materiality", "Can assess how material models are")]
        constraints = [
            models.CheckConstraint(
                name="governance_materiality_has_rationale", condition=~Q(rationale="")
            ),
            models.CheckConstraint(
                name="governance_materiality_period",
                condition=Q(period_from__lt=F("period_to"), amounts_known__lte=F("decisions")),
            ),
            models.CheckConstraint(
                name="governance_materiality_tiers",
                condition=Q(tier__in=[1, 2, 3], proposed_tier__in=[1, 2, 3]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}: exposure {self.exposure}, purpose {self.purpose}, tier {self.proposed_tier}"
