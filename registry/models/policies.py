"""Policies: thresholds and texts that people approve, so that the log shows which applied on the day."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q


class Policy(models.Model):
    """One version of a policy. Its body never changes; it is adopted by someone who did not propose it.

    What applicants are told (a reason library) is adopted on the word of a third person as well: a trigger refuses
    it without an endorsement.
    """

    class Kind(models.TextChoices):
        GATE = "gate"
        DECISION = "decision"
        REASON_LIBRARY = "reason_library"
        MONITORING = "monitoring"
        RETRAINING = "retraining"
        OVERSIGHT = "oversight"
        EXPECTATIONS = "expectations"
        SERVING = "serving"
        NOTICE = "notice"

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        REJECTED = "rejected"
        SUPERSEDED = "superseded"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.SlugField()
    version = models.PositiveIntegerField()
    body = models.JSONField()
    sha256 = models.CharField(max_length=64)
    jurisdiction = models.CharField(max_length=50, blank=True)
    legal_basis = models.JSONField(default=list)
    rationale = models.TextField()
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["kind", "name", "-version"]
        permissions = [
            ("propose_policy", "Can propose a policy"),
            ("adopt_policy", "Can adopt a policy"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "name", "version"], name="registry_one_policy_per_version"
            ),
            models.UniqueConstraint(
                fields=["kind", "name"],
                condition=Q(status="approved"),
                name="registry_one_policy_in_force",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="registry_policy_approver_is_not_proposer",
            ),
            models.CheckConstraint(
                condition=~Q(status="approved")
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="registry_approved_policy_has_approver",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} v{self.version}"

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the policy."""
        return "registry.policy", f"{self.kind}/{self.name}/{self.version}"


class PolicyEndorsement(models.Model):
    """One person's word for a proposed policy that another person may then adopt. Never changed."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="endorsements")
    endorsed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    endorsed_at = models.DateTimeField()
    rationale = models.TextField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.policy}, by {self.endorsed_by.get_username()}"
