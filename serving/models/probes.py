"""Known answers, and what versions in service answer."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from serving.models.failures import VersionFailure


class ProbeSet(models.Model):
    """Known-answer applicants of one version, and what the approved artefact made of them. Never changed.

    `packed` is float64 (n, k) under the version's contract: values of its baseline, mixed so that no row is a person.
    A later set of the same version takes its place, on the word of someone who did not develop it and says why.
    """

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="probe_sets"
    )
    number = models.PositiveIntegerField()
    artefact_sha256 = models.CharField(max_length=64)
    packed = models.BinaryField()
    answers = models.JSONField()
    answers_sha256 = models.CharField(max_length=64)
    packages = models.JSONField()
    reason = models.TextField(blank=True)
    kept_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kept_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "set of known answers"
        verbose_name_plural = "sets of known answers"
        ordering = ["-id"]
        permissions = [
            ("keep_probes", "Can keep the known answers of a version that has none"),
            ("renew_probes", "Can keep other known answers for a version"),
            ("probe_version", "Can ask versions for their known answers"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="serving_one_probe_set_per_number", fields=["version", "number"]
            ),
            models.CheckConstraint(
                name="serving_renewed_probes_say_why", condition=Q(number=1) | ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}, known answers {self.number}"


class ProbeResult(models.Model):
    """What a kind of process answered to a set of probes: kept when it changes, and once a day. Never changed."""

    class Process(models.TextChoices):
        WEB = "web"
        WORKER = "worker"

    probes = models.ForeignKey(ProbeSet, on_delete=models.PROTECT, related_name="results")
    process = models.CharField(max_length=6, choices=Process.choices)
    answers_sha256 = models.CharField(max_length=64)
    differences = models.JSONField()
    probed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.probes}: {'other answers' if self.differences else 'as known'}"


class ProbeFailure(VersionFailure):
    """One time that a version in service answered its probes other than was known. Never changed."""

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="probe_failures"
    )

    def __str__(self) -> str:
        return f"{self.version} answered otherwise"
