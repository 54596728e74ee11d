"""Carrying a measuring out: taken, measured outside of any transaction, judged.

A worker that dies between the acts leaves the run at work; after half an hour another may take it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.context import acting
from audit.dispatch import send_on_commit
from audit.errors import Refusal
from governance.actions.gates import complete_gates, fail_gates, start_gates
from governance.measuring import measure
from governance.models import GateReport
from governance.queries.gates import gate_run_with, gate_runs_waiting, is_free

LOST_AFTER = timedelta(minutes=2)
"""A message that no worker took by then is sent again (our choice)."""


def carry_out(run_id: UUID, *, by: User) -> GateReport | None:
    """Measure and judge on behalf of whoever asked.

    None where the version could not be measured, and where another worker measures it or did.
    """
    run = gate_run_with(run_id)
    if not is_free(run, timezone.now()):
        return None
    with acting(on_behalf_of=run.requested_by.get_username(), trigger=f"gates {run_id}"):
        start_gates(run_id, by=by)
        try:
            return complete_gates(run_id, measure(run.version, timezone.now(), reader=by), by=by)
        except Refusal as refusal:
            fail_gates(run_id, refusal.detail, by=by)
            return None
        except Exception as error:
            fail_gates(
                run_id, f"An unexpected {type(error).__name__}; see the worker's log.", by=by
            )
            raise


def send_waiting_again(at: datetime) -> None:
    """Send measurings again whose message was lost, or whose worker died."""
    for run in gate_runs_waiting(at - LOST_AFTER, at):
        send_on_commit("governance.measure_gates", str(run.pk))
