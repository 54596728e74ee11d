"""Datasets, kept by digest."""

from django.contrib.auth.models import User
from django.db import models


class Dataset(models.Model):
    """One validated snapshot of applications with their labels. Its Parquet bytes are in the content store under `sha256`.

    Holds no protected column: those were split off at intake. Never changed. `origin` says where the rows came from,
    `expectations` what came of each one of `expectations_policy`, and `newest_on` the newest date of the time column.
    """

    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    columns = models.JSONField()
    description = models.JSONField()
    validation = models.JSONField()
    origin = models.JSONField(default=dict)
    expectations = models.JSONField(default=list)
    expectations_policy = models.ForeignKey(
        "registry.Policy", null=True, on_delete=models.PROTECT, related_name="+"
    )
    newest_on = models.DateField(null=True)
    source = models.TextField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    registered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("register_dataset", "Can register a dataset")]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "sha256"], name="registry_one_dataset_per_digest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:8]})"

    @property
    def expectations_passed(self) -> bool | None:
        """False where any failed, blocking or not; None where no policy was in force."""
        if self.expectations_policy_id is None:
            return None
        return all(one["passed"] for one in self.expectations)

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the data set."""
        return "registry.dataset", self.sha256
