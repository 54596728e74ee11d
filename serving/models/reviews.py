"""Reviews: an applicant contests a decision, and a person who did not make it looks again."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class Review(models.Model):
    """One contest of a decision. State, reviewer and end change by acts only; a closed one stays closed.

    A trigger refuses a reviewer who had a part in the decision, and an end without the evidence opened by the reviewer.
    `due_on` and `alert_on` follow from the policy of the day; None where no policy says how long a review may take.
    """

    class State(models.TextChoices):
        CONTEST_RECEIVED = "contest_received"
        ACKNOWLEDGED = "acknowledged"
        ASSIGNED = "assigned"
        INFORMATION_REQUESTED = "information_requested"
        REVIEWED = "reviewed"
        UPHELD = "upheld"
        OVERTURNED = "overturned"
        PARTLY = "partly"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.ForeignKey(
        "serving.Decision", on_delete=models.PROTECT, related_name="reviews"
    )
    state = models.CharField(max_length=25, choices=State.choices, default=State.CONTEST_RECEIVED)
    received_on = models.DateField()
    due_on = models.DateField(null=True)
    alert_on = models.DateField(null=True)
    policy = models.ForeignKey(
        "registry.Policy", null=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    reviewer = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_review", "Can hand in that an applicant contests a decision"),
            ("handle_review", "Can acknowledge and assign reviews"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="serving_one_open_review",
                fields=["decision"],
                condition=Q(closed_at=None),
            ),
            models.CheckConstraint(
                name="serving_review_ends_with_a_result",
                condition=Q(
                    closed_at__isnull=False,
                    reviewer__isnull=False,
                    state__in=["upheld", "overturned", "partly"],
                )
                | (Q(closed_at=None) & ~Q(state__in=["upheld", "overturned", "partly"])),
            ),
        ]

    def __str__(self) -> str:
        return f"Review of {self.decision_id}"


class ReviewStep(models.Model):
    """One thing done about a review, by whom and when. Never changed.

    What was said is in the private part of the entry. `shown_sha256` is the digest of the evidence as it was shown.
    """

    class Kind(models.TextChoices):
        OPENED = "opened"
        ACKNOWLEDGED = "acknowledged"
        ASSIGNED = "assigned"
        INFORMATION_REQUESTED = "information_requested"
        INFORMATION_RECEIVED = "information_received"
        EVIDENCE_OPENED = "evidence_opened"
        CLOSED = "closed"

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=25, choices=Kind.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()
    shown_sha256 = models.CharField(max_length=64, blank=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} by {self.by}"


class LateReview(models.Model):
    """The fact that a review was not closed in time, from which an incident is opened. Never changed."""

    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="missed")
    due_on = models.DateField()
    noticed_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("notice_late_review", "Can leave the fact that a review is late")]

    def __str__(self) -> str:
        return f"{self.review}, due {self.due_on}"
