"""Requests for erasure, from the day they came in to the letter that answers them."""

from datetime import date

from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from audit.models.log import Entry
from audit.models.vault import Subject
from audit.weighing import GROUNDS, Outcome


class ErasureCase(models.Model):
    """One person's request to be erased, with its clock, and how it was answered. Decided once.

    `subject` is None where the vault knows nobody by the reference that was given, which is kept nowhere:
    `correspondence` is the bank's own file number. `assessment` holds what was erased and what was kept, and why.
    """

    class State(models.TextChoices):
        OPEN = "open"
        DECIDED = "decided"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.ForeignKey(Subject, null=True, on_delete=models.PROTECT, related_name="+")
    correspondence = models.CharField(max_length=100)
    identity_check = models.TextField()
    received_on = models.DateField()
    due_on = models.DateField()
    extended_until = models.DateField(null=True)
    extension_reason = models.TextField(blank=True)
    recorded_by = models.CharField(max_length=150)
    recorded_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(
        max_length=30, blank=True, choices=[(item.value, item.value) for item in Outcome]
    )
    assessment = models.JSONField(default=dict)
    letter = models.TextField(blank=True)
    is_restricted = models.BooleanField(default=False)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "request for erasure"
        verbose_name_plural = "requests for erasure"
        ordering = ["-id"]
        permissions = [
            ("record_erasure", "Can record requests for erasure"),
            ("decide_erasure", "Can decide requests for erasure and carry them out"),
            ("dispute_erasure", "Can put on record that a request for erasure is disputed"),
            ("settle_erasure", "Can carry out what was decided about a disputed request"),
        ]
        indexes = [
            models.Index(
                fields=["subject"],
                name="audit_restricted_subjects",
                condition=Q(is_restricted=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"],
                name="audit_one_open_case_per_subject",
                condition=Q(state="open"),
            ),
            models.CheckConstraint(
                name="audit_decided_case_has_an_outcome",
                condition=Q(state="open", outcome="", decided_at=None)
                | (Q(state="decided", decided_at__isnull=False) & ~Q(outcome="") & ~Q(letter="")),
            ),
            models.CheckConstraint(
                name="audit_extension_is_later",
                condition=Q(extended_until=None) | Q(extended_until__gt=F("due_on")),
            ),
        ]

    def __str__(self) -> str:
        return self.correspondence

    @property
    def answer_due_on(self) -> date:
        """The last day on which an answer is in time."""
        return self.extended_until or self.due_on


class ErasureDispute(models.Model):
    """That somebody disputes on which ground a request is answered. Never changed.

    From then on nobody decides the request alone: it is open until two people settled it.
    """

    class Side(models.TextChoices):
        PERSON = "person"
        COUNSEL = "counsel"

    case = models.OneToOneField(ErasureCase, on_delete=models.PROTECT, related_name="dispute")
    disputed_by = models.CharField(max_length=10, choices=Side.choices)
    ground = models.CharField(max_length=30, choices=list(GROUNDS.items()))
    reason = models.TextField()
    recorded_by = models.CharField(max_length=150)
    recorded_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "dispute about a request for erasure"
        verbose_name_plural = "disputes about requests for erasure"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="audit_dispute_says_why", condition=~Q(reason="") & ~Q(ground="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case}: {self.ground}, disputed by the {self.disputed_by}"
