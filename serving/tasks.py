"""What workers do for this floor."""

from celery import shared_task

from audit.queries import service_account
from serving.actions.observations import forget_erased_people
from serving.queries import erased_letters, erased_observations


@shared_task(name="serving.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    if erased_observations().exists() or erased_letters().exists():
        forget_erased_people(by=service_account("monitor"))
