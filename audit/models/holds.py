"""Legal holds: what must not be destroyed while a matter is open."""

from django.db import models
from django.db.models import F, Q

from audit.ids import uuid7
from audit.models.log import Entry
from audit.models.vault import Subject
from audit.weighing import Hold


class LegalHold(models.Model):
    """One order that records be kept because of a matter, whatever else would end them. Released once, by name.

    It covers one person, the decisions of one model, or everything; a model and everything may be narrowed to days.
    """

    class Scope(models.TextChoices):
        SUBJECT = "subject"
        MODEL = "model"
        EVERYTHING = "everything"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    matter = models.CharField(max_length=100)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    subject = models.ForeignKey(Subject, null=True, on_delete=models.PROTECT, related_name="+")
    model_name = models.CharField(max_length=50, blank=True)
    first_on = models.DateField(null=True)
    last_on = models.DateField(null=True)
    custodian = models.CharField(max_length=150)
    reason = models.TextField()
    review_on = models.DateField()
    placed_by = models.CharField(max_length=150)
    placed_at = models.DateTimeField()
    released_by = models.CharField(max_length=150, blank=True)
    released_at = models.DateTimeField(null=True)
    release_reason = models.TextField(blank=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("place_hold", "Can place legal holds"),
            ("release_hold", "Can release legal holds"),
        ]
        constraints = [
            models.CheckConstraint(
                name="audit_hold_says_what_it_covers",
                condition=Q(scope="subject", subject__isnull=False, model_name="")
                | (Q(scope="model", subject__isnull=True) & ~Q(model_name=""))
                | Q(scope="everything", subject__isnull=True, model_name=""),
            ),
            models.CheckConstraint(
                name="audit_hold_days_in_order",
                condition=Q(first_on=None) | Q(last_on=None) | Q(first_on__lte=F("last_on")),
            ),
            models.CheckConstraint(
                name="audit_released_hold_says_why",
                condition=Q(released_at=None, released_by="", release_reason="")
                | (Q(released_at__isnull=False) & ~Q(released_by="") & ~Q(release_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.matter}: {self.covers}"

    @property
    def covers(self) -> str:
        """In words."""
        match self.scope:
            case self.Scope.SUBJECT:
                return f"person {self.subject_id}"
            case self.Scope.MODEL:
                return f"model {self.model_name}{self._days}"
            case _:
                return f"everything{self._days}"

    @property
    def _days(self) -> str:
        first = f" from {self.first_on}" if self.first_on else ""
        return f"{first} to {self.last_on}" if self.last_on else first

    @property
    def as_hold(self) -> Hold:
        return Hold(
            self.matter,
            self.subject_id,
            self.model_name or None,
            self.first_on,
            self.last_on,
        )
