"""Steps of a rollout."""

from django.db import models
from django.db.models import Q


class Deployment(models.Model):
    """One step of a rollout: a version in staging decides a share of its model's applications. It ends once.

    Which applications is told by a hash of their reference, so that the same one always takes the same way. A trigger
    refuses a step that no granted request asked for, in this role and of this size. A shadow decides nothing: it scores
    its share of the applications after they were decided, for comparison.
    """

    class Role(models.TextChoices):
        SHADOW = "shadow"
        CHALLENGER = "challenger"
        CANARY = "canary"

    MOST_PERCENT = 50

    model = models.ForeignKey(
        "registry.ScoringModel", on_delete=models.PROTECT, related_name="deployments"
    )
    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="deployments"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    share_percent = models.PositiveSmallIntegerField()
    clearance = models.OneToOneField(
        "registry.Clearance", on_delete=models.PROTECT, related_name="deployment"
    )
    change_request_id = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ending_reason = models.TextField(blank=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("start_deployment", "Can give a cleared version a share of the applications"),
            ("end_deployment", "Can end a version's share of the applications"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="serving_one_running_step_per_version",
                fields=["version"],
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="serving_share_of_applications",
                condition=Q(share_percent__gte=1)
                & (Q(share_percent__lte=50) | Q(role="shadow", share_percent__lte=100)),
            ),
            models.CheckConstraint(
                name="serving_ended_step_says_why",
                condition=Q(ended_at=None, ending_reason="")
                | (Q(ended_at__isnull=False) & ~Q(ending_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} as {self.role}, {self.share_percent} %"
