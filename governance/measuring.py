"""Measuring a version for its gates: everything is read, nothing is written, no transaction is held.

1. The dataset's rows are scored by the version's own scorer, as applications are.
2. A sample is explained one by one, for the time it takes and for the gap it leaves.
3. The model is trained again from the record of its run, and the contents are compared.
4. The groups to compare come from protected values, which no lower floor can reach.
5. The champion scores the same rows, except those that it was trained on.
6. The version scores those whom its model decided lately: what it was trained for may have moved since.
7. The documents made before the gates are compared with what the record says now.
"""

import time
from datetime import datetime, timedelta

import numpy as np
from django.contrib.auth.models import User
from numpy.typing import NDArray

from governance.challenging import challenge
from governance.documents.standing import development_documents
from governance.measured import Bools, Champion, Floats, Measured, Recent
from monitoring.drift import Column
from monitoring.errors import NoMonitoringPolicy
from monitoring.queries.groups import Membership, groups_of_rows
from monitoring.queries.policies import policy_in_force
from registry import artefacts, training
from registry.models import ModelVersion
from registry.queries import champion, contract_of_version, snapshot_of, version_numbered
from registry.snapshots import Snapshot
from serving.policy import DecisionOutcome, DecisionPolicy, decide
from serving.queries import decisions_window
from serving.scoring import score_rows

EXPLAINED_ONE_BY_ONE = 200
"""Enough for a 95th percentile of latencies (our choice: ten rows lie above it)."""

RECENT = timedelta(days=90)
"""Whom the model decided lately, for the stability of its population (our choice: a quarter)."""


def measure(version: ModelVersion, at: datetime, *, reader: User) -> Measured:
    """`reader` reads the protected values, and the entry of the act that judges says so.

    Raises NotPermitted, or ArtefactRefused, NotStored, StoredBytesDiffer or ProtectedValueUnreadable
    where what was registered cannot be read.
    """
    snapshot = snapshot_of(version.dataset)
    run = version.run
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    # 1
    scores = score_rows(version, snapshot.packed)
    holdout = snapshot.packed[~in_sample]
    scale = np.maximum(1.0, np.abs(scores.margin[~in_sample]))
    # 4
    membership = _groups(version, snapshot, at, reader)
    return Measured(
        bad=snapshot.bad.astype(bool),
        pd=scores.pd,
        approved=_approved(version, snapshot.packed, scores.pd),
        in_sample=in_sample,
        cut_off=version.cut_off,
        columns=_columns(version),
        packed=snapshot.packed,
        invalid_rows=_invalid_rows(version, snapshot.packed),
        champion=_champion(version, snapshot),
        challenged=challenge(version, holdout, scores.pd[~in_sample]),
        missing_shares=_missing_shares(version, snapshot.packed),
        groups=membership.members,
        controls=membership.controls,
        protected_columns=membership.columns,
        protected_people=membership.people,
        additivity_gaps=np.abs(scores.additivity_gap[~in_sample]) / scale,
        latencies_ms=_latencies(version, holdout[:EXPLAINED_ONE_BY_ONE]),
        content_sha256=run.content_sha256,
        refitted_sha256=_refitted(version, snapshot, in_sample),
        baseline_rows=version.baseline.rows,
        # 6
        recent=_recent(version, at),
        # 7
        documents=development_documents(version, at),
    )


def _approved(version: ModelVersion, packed: NDArray[np.float64], pd: Floats) -> Bools:
    """(n,): whether the version's decision policy approves each row, knock-out rules included."""
    contract = contract_of_version(version)
    policy = DecisionPolicy.from_json(version.decision_policy.body)
    return np.array(
        [
            decide(float(probability), contract.unpack(row), policy).outcome
            == DecisionOutcome.APPROVED
            for row, probability in zip(packed, pd, strict=True)
        ],
        dtype=bool,
    )


def _columns(version: ModelVersion) -> tuple[Column, ...]:
    return tuple(
        Column(feature.name, nominal=feature.type == "category", labels=feature.categories)
        for feature in contract_of_version(version).features
    )


def _invalid_rows(version: ModelVersion, packed: NDArray[np.float64]) -> int:
    contract = contract_of_version(version)
    return sum(bool(contract.problems(contract.unpack(row))) for row in packed)


def _champion(version: ModelVersion, snapshot: Snapshot) -> Champion | None:
    # 5
    other = champion(version.model)
    if other is None or other.pk == version.pk:
        return None
    if other.contract_sha256 != version.contract_sha256:
        note = f"{other} takes other features and cannot score these rows."
        return Champion(str(other), None, note)
    theirs, run = snapshot_of(other.dataset), other.run
    trained = training.split(theirs.row_ids.tolist(), theirs.bad, run.holdout_share, run.seed)
    seen = np.isin(snapshot.row_ids, theirs.row_ids[trained])
    return Champion(str(other), np.where(seen, np.nan, score_rows(other, snapshot.packed).pd))


def _recent(version: ModelVersion, at: datetime) -> Recent:
    # 6
    found = decisions_window(version.model.name, at - RECENT, at)
    if found.pd.size == 0:
        return Recent(note=f"{version.model} decided nobody in the last {RECENT.days} days.")
    decider = version_numbered(version.model, int(found.version_numbers[-1]))
    if decider.contract_sha256 != version.contract_sha256:
        note = f"{decider}, which decided lately, takes other features: its applicants cannot be scored."
        return Recent(note=note)
    return Recent(score_rows(version, found.packed).pd, found.packed, "")


def _missing_shares(version: ModelVersion, packed: NDArray[np.float64]) -> dict[str, float]:
    names = contract_of_version(version).names
    return dict(zip(names, np.isnan(packed).mean(axis=0).tolist(), strict=True))


def _latencies(version: ModelVersion, rows: NDArray[np.float64]) -> Floats:
    """Milliseconds to score and explain each row alone; the first call, which compiles, is not counted."""
    score_rows(version, rows[:1])
    taken = []
    for i in range(len(rows)):
        began = time.perf_counter()
        score_rows(version, rows[i : i + 1])
        taken.append((time.perf_counter() - began) * 1000)
    return np.array(taken)


def _refitted(version: ModelVersion, snapshot: Snapshot, in_sample: Bools) -> str | None:
    # 3
    run, contract = version.run, contract_of_version(version)
    if run.is_outside:
        return None
    estimator = training.fit(
        contract.matrix(snapshot.packed)[in_sample],
        snapshot.bad[in_sample],
        run.algorithm,
        run.params,
        run.seed,
        monotonic_cst=contract.monotonic_cst,
    )
    return artefacts.content_sha256(estimator)


def _groups(version: ModelVersion, snapshot: Snapshot, at: datetime, reader: User) -> Membership:
    """The groups that the model's monitoring policy compares; none where no such policy is in force."""
    try:
        _, policy = policy_in_force(version.model, at)
    except NoMonitoringPolicy:
        return Membership({}, {}, (), 0)
    return groups_of_rows(
        version.dataset.sha256, snapshot.row_ids.tolist(), policy.groupings, reader=reader
    )
