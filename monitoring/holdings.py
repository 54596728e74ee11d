"""What this floor holds about people, for those who weigh whether it may be erased."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import Count, Max, Min

from audit.purposes import MONITORING
from audit.weighing import Holding
from monitoring.models import ProtectedValue

RECORD_CLASS = "monitoring_attributes"


def held_about(subject_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Holding]]:
    """The protected attributes of each applicant; at most 500 people. Those of a data set's rows name nobody."""
    supplied = (
        ProtectedValue.objects.filter(subject_id__in=subject_ids)
        .order_by()
        .values_list("subject_id")
        .annotate(Count("pk"), Min("supplied_at"), Max("supplied_at"))
    )
    return {
        subject_id: [
            Holding(
                record_class=RECORD_CLASS,
                purpose=MONITORING.name,
                records=records,
                started_on=last.date(),
                first_on=first.date(),
                last_on=last.date(),
            )
        ]
        for subject_id, records, first, last in supplied
        if subject_id is not None
    }
