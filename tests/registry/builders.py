"""Rows of the registry for tests of any floor, made by its own acts.

What is slow (training) is done once per process and remembered; every row is made anew.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pandas as pd
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from audit.action import action, record
from governance.events import Event
from governance.models import Approval, ChangeRequest
from registry import artefacts, execution, queries
from registry.actions.clearances import grant_clearance
from registry.actions.datasets import register_dataset
from registry.actions.models import register_model
from registry.actions.policies import adopt_policy, endorse_policy, propose_policy
from registry.actions.runs import TrainingOutcome, complete_run, request_run, start_run
from registry.actions.versions import change_stage, promote_to_champion, register_version
from registry.contract import FeatureContract
from registry.models import Clearance, Dataset, ModelVersion, Policy, Run, ScoringModel
from registry.snapshots import to_parquet
from tests.registry.applicants import (
    CONTRACT,
    CUT_OFF,
    DECISION_BODY,
    PROTECTED_COLUMNS,
    REASON_BODY,
    a_description,
    a_frame,
    an_application,
)

__all__ = [
    "CONTRACT",
    "CUT_OFF",
    "DECISION_BODY",
    "EVIDENCE_DIGEST",
    "PROTECTED_COLUMNS",
    "REASON_BODY",
    "a_clearance",
    "a_dataset",
    "a_description",
    "a_frame",
    "a_model",
    "a_policy",
    "a_run",
    "a_version",
    "allowed",
    "an_application",
    "an_outcome",
    "the_builder",
    "the_checker",
    "the_second_checker",
]

EVIDENCE_DIGEST = "e" * 64

_numbers = count(1)


def the_builder() -> User:
    """Whoever makes rows for tests: holds every permission of the registry through a group."""
    return _of_registry("builder")


def the_checker() -> User:
    """The second pair of eyes that adopts the builder's policies and approves versions."""
    return _of_registry("checker")


def the_second_checker() -> User:
    """The third pair of eyes, on whose word the checker adopts what applicants are told."""
    return _of_registry("counsel of the tests")


def a_model(name: str | None = None, *, by: User | None = None, **changes: Any) -> ScoringModel:
    builder = by or the_builder()
    fields: dict[str, Any] = {
        "title": "Consumer loans",
        "purpose": "Estimate the probability that an applicant does not repay.",
        "product": "Unsecured loan",
        "label_meaning": "The loan went bad within a year.",
        "jurisdictions": ["US"],
        "approved_uses": ["Decide applications"],
        "prohibited_uses": ["Set prices"],
        "tier": 2,
        "tier_rationale": "Moderate exposure, simple method.",
        "owner": builder,
    }
    return register_model(name or f"loans-{next(_numbers)}", by=builder, **{**fields, **changes})


def a_dataset(
    frame: pd.DataFrame | None = None,
    *,
    name: str | None = None,
    contract: FeatureContract = CONTRACT,
    description: Mapping[str, Any] | None = None,
    protected_columns: tuple[str, ...] = PROTECTED_COLUMNS,
    by: User | None = None,
) -> Dataset:
    return register_dataset(
        name or f"applicants-{next(_numbers)}",
        to_parquet(a_frame() if frame is None else frame, contract),
        description or a_description(contract=contract.as_json()),
        protected_columns,
        by=by or the_builder(),
    )


def a_run(
    model: ScoringModel | None = None,
    dataset: Dataset | None = None,
    *,
    algorithm: str = "logistic_regression",
    params: Mapping[str, Any] | None = None,
    seed: int = 7,
    holdout_share: float = 0.3,
    status: str = Run.Status.SUCCEEDED,
    requested_by: User | None = None,
) -> Run:
    """A run that was trained, or that is still `queued` or `running`."""
    builder = the_builder()
    requester = requested_by or builder
    with allowed(requester):
        run = request_run(
            model or a_model(),
            dataset or a_dataset(),
            algorithm,
            params or {},
            seed,
            holdout_share,
            by=requester,
        )
    if status != Run.Status.QUEUED:
        start_run(run.pk, by=builder)
    if status == Run.Status.SUCCEEDED:
        complete_run(run.pk, an_outcome(run), by=builder)
    return queries.run_with(run.pk)


def an_outcome(run: Run) -> TrainingOutcome:
    """What the run trains, remembered for runs of the same record."""
    key = (
        run.dataset.sha256,
        queries.contract_of(run.dataset).sha256,
        run.algorithm,
        repr(sorted(run.params.items())),
        run.seed,
        run.holdout_share,
    )
    if key not in _outcomes:
        _outcomes[key] = execution.train(run)
    estimator = artefacts.load(_outcomes[key].artefact)
    return replace(_outcomes[key], artefact=artefacts.dump(estimator, made_by=f"run {run.pk}"))


_outcomes: dict[tuple[object, ...], TrainingOutcome] = {}


def a_policy(
    kind: str = "decision",
    body: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    adopted: bool = True,
) -> Policy:
    """A policy proposed by the builder and, unless told otherwise, adopted by the checker."""
    bodies = {"decision": DECISION_BODY, "reason_library": REASON_BODY}
    policy = propose_policy(
        kind,
        name or f"{kind.replace('_', '-')}-{next(_numbers)}",
        body or bodies[kind],
        by=the_builder(),
        rationale="What the tests need.",
    )
    if adopted:
        if kind == Policy.Kind.REASON_LIBRARY:
            endorse_policy(policy, by=the_second_checker(), rationale="Read and agreed.")
        adopt_policy(policy, by=the_checker(), rationale="Read and agreed.")
    return queries.policy_with(policy.pk)


def a_version(
    model: ScoringModel | None = None,
    *,
    stage: str = "registered",
    developed_by: User | None = None,
    run: Run | None = None,
    algorithm: str = "logistic_regression",
    decision_policy: Policy | None = None,
    reason_library: Policy | None = None,
) -> ModelVersion:
    """A version in the given stage, reached by the acts that lead there.

    In `production` it has a live clearance to score; in `archived` it was the champion once.
    """
    builder = the_builder()
    run = run or a_run(model, algorithm=algorithm, requested_by=developed_by)
    decision_policy = decision_policy or a_policy("decision")
    version = register_version(
        run,
        decision_policy.body["cut_off"],
        decision_policy,
        reason_library or a_policy("reason_library"),
        by=builder,
    )
    if stage == "rejected":
        return change_stage(version, "rejected", by=builder, reason="Not good enough.")
    if stage == "registered":
        return version
    version = change_stage(version, "staging", by=builder, reason="The gates passed.")
    if stage == "staging":
        return version
    a_clearance(version)
    version = promote_to_champion(version, by=builder)
    if stage != "production":
        version = change_stage(version, stage, by=builder, reason="The tests ask for it.")
    return version


def a_clearance(
    version: ModelVersion, purpose: str = Clearance.Purpose.SCORE_LIVE, **changes: Any
) -> Clearance:
    return _cleared(version, purpose, by=the_builder(), **changes)


@action(Event.CHANGE_APPROVED, needs="registry.grant_clearance")
def _cleared(version: ModelVersion, purpose: str, *, by: User, **changes: Any) -> Clearance:
    """A clearance with the granted request that the database asks for, without the gates."""
    target = "staging" if purpose == Clearance.Purpose.SCORE_SHADOW else "production"
    checker = the_checker() if target == "production" else _of_registry("validating")
    checker.groups.add(_deciding_group(target))
    now = timezone.now()
    request = ChangeRequest.objects.create(
        kind="promotion", version=version, target=target, evidence={}, evidence_digest=EVIDENCE_DIGEST,
        requested_by=by, made_by=version.developed_by, rationale="What the tests need.", requested_at=now,
        expires_at=now, entry=record(subject=version.subject, purpose=purpose),
    )  # fmt: skip
    Approval.objects.create(
        change_request=request, approver=checker, decision="approve", seat=f"governance.decide_{target}",
        rationale="Read and agreed.", decided_at=now, entry=record(subject=version.subject, purpose=purpose),
    )  # fmt: skip
    ChangeRequest.objects.filter(pk=request.pk).update(state="granted", decided_at=now)
    return grant_clearance(
        version, purpose, EVIDENCE_DIGEST, [checker.pk], str(request.pk), by=by, **changes
    )


@contextmanager
def allowed(user: User) -> Iterator[None]:
    """Within the block the user may do every act of the registry, whatever their roles."""
    group = _registry_group()
    had_it = user.groups.filter(pk=group.pk).exists()
    user.groups.add(group)
    try:
        yield
    finally:
        if not had_it:
            user.groups.remove(group)


def _of_registry(name: str) -> User:
    user, made = User.objects.get_or_create(username=name)
    if made:
        user.groups.add(_registry_group())
    return user


def _deciding_group(target: str) -> Group:
    """The database lets nobody approve who does not hold the seat."""
    group, made = Group.objects.get_or_create(name=f"deciding {target} in the tests")
    if made:
        group.permissions.add(Permission.objects.get(codename=f"decide_{target}"))
    return group


def _registry_group() -> Group:
    group, made = Group.objects.get_or_create(name="registry of the tests")
    if made:
        group.permissions.set(Permission.objects.filter(content_type__app_label="registry"))
    return group
