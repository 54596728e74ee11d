"""What the registry's workers do."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.queries import service_account
from registry import execution, feature_tables
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
