"""Seats that people gave to somebody else for a while."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7


class Delegation(models.Model):
    """One seat of the quorum that its holder lets another person take, from one moment to another. Never changed.

    It counts while the delegator still holds the seat through a role, and until somebody revokes it: what was
    delegated cannot be passed on. Triggers refuse a delegator without the seat.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    seat = models.CharField(max_length=100)
    delegator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    delegate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    reason = models.TextField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("delegate_seat", "Can let others take their seat for a while")]
        constraints = [
            models.CheckConstraint(
                name="governance_nobody_delegates_to_themselves",
                condition=~Q(delegator=F("delegate")),
            ),
            models.CheckConstraint(
                name="governance_delegation_ends", condition=Q(valid_to__gt=F("valid_from"))
            ),
            models.CheckConstraint(
                name="governance_delegation_has_a_reason", condition=~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seat} of {self.delegator.get_username()} to {self.delegate.get_username()}"


class DelegationEnd(models.Model):
    """The end of one delegation before its time. Never changed."""

    delegation = models.OneToOneField(Delegation, on_delete=models.PROTECT, related_name="end")
    reason = models.TextField()
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="governance_delegation_end_has_a_reason", condition=~Q(reason="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.delegation}, ended"
