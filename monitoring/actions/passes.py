"""Asking for monitoring passes, and ending them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem
from monitoring.actions.reports import make_report
from monitoring.drafting.drafts import Draft
from monitoring.errors import PassFinished, PassUnknown, WindowMalformed
from monitoring.events import Event
from monitoring.models import MonitoringPass, Report
from monitoring.queries.policies import policy_in_force
from registry import queries as registry

KINDS = tuple(kind.value for kind in Report.Kind)


@action(Event.PASS_REQUESTED, needs="monitoring.request_pass")
def request_pass(
    model_name: str,
    *,
    by: User,
    start: datetime | None = None,
    end: datetime | None = None,
    kinds: Sequence[str] | None = None,
    send: bool = True,
) -> MonitoringPass:
    """Ask for reports of the given kinds about one window of a model.

    Without `kinds` of all, but of reasons only where the policy in force has that part.
    Without `end` the window ends now; without `start` it is as long as the policy in force says.
    With `send` a worker carries it out, otherwise the caller does. Raises UnknownModel,
    NoMonitoringPolicy, MonitoringPolicyMalformed or WindowMalformed.
    """
    now = timezone.now()
    model = registry.model_named(model_name)
    _, limits = policy_in_force(model, now)
    if kinds is None:
        kinds = [kind for kind in KINDS if kind != Report.Kind.REASONS or limits.reasons]
    end = end or now
    start = start or end - timedelta(days=limits.window_days)
    if not start < end <= now:
        raise WindowMalformed(
            "The window cannot be measured.",
            errors=[
                FieldProblem(
                    "window_end",
                    "out_of_range",
                    "Must lie after window_start and not in the future.",
                )
            ],
        )
    asked = MonitoringPass(
        model=model,
        window_start=start,
        window_end=end,
        kinds=[kind for kind in KINDS if kind in kinds],
        requested_by=by,
        requested_at=now,
    )
    asked.entry = record(
        subject=model.subject,
        monitoring_pass=asked.pk,
        kinds=asked.kinds,
        window_start=start,
        window_end=end,
    )
    asked.save(force_insert=True)
    if send:
        send_on_commit("monitoring.run_pass", str(asked.pk))
    return asked


@action(Event.PASS_FINISHED, needs="monitoring.run_pass")
def finish_pass(
    pass_id: UUID, drafts: Sequence[Draft], *, by: User, left_out: str = ""
) -> MonitoringPass:
    """File the reports of a pass, all or none. `left_out` says which kinds had nothing to measure.

    Raises PassUnknown, or PassFinished where another worker was faster.
    """
    found = _waiting(pass_id)
    reports = [make_report(draft, by=by, monitoring_pass=found) for draft in drafts]
    found.state = MonitoringPass.State.FINISHED
    found.problem = left_out
    found.finished_at = timezone.now()
    record(
        subject=found.model.subject,
        monitoring_pass=found.pk,
        reports=[{"kind": report.kind, "sha256": report.sha256} for report in reports],
        limits_crossed=sum(len(draft.found) for draft in drafts),
        left_out=left_out,
    )
    found.save(update_fields=["state", "problem", "finished_at"])
    return found


@action(Event.PASS_FAILED, needs="monitoring.run_pass")
def fail_pass(pass_id: UUID, problem: str, *, by: User) -> MonitoringPass:
    """End a pass that could not be carried out. Raises PassUnknown or PassFinished."""
    found = _waiting(pass_id)
    found.state = MonitoringPass.State.FAILED
    found.problem = problem
    found.finished_at = timezone.now()
    record(subject=found.model.subject, monitoring_pass=found.pk, problem=problem)
    found.save(update_fields=["state", "problem", "finished_at"])
    return found


def _waiting(pass_id: UUID) -> MonitoringPass:
    found = (
        MonitoringPass.objects.select_for_update(of=("self",))
        .select_related("model")
        .filter(pk=pass_id)
        .first()
    )
    if found is None:
        raise PassUnknown(f"There is no monitoring pass {pass_id}.")
    if found.state != MonitoringPass.State.REQUESTED:
        raise PassFinished(f"The monitoring pass {pass_id} is {found.state}.")
    return found
