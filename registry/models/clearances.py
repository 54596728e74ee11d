"""Clearances: what the scorer trusts."""

from django.db import models
from django.db.models import Q


class Clearance(models.Model):
    """One grant, or one revocation of a grant, to use exactly these bytes for one purpose. Never changed.

    A grant is live from `valid_from` until `valid_to`, or until its revocation. `is_break_glass` is one that was given
    in an emergency, without the evidence that is asked for otherwise: it always ends by itself.
    """

    class Kind(models.TextChoices):
        GRANT = "grant"
        REVOCATION = "revocation"

    class Purpose(models.TextChoices):
        SCORE_SHADOW = "score_shadow"
        SCORE_LIVE = "score_live"
        ROLLBACK = "rollback"

    version = models.ForeignKey(
        "registry.ModelVersion", on_delete=models.PROTECT, related_name="clearances"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    grant = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="revocation"
    )
    artefact_sha256 = models.CharField(max_length=64)
    evidence_digest = models.CharField(max_length=64)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    approver_ids = models.JSONField()
    change_request_id = models.CharField(max_length=40)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    is_break_glass = models.BooleanField(default=False)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("grant_clearance", "Can grant a clearance"),
            ("revoke_clearance", "Can revoke a clearance"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="grant", grant__isnull=True)
                | Q(kind="revocation", grant__isnull=False),
                name="registry_revocation_names_its_grant",
            ),
            models.CheckConstraint(
                condition=Q(is_break_glass=False)
                | Q(kind="revocation")
                | Q(valid_to__isnull=False),
                name="registry_break_glass_ends",
            ),
        ]

    def __str__(self) -> str:
        break_glass = " (break-glass)" if self.is_break_glass else ""
        return f"{self.kind} {self.purpose} {self.version}{break_glass}"
