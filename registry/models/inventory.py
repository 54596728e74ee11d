"""The inventory: which models there are, what for, and who answers for them."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

# What an amendment may change, and what every ModelRecord holds beside the tier.
AMENDABLE = (
    "title",
    "purpose",
    "product",
    "approved_uses",
    "prohibited_uses",
    "jurisdictions",
    "label_meaning",
    "regulatory_use",
    "owner",
    "limitations",
    "methodology",
    "vendor",
    "actual_use",
    "operating_boundaries",
    "assumptions",
    "compensating_controls",
    "users",
    "dependencies",
    "complexity",
    "inherent_risk",
    "label_window_months",
)


class ScoringModel(models.Model):
    """One scoring model of the bank, in use or under development; its trained artefacts are ModelVersions.

    Its columns hold the state of today; every state it ever had is a ModelRecord, and a trigger refuses a change
    without one. Its name never changes.
    """

    class Rating(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    name = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    purpose = models.TextField()
    product = models.CharField(max_length=200, blank=True)
    approved_uses = models.JSONField(default=list)
    prohibited_uses = models.JSONField(default=list)
    jurisdictions = models.JSONField(default=list)
    label_meaning = models.TextField()
    regulatory_use = models.CharField(max_length=200, blank=True)
    tier = models.PositiveSmallIntegerField()
    tier_rationale = models.TextField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    limitations = models.TextField(blank=True)
    methodology = models.TextField(blank=True)
    vendor = models.CharField(max_length=200, blank=True)  # empty: built in the bank
    actual_use = models.TextField(blank=True)
    operating_boundaries = models.TextField(blank=True)
    assumptions = models.TextField(blank=True)
    compensating_controls = models.TextField(blank=True)
    users = models.JSONField(default=list)
    dependencies = models.JSONField(default=list)
    complexity = models.CharField(max_length=6, choices=Rating.choices, blank=True)
    inherent_risk = models.CharField(max_length=6, choices=Rating.choices, blank=True)
    label_window_months = models.PositiveSmallIntegerField(null=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "model"
        ordering = ["name"]
        permissions = [
            ("register_model", "Can register a model"),
            ("amend_model", "Can amend the inventory record of a model"),
            ("change_tier", "Can change the tier of a model"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(tier__in=[1, 2, 3]), name="registry_model_tier")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the model."""
        return "registry.scoringmodel", self.name

    @property
    def inventory(self) -> dict[str, Any]:
        """The state of the entry as a ModelRecord keeps it: the owner by user name."""
        state = {name: getattr(self, name) for name in (*AMENDABLE, "tier", "tier_rationale")}
        return state | {"owner": self.owner.get_username()}
