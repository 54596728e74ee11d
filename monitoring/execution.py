"""Carrying monitoring out: drafted outside of any transaction, then filed by one act.

A worker that dies in between leaves the pass as it was asked for, and the sweep sends it again.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.context import acting
from audit.dispatch import send_on_commit
from audit.errors import Refusal
from monitoring.actions.passes import fail_pass, finish_pass, request_pass
from monitoring.actions.protected_values import forget_erased_people
from monitoring.drafting.drafts import Draft
from monitoring.drafting.reports import draft_report
from monitoring.errors import NoMonitoringPolicy, NothingToMeasure, PassFinished
from monitoring.models import MonitoringPass
from monitoring.queries.populations import models_in_service
from monitoring.queries.protected_values import erased_people
from monitoring.queries.reports import pass_with, passes_waiting_since

LOST_AFTER = timedelta(minutes=2)

logger = logging.getLogger(__name__)


def run_pass(pass_id: UUID, *, by: User) -> None:
    """Draft and file the reports of a pass, on behalf of whoever asked. A pass that has ended is left alone."""
    asked = pass_with(pass_id)
    if asked.state != MonitoringPass.State.REQUESTED:
        return
    with acting(on_behalf_of=asked.requested_by.get_username(), trigger=f"pass {pass_id}"):
        try:
            _carry_out(asked, by)
        except PassFinished:
            logger.info("Another worker carried out the monitoring pass %s.", pass_id)
        except Refusal as refusal:
            fail_pass(pass_id, refusal.detail, by=by)
        except Exception as error:
            fail_pass(
                pass_id, f"An unexpected {type(error).__name__}; see the worker's log.", by=by
            )
            raise


def request_passes(*, by: User) -> list[MonitoringPass]:
    """Ask for a pass of every model that has a champion and limits. Called on a schedule."""
    passes = []
    for model in models_in_service():
        try:
            passes.append(request_pass(model.name, by=by))
        except NoMonitoringPolicy:
            logger.warning("%s is in service and no monitoring policy is in force.", model)
    return passes


def sweep_passes(at: datetime) -> None:
    """Send passes again whose message was lost, or whose worker died."""
    for waiting in passes_waiting_since(at - LOST_AFTER):
        send_on_commit("monitoring.run_pass", str(waiting.pk))


def forget_erased(*, by: User) -> int:
    """Remove protected attributes of erased people, where there are any. Returns how many rows went."""
    return forget_erased_people(by=by) if erased_people().exists() else 0


def _carry_out(asked: MonitoringPass, by: User) -> None:
    drafts: list[Draft] = []
    left_out = []
    for kind in asked.kinds:
        try:
            drafts.append(
                draft_report(
                    asked.model.name,
                    kind,
                    asked.window_start,
                    asked.window_end,
                    as_of=timezone.now(),
                    reader=by,
                )
            )
        except NothingToMeasure as nothing:
            left_out.append(f"{kind}: {nothing.detail}")
    if drafts:
        finish_pass(asked.pk, drafts, by=by, left_out=" ".join(left_out))
    else:
        fail_pass(asked.pk, " ".join(left_out), by=by)
