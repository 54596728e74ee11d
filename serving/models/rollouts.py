"""What a rollout leaves behind: scores of versions in the shadow, and evaluations of its guard rails."""

from django.db import models
from django.db.models import Q

from serving.models.deployments import Deployment
from serving.models.failures import VersionFailure
from serving.policy import DecisionOutcome


class ShadowPass(models.Model):
    """One time that a version in the shadow scored decided applications. Never changed; nobody's data is in it.

    `decisions_sha256` is of their ids, a line each, in the order scored. What was decided before `complete_before` need
    not be looked at again.
    """

    deployment = models.ForeignKey(
        "serving.Deployment", on_delete=models.PROTECT, related_name="shadow_passes"
    )
    scored = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    decisions_sha256 = models.CharField(max_length=64)
    scored_at = models.DateTimeField()
    complete_before = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("score_shadow", "Can have versions score in the shadow")]

    def __str__(self) -> str:
        return f"{self.scored + self.refused} applications at {self.scored_at:%Y-%m-%d %H:%M}"


class ShadowScore(models.Model):
    """What a version in the shadow makes of one decided application. Never changed; deleted with the person.

    Nobody outside the bank sees it, and it decides nothing. `problem` is the type of the refusal where the version would
    not have decided; everything else is empty then. `reason_groups` come in the order of a notice.
    """

    deployment = models.ForeignKey(
        "serving.Deployment", on_delete=models.PROTECT, related_name="shadow_scores"
    )
    decision = models.ForeignKey(
        "serving.Decision", on_delete=models.PROTECT, related_name="shadow_scores"
    )
    subject_id = models.UUIDField(db_index=True)
    shadow_pass = models.ForeignKey(ShadowPass, on_delete=models.PROTECT, related_name="scores")
    margin = models.FloatField(null=True)
    pd = models.FloatField(null=True)
    outcome = models.CharField(
        max_length=10, choices=[(item.value, item.value) for item in DecisionOutcome], blank=True
    )
    reason_groups = models.JSONField(default=list)
    problem = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="serving_one_shadow_score", fields=["deployment", "decision"]
            ),
            models.CheckConstraint(
                name="serving_shadow_scores_or_says_why",
                condition=Q(problem="", margin__isnull=False, pd__gte=0, pd__lte=1) & ~Q(outcome="")
                | Q(margin__isnull=True, pd__isnull=True, outcome="") & ~Q(problem=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome or self.problem} instead of {self.decision_id}"


class GuardRailEvaluation(models.Model):
    """One time that the guard rails of a step were looked at: every measure with its limit, interval and size. Never changed."""

    class State(models.TextChoices):
        WITHIN = "within"
        INSUFFICIENT = "insufficient evidence"
        BREACH = "breach"

    deployment = models.ForeignKey(
        "serving.Deployment", on_delete=models.PROTECT, related_name="evaluations"
    )
    policy = models.ForeignKey(
        "registry.Policy", null=True, on_delete=models.PROTECT, related_name="+"
    )  # null: none was in force, and the step ended
    state = models.CharField(max_length=21, choices=State.choices)
    readings = models.JSONField()
    evaluated_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("evaluate_guard_rails", "Can evaluate the guard rails of rollouts")]

    def __str__(self) -> str:
        return f"{self.state} at {self.evaluated_at:%Y-%m-%d %H:%M}"


class GuardRailBreach(VersionFailure):
    """One time that a step of a rollout ended by itself: which guard rail, and the figures. Never changed."""

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="guard_rail_breaches"
    )
    deployment = models.OneToOneField(
        Deployment, on_delete=models.PROTECT, related_name="guard_rail_breach"
    )

    def __str__(self) -> str:
        return f"{self.deployment} met a guard rail"
