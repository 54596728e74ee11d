"""Versions: made of a run, moved by acts, one champion per model."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from registry import queries, training
from registry.actions.clearances import revoke_clearance
from registry.actions.versions import change_stage, promote_to_champion, register_version
from registry.errors import (
    BaselineTooSmall,
    NotCleared,
    PolicyDoesNotFit,
    PolicyNotInForce,
    RunNotSucceeded,
    StageNotReachable,
)
from registry.loading import load_estimator
from registry.models import ModelVersion
from tests.registry.builders import (
    CUT_OFF,
    DECISION_BODY,
    REASON_BODY,
    a_clearance,
    a_dataset,
    a_model,
    a_policy,
    a_run,
    a_version,
)

LastEntry = Callable[[], dict[str, Any]]


def test_a_version_is_what_its_run_left_with_contract_baseline_and_policies(
    builder: User, last_entry: LastEntry
) -> None:
    run = a_run(requested_by=builder)

    version = a_version(run=run)

    assert (version.number, version.stage) == (1, "registered")
    assert version.artefact == run.artefact
    assert version.dataset == run.dataset
    assert queries.contract_of_version(version) == queries.contract_of(run.dataset)
    assert version.developed_by == builder
    assert queries.protected_names(version) == {"sex", "age"}
    entry = last_entry()
    assert entry["event"] == "registry.version.registered"
    assert entry["subject"]["id"] == f"{version.model.name}/1"
    assert entry["public"]["artefact_sha256"] == version.artefact_id
    assert entry["public"]["baseline_id"] == version.baseline_id


@pytest.mark.parametrize("algorithm", training.ALGORITHMS)
def test_the_baseline_is_the_approved_closest_to_the_cut_off_among_the_rows_trained_on(
    builder: User, algorithm: str
) -> None:
    version = a_version(algorithm=algorithm)
    run = version.run
    snapshot = queries.snapshot_of(run.dataset)
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, 0.3, run.seed)
    contract = queries.contract_of_version(version)

    rows = queries.baseline_rows(version.baseline)
    pd = training.probabilities_of_bad(
        load_estimator(version.artefact), contract.matrix(rows.packed)
    )

    assert version.baseline.id == f"b-{version.baseline.sha256[:16]}"
    assert version.baseline.rows == len(pd) == 500
    assert set(rows.row_ids) <= set(snapshot.row_ids[in_sample])
    assert (pd < CUT_OFF).all()
    assert version.baseline.band["pd_to"] == pytest.approx(pd.max())
    assert version.baseline.band["pd_from"] == pytest.approx(pd.min())
    everyone = training.probabilities_of_bad(
        load_estimator(version.artefact), contract.matrix(snapshot.packed[in_sample])
    )
    nearer = np.sort(everyone[everyone < CUT_OFF])[-500:]
    assert np.allclose(np.sort(pd), nearer)


def test_versions_of_a_model_are_numbered_in_turn(builder: User) -> None:
    model, dataset = a_model(), a_dataset()

    numbers = [a_version(run=a_run(model, dataset)).number for _ in range(3)]

    assert numbers == [1, 2, 3]


def test_two_versions_of_one_run_at_one_cut_off_share_the_baseline(builder: User) -> None:
    run = a_run()

    assert a_version(run=run).baseline == a_version(run=run).baseline


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_run_without_artefact_becomes_no_version(builder: User, status: str) -> None:
    with pytest.raises(RunNotSucceeded):
        a_version(run=a_run(status=status))

    assert not ModelVersion.objects.exists()


def test_policies_must_be_adopted_and_of_their_kind(builder: User) -> None:
    run = a_run()
    decision, library = a_policy("decision"), a_policy("reason_library")
    proposed = a_policy("decision", adopted=False)

    for used in ((proposed, library), (library, library), (decision, decision)):
        with pytest.raises(PolicyNotInForce):
            register_version(run, CUT_OFF, *used, by=builder)


def test_a_superseded_policy_is_not_used_again(builder: User) -> None:
    run, library = a_run(), a_policy("reason_library")
    old = a_policy("decision", name="cut-off")
    a_policy("decision", name="cut-off")

    with pytest.raises(PolicyNotInForce, match="superseded"):
        register_version(run, CUT_OFF, queries.policy_with(old.pk), library, by=builder)


def test_a_reason_library_must_have_a_text_for_every_reason_group(builder: User) -> None:
    groups = {
        name: texts for name, texts in REASON_BODY["groups"].items() if name not in ("income", "purpose")
    }  # fmt: skip
    library = a_policy("reason_library", {"language": "en", "groups": groups})

    with pytest.raises(PolicyDoesNotFit) as refusal:
        a_version(reason_library=library)

    assert [problem.field for problem in refusal.value.errors] == [
        "reason_library.groups.income",
        "reason_library.groups.purpose",
    ]


def test_the_cut_off_is_the_policys(builder: User) -> None:
    decision, library = a_policy("decision"), a_policy("reason_library")

    with pytest.raises(PolicyDoesNotFit, match=r"0\.25"):
        register_version(a_run(), 0.25, decision, library, by=builder)


def test_a_cut_off_that_approves_hardly_anyone_is_refused(builder: User) -> None:
    body = {**DECISION_BODY, "cut_off": 0.0001, "grey_band": None}

    with pytest.raises(BaselineTooSmall):
        a_version(decision_policy=a_policy("decision", body))


def test_a_version_never_changes_but_for_its_stage(builder: User) -> None:
    version = a_version()

    with pytest.raises(DatabaseError):
        ModelVersion.objects.filter(pk=version.pk).update(cut_off=0.9)


@pytest.mark.parametrize(
    ("start", "allowed"),
    [
        ("registered", {"staging", "rejected", "archived"}),
        ("staging", {"rejected", "archived", "suspended"}),
        ("production", {"archived", "suspended"}),
        ("suspended", {"staging", "archived"}),
        ("archived", set()),
        ("rejected", set()),
    ],
)
def test_a_version_moves_only_where_its_stage_leads(
    builder: User, start: str, allowed: set[str]
) -> None:
    for stage in ("registered", "staging", "production", "archived", "suspended", "rejected"):
        version = a_version(stage=start)
        if stage in allowed:
            assert change_stage(version, stage, by=builder, reason="Why not.").stage == stage
        else:
            with pytest.raises(StageNotReachable):
                change_stage(version, stage, by=builder, reason="Why not.")
            version.refresh_from_db()
            assert version.stage == start


def test_a_change_of_stage_says_from_where_and_why(builder: User, last_entry: LastEntry) -> None:
    change_stage(a_version(), "staging", by=builder, reason="The gates passed.")

    entry = last_entry()
    assert entry["event"] == "registry.version.stage_changed"
    assert entry["public"] == {
        "before": "registered",
        "stage": "staging",
        "reason": "The gates passed.",
    }


def test_a_cleared_version_becomes_champion_and_the_one_before_is_archived_at_once(
    builder: User, last_entry: LastEntry
) -> None:
    model = a_model()
    first = a_version(model, stage="production")
    second = a_version(model, stage="staging")
    clearance = a_clearance(second)

    promote_to_champion(second, by=builder)

    assert queries.champion(model) == second
    first.refresh_from_db()
    assert first.stage == "archived"
    entry = last_entry()
    assert entry["event"] == "registry.version.promoted"
    assert entry["public"]["archived"] == 1
    assert entry["public"]["clearance"] == clearance.pk


def test_a_version_without_a_live_clearance_never_becomes_champion(builder: User) -> None:
    version = a_version(stage="staging")
    revoked = a_clearance(version)
    revoke_clearance(revoked, by=builder, reason="Withdrawn.")
    a_clearance(version, valid_to=timezone.now() - timedelta(seconds=1))
    a_clearance(version, "score_shadow")

    with pytest.raises(NotCleared):
        promote_to_champion(version, by=builder)

    assert queries.champion(version.model) is None
    assert Entry.objects.order_by("-id")[0].event == "audit.action_refused"


def test_an_archived_champion_comes_back_with_a_rollback_clearance_only(builder: User) -> None:
    model = a_model()
    first = a_version(model, stage="production")
    second = a_version(model, stage="staging")
    a_clearance(second)
    promote_to_champion(second, by=builder)

    with pytest.raises(NotCleared):
        promote_to_champion(first, by=builder)
    a_clearance(first, "rollback")
    promote_to_champion(first, by=builder)

    second.refresh_from_db()
    assert queries.champion(model) == first
    assert second.stage == "archived"


@pytest.mark.parametrize("stage", ["registered", "production", "suspended", "rejected"])
def test_only_a_version_in_staging_or_archived_is_promoted(builder: User, stage: str) -> None:
    with pytest.raises(StageNotReachable):
        promote_to_champion(a_version(stage=stage), by=builder)


def test_the_database_refuses_a_second_champion(builder: User) -> None:
    model = a_model()
    a_version(model, stage="production")
    second = a_version(model, stage="staging")

    with pytest.raises(IntegrityError):
        ModelVersion.objects.filter(pk=second.pk).update(stage="production")


def test_whoever_lacks_the_permission_moves_nothing(outsider: User) -> None:
    version = a_version(stage="staging")
    a_clearance(version)

    with pytest.raises(NotPermitted):
        promote_to_champion(version, by=outsider)
    with pytest.raises(NotPermitted):
        change_stage(version, "archived", by=outsider, reason="I am root.")
    with pytest.raises(NotPermitted):
        register_version(
            version.run, CUT_OFF, version.decision_policy, version.reason_library, by=outsider
        )

    version.refresh_from_db()
    assert version.stage == "staging"
