"""Decisions, what they were made of, and how the applications turned out."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from serving.notices.models import ApplicationStatus as ApplicationStatus
from serving.notices.models import LateNotice as LateNotice
from serving.notices.models import Notice as Notice
from serving.notices.models import NoticeAlert as NoticeAlert
from serving.notices.models import NoticeDelivery as NoticeDelivery
from serving.policy import DecisionOutcome, DecisionPath
from serving.resolution_models import Correction as Correction
from serving.resolution_models import Resolution as Resolution
from serving.review_models import LateReview as LateReview
from serving.review_models import Review as Review
from serving.review_models import ReviewStep as ReviewStep
from serving.rollout_models import GuardRailEvaluation as GuardRailEvaluation
from serving.rollout_models import ShadowPass as ShadowPass
from serving.rollout_models import ShadowScore as ShadowScore


class Decision(models.Model):
    """One application decided: by which version, under which clearance, with what outcome. Never changed.

    Holds no feature value and no name: those are in Observation, and in the private part of the
    entry, until the person is erased. `key_id` and `signature` are those of the receipt. `slot` (0 to 99) is the
    place of its application among the shares of a rollout; unknown of decisions before it was kept.
    """

    class Role(models.TextChoices):
        CHAMPION = "champion"
        CHALLENGER = "challenger"
        CANARY = "canary"
        FALLBACK = "fallback"  # the former champion, where the champion's bytes cannot be used

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
    slot = models.PositiveSmallIntegerField(null=True)
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


class Observation(models.Model):
    """What one decision was made of, for monitoring, replay and the applicant. Never changed; deleted with the person.

    `packed` and `attributions` are float64 arrays, one value per contract feature in its order. `lookups` says how
    fresh each feature was that the service looked up itself; None where the version looks nothing up. `key_factors` is
    None where the score is no FCRA credit score, `reason_check` where the reasons are not from a score. `judge_us` is how
    many microseconds the version took to judge; None for one of several, where nobody waits for one of them alone.
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
    key_factors = models.JSONField(null=True)
    reason_check = models.JSONField(null=True)
    judge_us = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="serving_observation_pd", condition=Q(pd__gte=0) & Q(pd__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return str(self.decision_id)


class ExplanationLetter(models.Model):
    """One letter that explained a decision, as it was issued. Never changed; deleted with the person.

    `sealed` is the letter, its page and its PDF, under a key that is made from the person's secret and goes with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="explanation_letters"
    )
    subject_id = models.UUIDField(db_index=True)
    language = models.CharField(max_length=20)
    policy = models.ForeignKey("registry.Policy", on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    sealed_sha256 = models.CharField(max_length=64)
    renderer = models.CharField(max_length=200)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("issue_letter", "Can issue letters that explain decisions")]

    def __str__(self) -> str:
        return f"{self.language}, {self.issued_at:%Y-%m-%d %H:%M} UTC"


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
