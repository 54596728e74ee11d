"""Facts about versions that could not do what they were cleared for."""

from django.db import models


class VersionFailure(models.Model):
    """One time that a cleared version could not do what it was cleared for."""

    artefact_sha256 = models.CharField(max_length=64)
    reason = models.TextField()
    failed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
        ordering = ["-id"]


class LoadFailure(VersionFailure):
    """One time that a cleared version could not be made ready to score. Never changed."""

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="load_failures"
    )

    class Meta(VersionFailure.Meta):
        permissions = [("note_failure", "Can note that a version could not be made ready to score")]

    def __str__(self) -> str:
        return f"{self.version} failed to load"


class ExplanationFailure(VersionFailure):
    """One time that attributions did not add up to the margin, so that nothing was decided. Never changed."""

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="explanation_failures"
    )

    def __str__(self) -> str:
        return f"{self.version} did not add up"
