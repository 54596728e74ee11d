"""What governance's workers do. Each calls one act, one query, or what carries out an intent."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.queries import service_account
from governance import gate_runs, retraining, sweeps


@shared_task(name="governance.measure_gates")
def measure_gates(run_id: str) -> None:
    gate_runs.carry_out(UUID(run_id), by=service_account("retrainer"))


@shared_task(name="governance.send_gates_again")
def send_gates_again() -> None:
    gate_runs.send_waiting_again(timezone.now())


@shared_task(name="governance.advance_case")
def advance_case(case_id: str) -> None:
    retraining.advance(UUID(case_id), by=service_account("retrainer"))


@shared_task(name="governance.advance_cases")
def advance_cases() -> None:
    sweeps.advance_cases()


@shared_task(name="governance.open_cases")
def open_cases() -> None:
    sweeps.open_cases()


@shared_task(name="governance.watch_case_clock")
def watch_case_clock() -> None:
    sweeps.watch_case_clock()


@shared_task(name="governance.close_stale_changes")
def close_stale_changes() -> None:
    sweeps.close_stale_changes()


@shared_task(name="governance.open_incidents")
def open_incidents() -> None:
    sweeps.open_incidents()
