"""Runs that came from an MLflow tracking server, and what is said back to it."""

from django.contrib.auth.models import User
from django.db import models


class TrackedRun(models.Model):
    """Where a run was imported from: the tracking server, its run, and the model version there. Never changed.

    `model_name` and `model_version` are empty where a run was imported that belongs to no registered model there.
    """

    run = models.OneToOneField("registry.Run", on_delete=models.PROTECT, related_name="tracked")
    tracking_uri = models.CharField(max_length=500)
    mlflow_run_id = models.CharField(max_length=64)
    model_name = models.CharField(max_length=250, blank=True)
    model_version = models.CharField(max_length=20, blank=True)
    flavour = models.CharField(max_length=30)
    signature = models.JSONField()
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "imported run"
        ordering = ["-id"]

    def __str__(self) -> str:
        if self.model_name:
            return f"{self.model_name} v{self.model_version} at {self.tracking_uri}"
        return f"run {self.mlflow_run_id} at {self.tracking_uri}"


class WriteBack(models.Model):
    """The intent to tell a tracking server at which stage a version stands here, and whether it was told.

    One row per change of stage of a version whose run was imported; only its outcome is written later.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        WRITTEN = "written"
        GIVEN_UP = "given_up"

    change = models.OneToOneField(
        "registry.StageChange", on_delete=models.PROTECT, related_name="write_back"
    )
    tracked = models.ForeignKey(TrackedRun, on_delete=models.PROTECT, related_name="write_backs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Of the act that moved the version.
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("write_back", "Can tell a tracking server what became of its version")]

    def __str__(self) -> str:
        return f"{self.change}: {self.get_state_display()}"
