"""Maker and checker: what is asked for, and what people decided about it."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from governance.models.delegations import Delegation
from registry.models import ModelVersion, Policy


class ChangeRequest(models.Model):
    """One change that somebody asks for, bound to the digest of the evidence it is to be judged by.

    Only the state changes, once: from open to one of the others. Triggers refuse anything else, and refuse
    `granted` without an approval, or without both seats taken where two are asked for. What is asked beyond a
    version and a target is in the evidence, as its `terms`.
    """

    class Kind(models.TextChoices):
        PROMOTION = "promotion"
        POLICY = "policy"
        REVOCATION = "revocation", "suspension"
        EXCEPTION = "exception", "threshold exception"
        BREAK_GLASS = "break_glass", "break-glass"
        CUT_OFF = "cut_off", "cut-off"
        ROLLBACK = "rollback"
        ROLLOUT = "rollout", "rollout step"
        ERASURE = "erasure", "erasure under dispute"

    class Target(models.TextChoices):
        STAGING = "staging"
        PRODUCTION = "production"

    class State(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        VOID = "void"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    version = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="change_requests"
    )
    policy = models.ForeignKey(
        Policy, null=True, on_delete=models.PROTECT, related_name="change_requests"
    )
    erasure_case = models.ForeignKey(
        "audit.ErasureCase", null=True, on_delete=models.PROTECT, related_name="change_requests"
    )
    target = models.CharField(max_length=10, choices=Target.choices, blank=True)
    evidence = models.JSONField()
    evidence_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Who made what is asked about: the version's developer, the policy's author, who recorded the case. Kept here so that the database can compare.
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    rationale = models.TextField()
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    closing_reason = models.TextField(blank=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_change", "Can request changes"),
            ("decide_change", "Can approve and reject changes"),
            ("decide_staging", "Can decide about staging"),
            ("decide_production", "Can decide about production"),
            ("decide_policy", "Can decide about policies"),
            ("decide_reasons", "Can decide about what applicants are told"),
            ("decide_revocation", "Can decide about revocations"),
            ("decide_exception", "Can decide about exceptions from a gate policy"),
            ("decide_erasure_law", "Can decide in law about disputed erasures"),
            ("decide_erasure_privacy", "Can decide for privacy about disputed erasures"),
            ("request_erasure", "Can ask for a disputed erasure to be settled"),
            ("suspend_version", "Can suspend a version at once"),
            ("close_stale_changes", "Can void and expire changes that nobody can grant any more"),
        ]
        constraints = [
            models.CheckConstraint(
                name="governance_change_is_about_one_thing",
                condition=(
                    Q(
                        kind="erasure",
                        version=None,
                        policy=None,
                        erasure_case__isnull=False,
                        target="",
                    )
                    | Q(
                        kind="policy",
                        version=None,
                        policy__isnull=False,
                        erasure_case=None,
                        target="",
                    )
                    | Q(
                        kind__in=["revocation", "exception", "break_glass", "rollback", "rollout"],
                        version__isnull=False,
                        policy=None,
                        erasure_case=None,
                        target="",
                    )
                    | Q(
                        kind="cut_off",
                        version__isnull=False,
                        policy=None,
                        erasure_case=None,
                        target="production",
                    )
                    | Q(
                        kind="promotion",
                        version__isnull=False,
                        policy=None,
                        erasure_case=None,
                        target__in=["staging", "production"],
                    )
                ),
            ),
            models.CheckConstraint(
                name="governance_change_has_rationale", condition=~Q(rationale="")
            ),
            models.CheckConstraint(
                name="governance_open_change_is_undecided",
                condition=Q(state="open", decided_at=None)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="governance_one_open_change_per_version",
                fields=["version", "kind"],
                condition=Q(state="open", version__isnull=False),
            ),
            models.UniqueConstraint(
                name="governance_one_open_change_per_policy",
                fields=["policy"],
                condition=Q(state="open", policy__isnull=False),
            ),
            models.UniqueConstraint(
                name="governance_one_open_change_per_erasure",
                fields=["erasure_case"],
                condition=Q(state="open", erasure_case__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.what

    @property
    def what(self) -> str:
        """The change in words: "loanapp version 2 to production"."""
        if self.kind == self.Kind.POLICY:
            return f"adopt {self.policy}"
        if self.kind == self.Kind.ERASURE:
            return f"{self.terms['outcome']} {self.erasure_case} under {self.terms['ground']}"
        if self.kind in WORDS:
            return WORDS[self.kind].format(version=self.version, **self.terms)
        return f"{self.version} to {self.target}"

    @property
    def terms(self) -> dict[str, Any]:
        """What is asked beyond the version and the target, as the evidence binds it."""
        terms: dict[str, Any] = self.evidence.get("terms", {})
        return terms


WORDS: dict[str, str] = {
    ChangeRequest.Kind.REVOCATION: "revoke {version}",
    ChangeRequest.Kind.EXCEPTION: "except {version} from {check}: {limits} until {expires_on}",
    ChangeRequest.Kind.BREAK_GLASS: "break-glass: {version} decides for {hours} hours",
    ChangeRequest.Kind.CUT_OFF: "{version} to production: cut-off {cut_off} in place of {cut_off_before}",
    ChangeRequest.Kind.ROLLBACK: "roll back to {version}",
    ChangeRequest.Kind.ROLLOUT: "{version} as {role} for {share_percent} % of applications",
}


class Approval(models.Model):
    """What one person decided about one change request, and why. Never changed.

    Whoever approves takes a seat of the quorum; `seat` is the permission they approved by, None where they rejected.
    Triggers refuse an approver who holds neither that permission nor a delegation by somebody who does, who requested the change, who made what it is about, or who already decided the
    step before, and an approval without a seat. The same goes for the delegator: the rules hold for whoever writes.
    """

    class Decision(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"

    change_request = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, related_name="approvals"
    )
    approver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    # Null in approvals from before there were seats as well.
    seat = models.CharField(max_length=100, null=True)  # noqa: DJ001  None is no seat; a seat is taken once
    delegation = models.ForeignKey(
        Delegation, null=True, on_delete=models.PROTECT, related_name="approvals"
    )  # null where the approver holds the seat through a role
    rationale = models.TextField()
    decided_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_decision_per_person", fields=["change_request", "approver"]
            ),
            models.UniqueConstraint(
                name="governance_a_seat_is_taken_once",
                fields=["change_request", "seat"],
                condition=Q(seat__isnull=False),
            ),
            models.CheckConstraint(
                name="governance_approval_has_rationale", condition=~Q(rationale="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.approver.get_username()}: {self.decision}"
