"""What people made of decisions: resolutions, and corrections of what a decision was made of."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class Resolution(models.Model):
    """A person's final decision on a referred case, or against an outcome that stood. Never changed.

    The newest of a decision is in force; each after the first follows a review and names the one before. Reasons and
    rationale are in the private part of the entry, until the person is erased. `key_id` and `signature` are those of
    its own receipt.
    """

    class Outcome(models.TextChoices):
        APPROVED = "approved"
        DECLINED = "declined"

    class Kind(models.TextChoices):
        REFERRAL = "referral"
        OVERRIDE = "override"

    class OverrideCode(models.TextChoices):
        """`low_side` approves what was declined, `high_side` declines what was approved."""

        LOW_SIDE = "low_side"
        HIGH_SIDE = "high_side"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.ForeignKey(
        "serving.Decision", on_delete=models.PROTECT, related_name="resolutions"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    override_code = models.CharField(max_length=10, choices=OverrideCode.choices, blank=True)
    supersedes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    review = models.OneToOneField(
        "serving.Review", null=True, on_delete=models.PROTECT, related_name="resolution"
    )
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    key_id = models.CharField(max_length=300)
    signature = models.BinaryField(max_length=64)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("resolve_decision", "Can decide referred cases, override, and review")]
        constraints = [
            models.UniqueConstraint(
                name="serving_one_first_resolution",
                fields=["decision"],
                condition=Q(supersedes=None),
            ),
            models.CheckConstraint(
                name="serving_resolution_code",
                condition=Q(kind="referral", override_code="", supersedes=None, review=None)
                | Q(kind="override", override_code="low_side", outcome="approved")
                | Q(kind="override", override_code="high_side", outcome="declined"),
            ),
            models.CheckConstraint(
                name="serving_superseding_follows_a_review",
                condition=Q(supersedes=None) | Q(review__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} by {self.decided_by}"


class Correction(models.Model):
    """One application decided anew, because data in its decision were wrong. Both decisions stay as they are. Never changed.

    `features` are the names of the corrected ones; the values, and where they come from, are in the private part of the entry.
    """

    original = models.ForeignKey(
        "serving.Decision", on_delete=models.PROTECT, related_name="corrections"
    )
    decision = models.OneToOneField(
        "serving.Decision", on_delete=models.PROTECT, related_name="corrects"
    )
    features = models.JSONField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.decision_id} with corrected {', '.join(self.features)}"
