"""Carrying a retraining case out, step by step, until people must decide. Nothing here approves anything.

Every step can be repeated: what a killed worker left half done is found and used by the next. A step that cannot
go on stops the case with the reason, and a person closes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone

from audit.context import acting
from audit.errors import Refusal
from governance import gate_runs
from governance.actions.cases import (
    begin_case_step,
    finish_case_step,
    wait_in_case_step,
)
from governance.actions.changes import request_promotion
from governance.actions.gates import request_gates
from governance.actions.intake import extend_dataset
from governance.errors import (
    AlreadyMeasuring,
    AlreadyRequested,
    CaseClosed,
    CaseStopped,
    StepTaken,
)
from governance.models import CaseStep, ChangeRequest, GateRun, RetrainingCase
from governance.queries.cases import case_with, is_held, next_step, step_of
from governance.queries.changes import is_measured_now, latest_change
from governance.queries.gates import gate_run_with
from governance.queries.policies import retraining_policy
from governance.retraining_policy import RetrainingPolicy
from governance.triage import broken_data
from registry import execution, queries
from registry.actions.runs import request_run
from registry.actions.versions import register_version
from registry.models import Dataset, ModelVersion, Policy, Run, Stage
from serving.queries import DecisionWindow, decisions_window

Step = CaseStep.Name
WAITING_FOR = "waiting_for"


@dataclass(frozen=True)
class Progress:
    """How far a step came: done, or waiting where `detail` says for what."""

    detail: dict[str, Any] = field(default_factory=dict)
    candidate: ModelVersion | None = None

    @property
    def waits(self) -> bool:
        return WAITING_FOR in self.detail


def advance(case_id: UUID, *, by: User) -> None:
    """Go on until the case waits, stops or is closed, whoever closes it. Another worker at the same step is left alone."""
    with acting(trigger=f"case {case_id}"):
        try:
            while _advance_once(case_id, by):
                pass
        except (StepTaken, CaseClosed):
            return


def _advance_once(case_id: UUID, by: User) -> bool:
    case = case_with(case_id)
    name = None if case.is_closed else next_step(case)
    step = step_of(case, name) if name else None
    if name is None or is_held(step, timezone.now()):
        return False
    if step is None or not step.is_waiting:
        step = begin_case_step(case.pk, name, by=by)
    try:
        progress = PERFORM[name](case, by)
    except (AlreadyRequested, AlreadyMeasuring) as busy:
        progress = Progress({WAITING_FOR: "somebody else", "who": busy.detail})
    except Refusal as refusal:
        finish_case_step(case.pk, name, CaseStep.Outcome.STOPPED, _reason(refusal), by=by)
        return False
    if progress.waits:
        if progress.detail != step.detail:
            wait_in_case_step(case.pk, name, progress.detail, by=by)
        return False
    finish_case_step(
        case.pk, name, CaseStep.Outcome.DONE, progress.detail, by=by, candidate=progress.candidate
    )
    return True


def _reason(refusal: Refusal) -> dict[str, Any]:
    return {
        "problem": refusal.type,
        "reason": refusal.detail,
        "errors": [f"{problem.field}: {problem.detail}" for problem in refusal.errors],
    }


def _triage(case: RetrainingCase, by: User) -> Progress:
    """Broken data stop the case: never retrain on them."""
    policy, champion = _policy(case), _champion(case)
    _require_about(case, champion)
    window = _window(case, policy, case.window_start)
    reference = queries.snapshot_of(champion.dataset)
    contract = queries.contract_of_version(champion)
    if broken := broken_data(contract, reference.packed, window.packed, policy):
        raise CaseStopped("The data look broken; repair the source first. " + " ".join(broken))
    return Progress({"decisions": len(window.decision_ids), "champion": str(champion)})


def _snapshot(case: RetrainingCase, by: User) -> Progress:
    policy, champion = _policy(case), _champion(case)
    dataset = _dataset_of(case)
    if dataset is None:
        window = _window(case, policy)
        final = int((window.matured & ~np.isnan(window.bad)).sum())
        if final < policy.minimum_matured:
            raise CaseStopped(
                f"{final} applications of the window have a final outcome; "
                f"{policy.minimum_matured} are needed to train on."
            )
        dataset = extend_dataset(champion.dataset, window, _dataset_name(case), by=by)
    return Progress({"dataset": dataset.pk, "sha256": dataset.sha256, "rows": dataset.rows})


def _train(case: RetrainingCase, by: User) -> Progress:
    """One run per candidate of the policy; all of them stay in the list of runs."""
    policy, dataset = _policy(case), _dataset_of(case)
    assert dataset is not None  # the step before made it
    runs = [_run(case, dataset, number, policy, by) for number in range(len(policy.candidates))]
    for run in runs:
        if run.status == Run.Status.QUEUED:
            execution.train_run(run.pk, by=by)
    runs = [queries.run_with(run.pk) for run in runs]
    unfinished = [str(run.pk) for run in runs if run.finished_at is None]
    if unfinished:
        return Progress({WAITING_FOR: "training", "runs": unfinished})
    if not any(run.status == Run.Status.SUCCEEDED for run in runs):
        raise CaseStopped("No candidate could be trained: " + " ".join(run.error for run in runs))
    return Progress({"runs": [str(run.pk) for run in runs]})


def _validate(case: RetrainingCase, by: User) -> Progress:
    """The candidates by rank order on the holdout; the first that passes the gates goes on."""
    failed: list[str] = []
    for run in _ranked_runs(case):
        version = _version_of(run, _champion(case), by)
        measuring = _measured(version, by)
        if measuring.state in GateRun.UNFINISHED:
            return Progress({WAITING_FOR: "gates", "gate_run": str(measuring.pk)})
        if measuring.passed:
            detail = {"version": str(version), "not_passed": failed}
            return Progress(detail, candidate=version)
        failed.append(str(version))
    raise CaseStopped(f"No candidate passed its gates: {', '.join(failed)}.")


def _await_approval(case: RetrainingCase, by: User) -> Progress:
    """Prepare the request for the next stage and wait for people, who alone decide."""
    version = _candidate(case)
    if version.stage == Stage.PRODUCTION:
        return Progress({"version": str(version)})
    target = "production" if version.stage == Stage.STAGING else "staging"
    change = latest_change(version, target)
    if change is None or change.state in {ChangeRequest.State.VOID, ChangeRequest.State.EXPIRED}:
        if not is_measured_now(version, timezone.now()):
            gate_runs.carry_out(request_gates(version, by=by, send=False).pk, by=by)
        change = request_promotion(version, target, _rationale(case), by=by)
    if change.state in {ChangeRequest.State.REJECTED, ChangeRequest.State.WITHDRAWN}:
        raise CaseStopped(f"{change} was {change.state}: {change.closing_reason}")
    return Progress({WAITING_FOR: f"people to decide about {target}", "change": str(change.pk)})


def _deploy(case: RetrainingCase, by: User) -> Progress:
    """To finish this step is to close the case."""
    version = _candidate(case)
    if version.stage != Stage.PRODUCTION:
        raise CaseStopped(f"{version} is {version.stage}: it is not the champion any more.")
    return Progress({"champion": str(version)})


PERFORM: dict[Step, Callable[[RetrainingCase, User], Progress]] = {
    Step.TRIAGED: _triage,
    Step.DATA_SNAPSHOTTED: _snapshot,
    Step.TRAINED: _train,
    Step.VALIDATED: _validate,
    Step.APPROVED: _await_approval,
    Step.DEPLOYED: _deploy,
}


def _policy(case: RetrainingCase) -> RetrainingPolicy:
    return RetrainingPolicy.from_json(retraining_policy(case.model, timezone.now()).body)


def _champion(case: RetrainingCase) -> ModelVersion:
    champion = queries.champion(case.model)
    if champion is None:
        raise CaseStopped(f"{case.model} has no champion to be retrained.")
    return champion


def _require_about(case: RetrainingCase, champion: ModelVersion) -> None:
    """What was seen of another version says nothing about the one that has taken its place."""
    watched = {link.alert.version_id for link in case.alerts.all()}
    if watched and champion.pk not in watched:
        raise CaseStopped(
            f"{champion} became the champion after the alerts, which are about another version. "
            "Close the case; what is seen of the new champion opens another."
        )


def _candidate(case: RetrainingCase) -> ModelVersion:
    assert case.candidate_version is not None  # the step before named it
    return case.candidate_version


def _window(
    case: RetrainingCase, policy: RetrainingPolicy, start: datetime | None = None
) -> DecisionWindow:
    """The champion's decisions from `start`, or from as far back as the policy says."""
    start = start or case.window_end - timedelta(days=policy.window_days)
    return decisions_window(case.model.name, start, case.window_end, _champion(case))


def _dataset_name(case: RetrainingCase) -> str:
    return f"{case.model.name}-case-{str(case.pk)[-12:]}"


def _dataset_of(case: RetrainingCase) -> Dataset | None:
    return Dataset.objects.filter(name=_dataset_name(case)).first()


def _run(
    case: RetrainingCase, dataset: Dataset, number: int, policy: RetrainingPolicy, by: User
) -> Run:
    """The run of one candidate: the one that a worker before this asked for, or a new one."""
    candidate = policy.candidates[number]
    asked = dataset.runs.filter(algorithm=candidate.algorithm, seed=policy.seed)
    for run in asked:
        if run.params == candidate.params:
            return run
    return request_run(
        case.model,
        dataset,
        candidate.algorithm,
        candidate.params,
        policy.seed,
        policy.holdout_share,
        by=by,
    )


def _ranked_runs(case: RetrainingCase) -> list[Run]:
    dataset = _dataset_of(case)
    assert dataset is not None
    trained = dataset.runs.filter(status=Run.Status.SUCCEEDED).order_by("pk")
    return sorted(trained, key=lambda run: -run.metrics["holdout"]["performance"]["auc"])


def _version_of(run: Run, champion: ModelVersion, by: User) -> ModelVersion:
    """Under the champion's policies, in the versions that apply today, with a baseline of its own."""
    version = run.versions.first()
    if version is not None:
        return queries.version_numbered(run.model, version.number)
    decision, library = (_in_force(policy) for policy in _policies(champion))
    return register_version(run, decision.body["cut_off"], decision, library, by=by)


def _policies(champion: ModelVersion) -> tuple[Policy, Policy]:
    return champion.decision_policy, champion.reason_library


def _in_force(policy: Policy) -> Policy:
    found = queries.policy_in_force(policy.kind, policy.name, timezone.now())
    if found is None:
        raise CaseStopped(f"No {policy.kind} policy named {policy.name} is in force.")
    return found


def _measured(version: ModelVersion, by: User) -> GateRun:
    """The version's latest measuring, carried out here where nobody else is at it."""
    run = version.gate_runs.first() or request_gates(version, by=by, send=False)
    if run.state in GateRun.UNFINISHED:
        gate_runs.carry_out(run.pk, by=by)
    return gate_run_with(run.pk)


def _rationale(case: RetrainingCase) -> str:
    return f"Candidate of the retraining case {case.pk} ({case.cause}), due {case.due_at:%Y-%m-%d %H:%M} UTC: {case.reason}"
