"""What workers do for this floor."""

from celery import shared_task
from django.utils import timezone

from audit.queries import service_account
from serving.actions.observations import forget_erased_people
from serving.actions.request_counts import record_request_counts as record_counts
from serving.queries import erased_observations, request_counts_before


@shared_task(name="serving.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    if erased_observations().exists():
        forget_erased_people(by=service_account("monitor"))


@shared_task(name="serving.record_request_counts")
def record_request_counts() -> None:
    """Scheduled: what limited clients asked for in the hours that are over. Nothing is recorded where nobody is limited."""
    this_hour = int(timezone.now().timestamp()) // 3600 * 60
    if request_counts_before(this_hour).exists():
        record_counts(this_hour, by=service_account("monitor"))
