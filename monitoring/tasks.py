"""What workers do for monitoring."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.queries import service_account
from monitoring import execution


@shared_task(name="monitoring.run_pass")
def run_pass(pass_id: str) -> None:
    execution.run_pass(UUID(pass_id), by=service_account("monitor"))


@shared_task(name="monitoring.request_passes")
def request_passes() -> None:
    execution.request_passes(by=service_account("monitor"))


@shared_task(name="monitoring.sweep_passes")
def sweep_passes() -> None:
    execution.sweep_passes(timezone.now())


@shared_task(name="monitoring.forget_erased")
def forget_erased() -> None:
    execution.forget_erased(by=service_account("monitor"))
