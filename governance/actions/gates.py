"""Measuring a version against the gate policy: asked for, begun, judged. The measuring itself lies between the acts."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from audit.action import action, record
from audit.canonical import digest_json
from audit.dispatch import send_on_commit
from governance.errors import AlreadyMeasuring, GateRunNotQueued, GateRunNotRunning
from governance.events import Event
from governance.gate_policy import read_policy
from governance.gates import Verdict, judge, passed
from governance.measured import Measured
from governance.models import GateReport, GateRun
from governance.queries.exceptions import checks_for
from governance.queries.gates import DEAD_AFTER, gate_run_with
from governance.queries.policies import gate_policy
from governance.voiding import void_overtaken
from registry.models import ModelVersion, Policy

LONGEST_ERROR = 2000


@action(Event.GATES_REQUESTED, needs="governance.measure_gates")
def request_gates(version: ModelVersion, *, by: User, send: bool = True) -> GateRun:
    """Queue a measuring. The row is the intent; a worker takes it once this has committed, or the caller where not `send`.

    Raises NoGatePolicy, GatePolicyMalformed or AlreadyMeasuring.
    """
    policy = gate_policy(version.model, timezone.now())
    read_policy(policy.body)
    if GateRun.objects.filter(version=version, state__in=GateRun.UNFINISHED).exists():
        raise AlreadyMeasuring(f"{version} is being measured.")
    run = GateRun(version=version, requested_by=by)
    run.entry = record(subject=version.subject, gate_run=run.pk, policy=str(policy))
    run.save(force_insert=True)
    if send:
        send_on_commit("governance.measure_gates", str(run.pk))
    return run


@action(Event.GATES_STARTED, needs="governance.carry_out_gates")
def start_gates(run_id: UUID, *, by: User) -> GateRun:
    """Take a queued measuring, or one whose worker died. Raises NoSuchGateRun or GateRunNotQueued."""
    now = timezone.now()
    free = Q(state=GateRun.State.QUEUED) | Q(
        state=GateRun.State.RUNNING, started_at__lt=now - DEAD_AFTER
    )
    taken = GateRun.objects.filter(free, pk=run_id).update(
        state=GateRun.State.RUNNING, started_at=now
    )
    run = gate_run_with(run_id)
    if not taken:
        raise GateRunNotQueued(f"The measuring {run_id} is {run.state}.")
    record(subject=run.version.subject, gate_run=run.pk)
    return run


@action(Event.GATES_MEASURED, needs="governance.carry_out_gates")
def complete_gates(run_id: UUID, measured: Measured, *, by: User) -> GateReport:
    """Judge what was measured by the policy in force and what is excepted from it, and void open requests that rest on an earlier report.

    Raises NoSuchGateRun, GateRunNotRunning, NoGatePolicy or GatePolicyMalformed.
    """
    run, now = _running(run_id), timezone.now()
    policy = gate_policy(run.version.model, now)
    verdicts = judge(measured, checks_for(run.version, policy, now))
    report = GateReport(
        run=run,
        version=run.version,
        policy=policy,
        results=[verdict.as_json() for verdict in verdicts],
        passed=passed(verdicts),
        sha256=_digest(run, policy, verdicts),
        measured_at=now,
    )
    report.entry = record(
        subject=run.version.subject,
        gate_run=run.pk,
        policy=str(policy),
        policy_sha256=policy.sha256,
        report_sha256=report.sha256,
        passed=report.passed,
        verdicts=[f"{verdict.check}: {verdict.status}" for verdict in verdicts],
        protected_columns_read=measured.protected_columns,
        people_read=measured.protected_people,
    )
    report.save(force_insert=True)
    _end(run, GateRun.State.MEASURED, "")
    void_overtaken(run.version, now)
    return report


@action(Event.GATES_FAILED, needs="governance.carry_out_gates")
def fail_gates(run_id: UUID, error: str, *, by: User) -> GateRun:
    """Say why a version could not be measured. Raises NoSuchGateRun or GateRunNotRunning."""
    run = _running(run_id)
    _end(run, GateRun.State.FAILED, error[:LONGEST_ERROR])
    record(subject=run.version.subject, gate_run=run.pk, error=run.error)
    return run


def _running(run_id: UUID) -> GateRun:
    GateRun.objects.select_for_update().filter(pk=run_id).first()
    run = gate_run_with(run_id)
    if run.state != GateRun.State.RUNNING:
        raise GateRunNotRunning(f"The measuring {run_id} is {run.state}.")
    return run


def _end(run: GateRun, state: GateRun.State, error: str) -> None:
    run.state, run.error, run.finished_at = state, error, timezone.now()
    run.save(update_fields=["state", "error", "finished_at"])


def _digest(run: GateRun, policy: Policy, verdicts: list[Verdict]) -> str:
    """Of this report and no other: measuring again is new evidence, even where the numbers are the same."""
    version = run.version
    return digest_json(
        {
            "gate_run": run.pk,
            "model": version.model.name,
            "version": version.number,
            "artefact_sha256": version.artefact_id,
            "dataset_sha256": version.dataset.sha256,
            "policy_sha256": policy.sha256,
            "verdicts": [verdict.as_json() for verdict in verdicts],
        }
    )
