"""What workers do for this floor."""

from celery import shared_task

from audit.context import acting
from audit.queries import service_account
from serving.actions.observations import forget_erased_people
from serving.notices import watching
from serving.queries import erased_observations


@shared_task(name="serving.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    if erased_observations().exists():
        forget_erased_people(by=service_account("monitor"))


@shared_task(name="serving.watch_notices")
def watch_notices() -> None:
    """Scheduled: alerts and late facts about applicants who were not told yet."""
    with acting(trigger="clock"):
        watching.watch_notices(by=service_account("monitor"))
