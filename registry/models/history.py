"""What was true before: every state of the inventory, and every stage of every version."""

from django.contrib.auth.models import User
from django.db import models

from registry.models.versions import Stage


class ModelRecord(models.Model):
    """One state of a model's entry in the inventory, as registration or an amendment left it. Never changed.

    It holds from `valid_from` until the next record of the model. `body` names people by their user names.
    """

    model = models.ForeignKey(
        "registry.ScoringModel", on_delete=models.PROTECT, related_name="records"
    )
    revision = models.PositiveIntegerField()
    body = models.JSONField()
    rationale = models.TextField(blank=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "inventory record"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "revision"], name="registry_one_record_per_revision"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from:%Y-%m-%d %H:%M:%S}"


class StageChange(models.Model):
    """One move of a version to a stage, its registration among them. Never changed.

    The version stands there from `changed_at` until its next change. A promotion moves two versions in one entry.
    A trigger refuses to move a version without such a row.
    """

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="stage_changes"
    )
    stage = models.CharField(max_length=10, choices=Stage.choices)
    changed_at = models.DateTimeField()
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "stage change"
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.version}: {self.stage}"
