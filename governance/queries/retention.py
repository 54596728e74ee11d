"""When the retention of a version's documents starts: events that only the floors above the log know."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import CharField, Exists, Min, OuterRef
from django.db.models.functions import Cast

from audit.models import RetentionStart
from audit.schedules import retention_schedule
from registry.models import Clearance, ModelVersion, Stage

SUBJECT = "registry.modelversion"
RETIREMENT, SERVICE = "model_document", "technical_documentation"
# An archived champion may be rolled back to for 30 days: until then it is not retired.
RETIRED_AFTER = timedelta(days=31)


def unknown_starts(now: datetime) -> Iterator[tuple[str, int, date]]:
    """Class of record, version and day of every start that happened and was not written down."""
    known_classes = retention_schedule().classes
    if RETIREMENT in known_classes:
        retired = ModelVersion.objects.filter(
            ~_written(RETIREMENT, "pk"),
            stage__in=[Stage.ARCHIVED, Stage.REJECTED],
            stage_changed_at__lt=now - RETIRED_AFTER,
        )
        for version in retired.order_by("pk"):
            yield RETIREMENT, version.pk, version.stage_changed_at.date()
    if SERVICE in known_classes:
        served = Clearance.objects.filter(
            ~_written(SERVICE, "version_id"),
            purpose=Clearance.Purpose.SCORE_LIVE,
            valid_from__lte=now,
        )
        first = served.order_by().values("version_id").annotate(first=Min("valid_from"))
        for row in first.order_by("version_id"):
            yield SERVICE, row["version_id"], row["first"].date()


def _written(record_class: str, version: str) -> Exists:
    return Exists(
        RetentionStart.objects.filter(
            record_class=record_class,
            subject_type=SUBJECT,
            subject_id=Cast(OuterRef(version), CharField()),
        )
    )
