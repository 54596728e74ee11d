"""What the registry's workers do."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.queries import service_account
from registry import execution, feature_tables, write_backs
from registry.actions.feature_tables import forget_erased_people


@shared_task(name="registry.train_run")
def train_run(run_id: str) -> None:
    execution.train_run(UUID(run_id), by=service_account("retrainer"))


@shared_task(name="registry.sweep_runs")
def sweep_runs() -> None:
    """Scheduled: no run waits for a message that was lost, or for a worker that died."""
    execution.sweep_runs(timezone.now(), by=service_account("retrainer"))


@shared_task(name="registry.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    if feature_tables.erased_rows().exists():
        forget_erased_people(by=service_account("monitor"))


@shared_task(name="registry.write_back")
def write_back(write_back_id: int) -> None:
    write_backs.write_back(write_back_id, by=service_account("retrainer"))


@shared_task(name="registry.sweep_write_backs")
def sweep_write_backs() -> None:
    """Scheduled: no tracking server waits for a message that was lost, or that failed and is due."""
    write_backs.sweep_write_backs(timezone.now())
