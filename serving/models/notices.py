"""Notices, their deliveries, what becomes of applications, and the facts about clocks that ran out."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7


class IssuedNotice(models.Model):
    """What every notice has, whatever it is about, as it was composed on the day it was issued. Never changed.

    What it says is in the private part of its entry and dies with the person's key; `sha256` is of that part, which
    is salted so that nobody can guess what an erased notice said.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    application_id = models.UUIDField(db_index=True)
    policy = models.ForeignKey("registry.Policy", on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class NoticeSent(models.Model):
    """One time that the bank sent a notice to the applicant, as the bank reports it. Never changed.

    The bank's own reference of it is in the private part of the entry.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.CharField(max_length=50)
    sent_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.channel} on {self.sent_at:%Y-%m-%d}"


class Notice(IssuedNotice):
    """The notice about one decision."""

    class Kind(models.TextChoices):
        ADVERSE_ACTION = "adverse_action"

    decision = models.OneToOneField(
        "serving.Decision", on_delete=models.PROTECT, related_name="notice"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("issue_notice", "Can issue notices of decisions"),
            ("watch_notices", "Can leave facts about clocks of notices"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} notice of {self.issued_at:%Y-%m-%d}"


class NoticeDelivery(NoticeSent):
    """One time that the bank sent the notice of a decision."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deliveries")

    class Meta:
        verbose_name_plural = "notice deliveries"
        ordering = ["-id"]
        permissions = [("record_delivery", "Can record that notices were sent")]


class ApplicationStatus(models.Model):
    """One thing that happened to an application outside of deciding it, as the lending system reports it. Never changed.

    `at` is when it happened; for `incomplete`, when the application came in. What is missing, asked for or
    offered is in the private part of the entry; until when the applicant may bring it is `respond_by`.
    """

    class Status(models.TextChoices):
        INCOMPLETE = "incomplete"
        INCOMPLETENESS_NOTIFIED = "incompleteness_notified"
        WITHDRAWN = "withdrawn"
        COUNTEROFFER = "counteroffer"
        COUNTEROFFER_ACCEPTED = "counteroffer_accepted"
        APPROVED_OFFER_DECLINED = "approved_offer_declined"

    ENDING = (Status.WITHDRAWN, Status.COUNTEROFFER_ACCEPTED, Status.APPROVED_OFFER_DECLINED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    application_id = models.UUIDField(db_index=True)
    subject_id = models.UUIDField(db_index=True)
    model_name = models.SlugField()
    status = models.CharField(max_length=30, choices=Status.choices)
    at = models.DateTimeField()
    respond_by = models.DateField(null=True)
    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "application statuses"
        ordering = ["-id"]
        permissions = [("record_status", "Can record what became of applications")]
        constraints = [
            models.CheckConstraint(
                name="serving_respond_by_when_notified",
                condition=Q(status="incompleteness_notified", respond_by__isnull=False)
                | (~Q(status="incompleteness_notified") & Q(respond_by__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} at {self.at:%Y-%m-%d %H:%M} UTC"


class ApplicationNotice(IssuedNotice):
    """The notice about one thing that happened to an application.

    A counteroffer, combined with the reasons of `reasons_of` where that decision declined; or what an application lacks.
    The applicant may answer until `answer_by`.
    """

    class Kind(models.TextChoices):
        COUNTEROFFER = "counteroffer"
        INCOMPLETENESS = "incompleteness"

    status = models.OneToOneField(
        ApplicationStatus, on_delete=models.PROTECT, related_name="notice"
    )
    reasons_of = models.ForeignKey(
        "serving.Decision", on_delete=models.PROTECT, null=True, related_name="+"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    answer_by = models.DateField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="serving_reasons_with_counteroffer_only",
                condition=Q(kind="counteroffer") | Q(reasons_of__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} notice of {self.issued_at:%Y-%m-%d}"


class ApplicationNoticeDelivery(NoticeSent):
    """One time that the bank sent a notice about an application."""

    notice = models.ForeignKey(
        ApplicationNotice, on_delete=models.PROTECT, related_name="deliveries"
    )

    class Meta:
        verbose_name_plural = "application notice deliveries"
        ordering = ["-id"]


class LateNotice(models.Model):
    """The fact that an applicant was not told in time, from which an incident is opened. Left once, never changed.

    About a decision, or about an application that was never complete.
    """

    decision = models.OneToOneField(
        "serving.Decision", on_delete=models.PROTECT, null=True, related_name="late_notice"
    )
    status = models.OneToOneField(
        ApplicationStatus, on_delete=models.PROTECT, null=True, related_name="late_notice"
    )
    due_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    summary = models.TextField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="serving_late_notice_about_one",
                condition=Q(decision__isnull=True) ^ Q(status__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"Due {self.due_at:%Y-%m-%d %H:%M} UTC"


class NoticeAlert(models.Model):
    """How many clocks of a model passed one of their alert days between two looks at them. Never changed.

    `since` of the next look at that day is `until` of this one, so that each clock is counted once.
    """

    model_name = models.SlugField()
    alert_day = models.PositiveSmallIntegerField()
    waiting = models.PositiveIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.waiting} of {self.model_name} past day {self.alert_day}"


class NoticeCount(models.Model):
    """How many clocks of a model were due soon, and how many late, when somebody last looked at all of them.

    Every look replaces it. Nothing is decided by it: it spares pages and measures the reading of two months of decisions.
    """

    model_name = models.SlugField(unique=True)
    due_soon = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.model_name}: {self.due_soon} due soon, {self.late} late"
