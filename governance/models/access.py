"""Requests for a copy of what is held about a person, and what came of them."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class AccessRequest(models.Model):
    """One person's request for a copy of their data (Art. 15 GDPR), with its clock and the file that answers it.

    The file exists while the request is `available`: it is deleted when it expires, and when the person is erased.
    `subject_id` is None where the vault knows nobody by the reference that was given, which is kept nowhere.
    """

    class State(models.TextChoices):
        REQUESTED = "requested"
        AVAILABLE = "available"
        FAILED = "failed"
        EXPIRED = "expired"
        DESTROYED = "destroyed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject_id = models.UUIDField(null=True, db_index=True)
    correspondence = models.CharField(max_length=100)
    identity_check = models.TextField()
    received_on = models.DateField()
    due_on = models.DateField()
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    built_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)
    note = models.TextField(blank=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_access", "Can ask for copies of what is held about a person, and take them"),
            ("answer_access", "Can make such copies and delete them"),
        ]
        constraints = [
            models.CheckConstraint(
                name="governance_access_file_is_known",
                condition=Q(state__in=["requested", "failed"], sha256="", expires_at=None)
                | (
                    Q(state__in=["available", "expired", "destroyed"], expires_at__isnull=False)
                    & ~Q(sha256="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.correspondence
