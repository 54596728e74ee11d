"""Model versions."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q


class Stage(models.TextChoices):
    """Where a version stands. `production` means champion and nothing else."""

    REGISTERED = "registered"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class ModelVersion(models.Model):
    """One trained artefact of a scoring model, frozen the moment it is registered.

    Retraining makes a new version. Only `stage` ever changes, and only through acts.
    """

    model = models.ForeignKey(
        "registry.ScoringModel", on_delete=models.PROTECT, related_name="versions"
    )
    number = models.PositiveIntegerField()
    run = models.ForeignKey("registry.Run", on_delete=models.PROTECT, related_name="versions")
    dataset = models.ForeignKey(
        "registry.Dataset", on_delete=models.PROTECT, related_name="versions"
    )
    artefact = models.ForeignKey(
        "registry.Artefact", on_delete=models.PROTECT, related_name="versions"
    )
    baseline = models.ForeignKey(
        "registry.Baseline", on_delete=models.PROTECT, related_name="versions"
    )
    contract = models.JSONField()
    contract_sha256 = models.CharField(max_length=64)
    cut_off = models.FloatField()
    decision_policy = models.ForeignKey(
        "registry.Policy", on_delete=models.PROTECT, related_name="+"
    )
    reason_library = models.ForeignKey(
        "registry.Policy", on_delete=models.PROTECT, related_name="+"
    )
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.REGISTERED)
    stage_changed_at = models.DateTimeField()
    developed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "model version"
        ordering = ["model", "-number"]
        permissions = [
            ("register_version", "Can register a version"),
            ("change_stage", "Can change the stage of a version"),
            ("promote_version", "Can make a version the champion"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "number"], name="registry_one_version_per_number"
            ),
            models.UniqueConstraint(
                fields=["model"],
                condition=Q(stage="production"),
                name="registry_one_champion_per_model",
            ),
            models.CheckConstraint(
                condition=Q(cut_off__gt=0) & Q(cut_off__lt=1), name="registry_version_cut_off"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the version."""
        return "registry.modelversion", f"{self.model.name}/{self.number}"
