"""What governance's workers do. Each calls one act, one query, or what carries out an intent."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.context import acting
from audit.queries import service_account
from governance import gate_runs, retraining, sweeps
from governance.access import package
from governance.queries.access import waiting


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


@shared_task(name="governance.remind_of_changes")
def remind_of_changes() -> None:
    sweeps.remind_of_changes()


@shared_task(name="governance.open_incidents")
def open_incidents() -> None:
    sweeps.open_incidents()


@shared_task(name="governance.evaluate_rollouts")
def evaluate_rollouts() -> None:
    sweeps.evaluate_rollouts()


@shared_task(name="governance.watch_findings")
def watch_findings() -> None:
    sweeps.watch_findings()


@shared_task(name="governance.restrict_for_findings")
def restrict_for_findings() -> None:
    sweeps.restrict_for_findings()


@shared_task(name="governance.open_periodic_revalidations")
def open_periodic_revalidations() -> None:
    sweeps.open_periodic_revalidations()


@shared_task(name="governance.recertify_roles")
def recertify_roles() -> None:
    sweeps.recertify_roles()


@shared_task(name="governance.watch_reviews")
def watch_reviews() -> None:
    sweeps.watch_reviews()


@shared_task(name="governance.answer_tier_changes")
def answer_tier_changes() -> None:
    sweeps.answer_tier_changes()


@shared_task(name="governance.answer_access")
def answer_access(request_id: str) -> None:
    """Makes one copy. Sent when it is asked for; nothing to do where it was made meanwhile."""
    with acting(trigger="request"):
        for request in waiting(UUID(request_id)):
            package.answer(request, by=service_account("monitor"))


@shared_task(name="governance.answer_access_requests")
def answer_access_requests() -> None:
    with acting(trigger="sweep"):
        package.answer_waiting(by=service_account("monitor"))


@shared_task(name="governance.end_access")
def end_access() -> None:
    """Deletes copies that have expired, or whose person was erased. Sent after an erasure, and swept."""
    with acting(trigger="schedule"):
        package.end_packages(by=service_account("monitor"))


@shared_task(name="governance.start_retentions")
def start_retentions() -> None:
    sweeps.start_retentions()
