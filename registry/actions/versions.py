"""Acts on versions: registering them and moving them through their stages."""

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.models import Entry
from audit.store import content_store
from registry import baselines, queries, training
from registry.baselines import BaselineRows
from registry.errors import (
    NotCleared,
    PolicyDoesNotFit,
    PolicyNotInForce,
    RunNotSucceeded,
    RunWithoutModel,
    StageNotReachable,
)
from registry.events import Event
from registry.loading import load_estimator
from registry.models import (
    Baseline,
    Clearance,
    ModelVersion,
    Policy,
    Run,
    ScoringModel,
    Stage,
    StageChange,
    TrackedRun,
    WriteBack,
)
from registry.policies import fit_problems

# Where a version may go by a change of stage; only a promotion leads to production.
REACHABLE: dict[str, frozenset[str]] = {
    Stage.REGISTERED: frozenset({Stage.STAGING, Stage.REJECTED, Stage.ARCHIVED}),
    Stage.STAGING: frozenset({Stage.REJECTED, Stage.ARCHIVED, Stage.SUSPENDED}),
    Stage.PRODUCTION: frozenset({Stage.ARCHIVED, Stage.SUSPENDED}),
    Stage.SUSPENDED: frozenset({Stage.STAGING, Stage.ARCHIVED}),
    Stage.ARCHIVED: frozenset(),
    Stage.REJECTED: frozenset(),
}
# Where a version may be promoted from, and the clearance it needs there.
PROMOTED_BY: dict[str, str] = {
    Stage.STAGING: Clearance.Purpose.SCORE_LIVE,
    Stage.ARCHIVED: Clearance.Purpose.ROLLBACK,
}


@action(Event.VERSION_REGISTERED, needs="registry.register_version")
def register_version(
    run: Run, cut_off: float, decision_policy: Policy, reason_library: Policy, *, by: User
) -> ModelVersion:
    """Make a version of what a run left: its contract, its baseline at the cut-off, its policies.

    The developer is whoever asked for the run. Raises RunNotSucceeded, RunWithoutModel, PolicyNotInForce,
    PolicyDoesNotFit, BaselineTooSmall, or what loading an artefact raises.
    """
    # 1. What it is made of.
    run = queries.run_with(run.pk)
    if run.status != Run.Status.SUCCEEDED:
        raise RunNotSucceeded(f"The run {run.pk} is {run.status}; it left no artefact to register.")
    if not run.artefact_sha256:
        raise RunWithoutModel(f"The run {run.pk} ended without a model that could be registered.")
    _require_policies(decision_policy, reason_library)
    contract = queries.contract_of(run.dataset)
    _require_fit(run, cut_off, decision_policy, reason_library)
    rows = _baseline_rows(run, cut_off)
    # 2. Its number: the lock on the model makes two registrations wait for each other.
    model = ScoringModel.objects.select_for_update().get(pk=run.model_id)
    newest = max(model.versions.values_list("number", flat=True), default=0)
    now = timezone.now()
    data = baselines.dump(rows)
    sha256 = content_store().put("baselines", data)
    version = ModelVersion(
        model=model,
        number=newest + 1,
        run=run,
        dataset=run.dataset,
        artefact=run.artefact,
        contract=contract.as_json(),
        contract_sha256=contract.sha256,
        cut_off=cut_off,
        decision_policy=decision_policy,
        reason_library=reason_library,
        stage_changed_at=now,
        developed_by=run.requested_by,
        created_at=now,
    )
    # 3. The record.
    entry = record(
        subject=version.subject,
        run=run.pk,
        dataset_sha256=run.dataset.sha256,
        artefact_sha256=run.artefact.sha256,
        content_sha256=run.artefact.content_sha256,
        contract_sha256=contract.sha256,
        baseline_id=f"b-{sha256[:16]}",
        baseline_sha256=sha256,
        baseline_rows=len(rows.pd),
        baseline_band=rows.band,
        cut_off=cut_off,
        decision_policy=decision_policy.sha256,
        reason_library=reason_library.sha256,
        developed_by=run.requested_by.get_username(),
    )
    version.baseline = _baseline(sha256, rows, entry)
    version.entry = entry
    version.save(force_insert=True)
    _keep_stage(version, entry)
    return version


@action(Event.STAGE_CHANGED, needs="registry.change_stage")
def change_stage(version: ModelVersion, stage: str, *, by: User, reason: str) -> ModelVersion:
    """Move a version to another stage, except to production. Raises StageNotReachable."""
    version = _locked(version)
    if stage not in REACHABLE[version.stage]:
        reachable = ", ".join(sorted(REACHABLE[version.stage])) or "nowhere"
        raise StageNotReachable(
            f"{version} is {version.stage} and cannot become {stage} by a change of stage;"
            f" it can go to: {reachable}."
        )
    entry = record(subject=version.subject, stage=stage, before=version.stage, reason=reason)
    _move(version, stage, entry)
    return version


@action(Event.CHAMPION_PROMOTED, needs="registry.promote_version")
def promote_to_champion(version: ModelVersion, *, by: User) -> ModelVersion:
    """Make a cleared version the champion of its model and archive the champion before it, at once.

    A version in staging needs a live clearance to score; an archived one needs one for rollback.
    Raises StageNotReachable or NotCleared.
    """
    version = _locked(version)
    purpose = PROMOTED_BY.get(version.stage)
    if purpose is None:
        raise StageNotReachable(
            f"{version} is {version.stage}; only a version in staging, or an archived one, is promoted."
        )
    clearance = queries.live_clearance(version, purpose, timezone.now())
    if clearance is None:
        raise NotCleared(f"{version} has no live clearance for {purpose}.")
    before = queries.champion(version.model)
    entry = record(
        subject=version.subject,
        artefact_sha256=version.artefact_id,
        clearance=clearance.pk,
        evidence_digest=clearance.evidence_digest,
        archived=before.number if before else None,
    )
    if before:
        _move(before, Stage.ARCHIVED, entry)
    _move(version, Stage.PRODUCTION, entry)
    return version


def _require_policies(decision_policy: Policy, reason_library: Policy) -> None:
    now = timezone.now()
    for policy, kind in (
        (decision_policy, Policy.Kind.DECISION),
        (reason_library, Policy.Kind.REASON_LIBRARY),
    ):
        if policy.kind != kind:
            raise PolicyNotInForce(f"{policy} is not a {kind} policy.")
        if not queries.is_in_force(policy, now):
            raise PolicyNotInForce(f"{policy} is {policy.status} and does not apply today.")


def _require_fit(run: Run, cut_off: float, decision_policy: Policy, reason_library: Policy) -> None:
    if cut_off != decision_policy.body["cut_off"]:
        raise PolicyDoesNotFit(
            f"The cut-off {cut_off} is not the one of {decision_policy},"
            f" {decision_policy.body['cut_off']}."
        )
    problems = fit_problems(
        queries.contract_of(run.dataset), decision_policy.body, reason_library.body
    )
    if problems:
        raise PolicyDoesNotFit(
            "The policies do not fit the features of the model; see `errors`.", errors=problems
        )


def _baseline_rows(run: Run, cut_off: float) -> BaselineRows:
    estimator = load_estimator(run.artefact)
    snapshot = queries.snapshot_of(run.dataset)
    in_sample = np.flatnonzero(
        training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    )
    packed = snapshot.packed[in_sample]
    matrix = queries.contract_of(run.dataset).matrix(packed)
    pd = training.probabilities_of_bad(estimator, matrix)
    return baselines.choose(snapshot.row_ids[in_sample], packed, pd, cut_off)


def _baseline(sha256: str, rows: BaselineRows, entry: Entry) -> Baseline:
    """The baseline of these bytes: another version of the same run at the same cut-off shares it."""
    baseline, _ = Baseline.objects.get_or_create(
        id=f"b-{sha256[:16]}",
        defaults={
            "sha256": sha256,
            "rows": len(rows.pd),
            "band": rows.band,
            "cut_off": rows.cut_off,
            "created_at": entry.occurred_at,
            "entry": entry,
        },
    )
    return baseline


def _locked(version: ModelVersion) -> ModelVersion:
    """The version as it is now, with every version of its model locked until the act ends."""
    ScoringModel.objects.select_for_update().get(pk=version.model_id)
    return queries.versions_of(version.model).get(pk=version.pk)


def _move(version: ModelVersion, stage: str, entry: Entry) -> None:
    version.stage = stage
    version.stage_changed_at = entry.occurred_at
    _keep_stage(version, entry)
    version.save(update_fields=["stage", "stage_changed_at"])


def _keep_stage(version: ModelVersion, entry: Entry) -> None:
    change = StageChange.objects.create(
        version=version, stage=version.stage, changed_at=version.stage_changed_at, entry=entry
    )
    # Where the run came from a tracking server, the intent to say so there; a worker or the sweep carries it out.
    tracked = TrackedRun.objects.filter(run=version.run_id).exclude(model_name="").first()
    if tracked and version.stage != Stage.REGISTERED:
        told = WriteBack.objects.create(
            change=change, tracked=tracked, due_at=change.changed_at, entry=entry
        )
        send_on_commit("registry.write_back", told.pk)
