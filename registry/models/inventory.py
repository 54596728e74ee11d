"""The inventory: which models there are, what for, and who answers for them."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q


class ScoringModel(models.Model):
    """One scoring model of the bank, in use or under development; its trained artefacts are ModelVersions.

    Written once by registration. Later changes to the inventory are acts of their own.
    """

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
    created_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "model"
        ordering = ["name"]
        permissions = [("register_model", "Can register a model")]
        constraints = [
            models.CheckConstraint(condition=Q(tier__in=[1, 2, 3]), name="registry_model_tier")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the model."""
        return "registry.scoringmodel", self.name
