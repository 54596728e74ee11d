"""Decisions judged again from their record."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from serving.models.decisions import Decision
from serving.models.failures import VersionFailure


class ReplayRun(models.Model):
    """One night's random sample of a model's decisions, judged again. Never changed.

    `seed`, `since`, `until` and `asked` draw the same sample again. Each replay that did not come out equal has a row of its own.
    Nothing is judged of who was erased, or whose data may only be kept (`restricted`).
    """

    model = models.ForeignKey(
        "registry.ScoringModel", on_delete=models.PROTECT, related_name="replay_runs"
    )
    policy = models.ForeignKey(
        "registry.Policy", null=True, on_delete=models.PROTECT, related_name="+"
    )  # null where the size is the one that holds without a policy
    asked = models.PositiveIntegerField()
    seed = models.PositiveBigIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    sampled = models.PositiveIntegerField()
    equal = models.PositiveIntegerField()
    different = models.PositiveIntegerField()
    impossible = models.PositiveIntegerField()
    erased = models.PositiveIntegerField()
    restricted = models.PositiveIntegerField()
    replayed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "nightly replay"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="serving_replays_add_up",
                condition=Q(
                    sampled=F("equal")
                    + F("different")
                    + F("impossible")
                    + F("erased")
                    + F("restricted"),
                    sampled__lte=F("asked"),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} to {self.until:%Y-%m-%d %H:%M}: {self.equal} of {self.sampled} equal"


class Replay(models.Model):
    """One decision judged again from its record, and whether everything came out equal. Never changed.

    `differences` names what differs and holds no value: values are shown to whoever may see them while they ask.
    `packages` are the libraries that judged again, beside those that the model was trained with where that is known.
    """

    class Result(models.TextChoices):
        EQUAL = "equal"
        DIFFERENT = "different"
        IMPOSSIBLE = "impossible", "could not be judged again"

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="replays")
    run = models.ForeignKey(
        ReplayRun, null=True, on_delete=models.PROTECT, related_name="replays"
    )  # null where somebody asked for this one
    result = models.CharField(max_length=10, choices=Result.choices)
    differences = models.JSONField()
    reason = models.TextField(blank=True)
    packages = models.JSONField()
    replayed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    replayed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("replay_decision", "Can judge decisions again from their record"),
            ("replay_sample", "Can judge a random sample of decisions again"),
        ]

    def __str__(self) -> str:
        return f"{self.decision_id}: {self.get_result_display().lower()}"


class ReplayFailure(VersionFailure):
    """One decision of a version that did not come out equal when it was judged again. Never changed."""

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="replay_failures"
    )
    replay = models.OneToOneField(Replay, on_delete=models.PROTECT, related_name="failure")

    def __str__(self) -> str:
        return f"{self.version} did not replay"
