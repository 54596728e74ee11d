"""Decisions, what they were made of, and how the applications turned out."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from serving.policy import DecisionOutcome, DecisionPath


class Decision(models.Model):
    """One application decided: by which version, under which clearance, with what outcome. Never changed.

    Holds no feature value and no name: those are in Observation, and in the private part of the
    entry, until the person is erased. `key_id` and `signature` are those of the receipt.
    """

    class Role(models.TextChoices):
        CHAMPION = "champion"
        CHALLENGER = "challenger"
        CANARY = "canary"

    class ClockBasis(models.TextChoices):
        """From when the days for notifying the applicant are counted."""

        COMPLETED_AT = "completed_at"
        RECEIVED_AT = "received_at"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model_name = models.SlugField(db_index=False)
    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="decisions"
    )
    artefact_sha256 = models.CharField(max_length=64)
    clearance = models.ForeignKey(
        "registry.Clearance", on_delete=models.PROTECT, related_name="decisions"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    outcome = models.CharField(
        max_length=10, choices=[(item.value, item.value) for item in DecisionOutcome]
    )
    decision_path = models.CharField(
        max_length=10, choices=[(item.value, item.value) for item in DecisionPath]
    )
    baseline_id = models.CharField(max_length=20)
    policy_version = models.PositiveIntegerField()
    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    subject_id = models.UUIDField(db_index=True)
    application_id = models.UUIDField(db_index=True)
    received_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    clock_basis = models.CharField(max_length=12, choices=ClockBasis.choices)
    decided_at = models.DateTimeField()
    key_id = models.CharField(max_length=300)
    signature = models.BinaryField(max_length=64)
    # One decision per entry: a trigger sees to it, because the table is in monthly parts on PostgreSQL.
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("decide", "Can have applications decided")]
        indexes = [
            models.Index(fields=["model_name", "decided_at"], name="serving_decision_window"),
        ]
        constraints = [
            models.CheckConstraint(
                name="serving_decision_outcome",
                condition=Q(outcome__in=[item.value for item in DecisionOutcome]),
            ),
            models.CheckConstraint(
                name="serving_knockout_declines",
                condition=~Q(decision_path=DecisionPath.KNOCKOUT.value)
                | Q(outcome=DecisionOutcome.DECLINED.value),
            ),
            models.CheckConstraint(
                name="serving_clock_basis",
                condition=Q(clock_basis="completed_at", completed_at__isnull=False)
                | Q(clock_basis="received_at", completed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Deployment(models.Model):
    """One step of a rollout: a version in staging decides a share of its model's applications. It ends once.

    Which applications is told by a hash of their reference, so that the same one always takes the same way. A trigger
    refuses a step that no granted request asked for, in this role and of this size.
    """

    class Role(models.TextChoices):
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
                condition=Q(share_percent__gte=1, share_percent__lte=50),
            ),
            models.CheckConstraint(
                name="serving_ended_step_says_why",
                condition=Q(ended_at=None, ending_reason="")
                | (Q(ended_at__isnull=False) & ~Q(ending_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} as {self.role}, {self.share_percent} %"


class Observation(models.Model):
    """What one decision was made of, for monitoring, replay and the applicant. Never changed; deleted with the person.

    `packed` and `attributions` are float64 arrays, one value per contract feature in its order. `lookups` says how
    fresh each feature was that the service looked up itself; None where the version looks nothing up.
    """

    decision = models.OneToOneField(
        Decision, on_delete=models.PROTECT, primary_key=True, related_name="observation"
    )
    subject_id = models.UUIDField(db_index=True)
    packed = models.BinaryField()
    attributions = models.BinaryField()
    method = models.CharField(max_length=200)
    base_value = models.FloatField()
    margin = models.FloatField()
    pd = models.FloatField()
    cut_off = models.FloatField()
    reasons = models.JSONField()
    additivity_gap = models.FloatField()
    lookups = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="serving_observation_pd", condition=Q(pd__gte=0) & Q(pd__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return str(self.decision_id)


class IdempotencyRecord(models.Model):
    """One Idempotency-Key that a client used, and what it was answered with: a decision, or the results of a batch."""

    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    decision = models.OneToOneField(Decision, null=True, on_delete=models.PROTECT, related_name="+")
    results = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="serving_one_answer_per_key", fields=["client", "key"]),
            models.CheckConstraint(
                name="serving_key_has_one_answer",
                condition=Q(decision__isnull=True) ^ Q(results__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ClientMinute(models.Model):
    """What one client asked of one model in one minute, where a policy limits that: counted, and deleted once the hour is on record.

    Not evidence: on PostgreSQL the table is unlogged, so that counting waits for no disk, and a crash empties it.
    """

    client = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    model_name = models.SlugField(db_index=False)
    minute = models.PositiveBigIntegerField()  # since 1970
    requests = models.PositiveIntegerField()
    decisions = models.PositiveIntegerField()
    throttled = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="serving_one_count_per_minute", fields=["client", "model_name", "minute"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} of {self.model_name}"


class Outcome(models.Model):
    """How a decided application turned out, as known on one day. Never changed: later knowledge is a later row.

    `matured` says that the performance window was over; an immature good may still turn bad.
    """

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="outcomes")
    bad = models.BooleanField()
    observed_on = models.DateField()
    months_on_book = models.PositiveSmallIntegerField()
    matured = models.BooleanField()
    source = models.CharField(max_length=200)
    supplied_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("record_outcome", "Can record how applications turned out")]
        constraints = [
            models.UniqueConstraint(
                name="serving_one_outcome_per_day", fields=["decision", "observed_on"]
            ),
        ]

    def __str__(self) -> str:
        return f"{'bad' if self.bad else 'good'} on {self.observed_on}"


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

    def __str__(self) -> str:
        return f"{self.version} failed to load"


class ExplanationFailure(VersionFailure):
    """One time that attributions did not add up to the margin, so that nothing was decided. Never changed."""

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="explanation_failures"
    )

    def __str__(self) -> str:
        return f"{self.version} did not add up"
