"""A gate passes only on evidence: nothing missing, nothing empty, nothing too small to tell."""

from dataclasses import replace

import numpy as np
import pytest

from governance.errors import GatePolicyMalformed
from governance.gate_policy import LIMITS, Severity, read_policy
from governance.gates import READINGS, Status, judge, passed
from governance.measured import Measured
from tests.governance.builders import what_was_measured

REASON = "Because the committee said so."


def measured(**changes: object) -> Measured:
    return what_was_measured(**changes)


def check(name: str, severity: str = "block", **settings: object) -> dict:
    return {"check": name, "severity": severity, "reason": REASON, **settings}


def verdicts(found: Measured, *checks: dict):
    return judge(found, read_policy({"checks": list(checks)}))


def test_every_check_that_a_policy_may_name_can_be_taken():
    assert {*READINGS, "adverse_impact"} == set(LIMITS)


def test_a_good_version_passes_every_check():
    found = verdicts(
        measured(),
        check("rows", minimum=1500),
        check("nulls", maximum=0.05),
        check("auc", minimum=0.7),
        check("ks_separation", minimum=0.3),
        check("brier", maximum=0.25),
        check("calibration", minimum=0.5, maximum=1.5),
        check("score_psi", maximum=0.1),
        check("additivity", maximum=1e-6),
        check("explain_latency_p95_ms", maximum=50),
        check("adverse_impact", minimum=0.8, sample="all"),
        check("reproducibility"),
        check("baseline_rows", minimum=500),
    )

    assert {verdict.status for verdict in found} == {Status.PASS}
    assert passed(found)


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"missing_shares": {"dti": 0.06}}, check("nulls", maximum=0.05)),
        ({"additivity_gaps": np.array([1e-12, 1e-3])}, check("additivity", maximum=1e-6)),
        ({"latencies_ms": np.full(100, 80.0)}, check("explain_latency_p95_ms", maximum=50)),
        ({"refitted_sha256": "b" * 64}, check("reproducibility")),
        ({"baseline_rows": 499}, check("baseline_rows", minimum=500)),
        ({}, check("auc", minimum=0.99)),
        ({}, check("brier", maximum=0.01)),
        ({}, check("rows", minimum=10_000)),
        ({}, check("calibration", minimum=1.4, maximum=1.5)),
    ],
)
def test_one_missed_limit_fails_the_version(change, failing):
    (verdict,) = verdicts(measured(**change), failing)

    assert verdict.status == Status.FAIL
    assert verdict.blocks
    assert not passed([verdict])


def test_a_missed_limit_that_is_only_watched_does_not_block():
    (verdict,) = verdicts(measured(), check("auc", "watch", minimum=0.99))

    assert verdict.status == Status.WATCH
    assert passed([verdict])


def test_scores_that_differ_between_training_and_holdout_are_seen():
    found = measured()
    shifted = np.where(found.in_sample, found.pd, np.clip(found.pd + 0.3, 0, 1))

    (verdict,) = verdicts(replace(found, pd=shifted), check("score_psi", maximum=0.25))

    assert verdict.status == Status.FAIL


def test_a_group_that_is_approved_half_as_often_fails():
    found = measured()
    older = found.groups["age"]["62 and over"]
    harsh = found.approved & ~(older & (np.arange(found.rows) % 2 == 0))

    (verdict,) = verdicts(
        replace(found, approved=harsh), check("adverse_impact", minimum=0.8, sample="all")
    )

    assert verdict.status == Status.FAIL
    assert verdict.subject == "age: 62 and over against under 62"
    assert verdict.high < 0.8


@pytest.mark.parametrize(("severity", "may_pass"), [("block", False), ("watch", True)])
def test_a_group_too_small_to_judge_is_never_a_pass(severity, may_pass):
    found = measured()
    few = np.arange(found.rows) < 12
    groups = {"age": {"62 and over": few, "under 62": ~few}}

    (verdict,) = verdicts(
        replace(found, groups=groups), check("adverse_impact", severity, minimum=0.8, sample="all")
    )

    assert verdict.status == Status.INSUFFICIENT_DATA
    assert verdict.value is None
    assert verdict.n == 0, "the count of a group too small to show could single people out"
    assert passed([verdict]) is may_pass


def test_no_declared_group_is_missing_evidence_and_not_a_pass():
    (verdict,) = verdicts(measured(groups={}, controls={}), check("adverse_impact", minimum=0.8))

    assert verdict.status == Status.INSUFFICIENT_DATA
    assert verdict.blocks


def test_an_attribute_that_nobody_supplied_is_missing_evidence_for_it_alone():
    found = measured()
    nobody = np.zeros(found.rows, dtype=bool)
    groups = {**found.groups, "race": {"Black": nobody, "white": nobody}}
    controls = {**found.controls, "race": "white"}

    by_subject = {
        verdict.subject: verdict.status
        for verdict in verdicts(
            replace(found, groups=groups, controls=controls),
            check("adverse_impact", minimum=0.8, sample="all"),
        )
    }

    assert by_subject == {
        "race": Status.INSUFFICIENT_DATA,
        "age: 62 and over against under 62": Status.PASS,
    }


def test_a_holdout_of_one_class_is_missing_evidence():
    found = measured()

    (verdict,) = verdicts(replace(found, bad=np.zeros_like(found.bad)), check("auc", minimum=0.5))

    assert verdict.status == Status.INSUFFICIENT_DATA
    assert "good and bad" in verdict.why


def test_no_verdict_at_all_passes_nobody():
    assert not passed([])


def test_an_empty_policy_is_refused():
    for body in ({}, {"checks": []}, {"checks": "all"}):
        with pytest.raises(GatePolicyMalformed):
            read_policy(body)


def test_everything_wrong_with_a_policy_is_named_at_once():
    body = {
        "checks": [
            check("auc"),
            check("vibes", minimum=1),
            check("auc", "shrug", minimum=0.7),
            {"check": "rows", "minimum": True, "severity": "block", "reason": " "},
            check("brier", maximum=0.2, sample="all"),
            check("adverse_impact", minimum=0.8, sample="some", watch="low"),
        ]
    }

    with pytest.raises(GatePolicyMalformed) as refused:
        read_policy(body)

    assert [problem.field for problem in refused.value.errors] == [
        "checks.0.minimum",
        "checks.1.check",
        "checks.2.severity",
        "checks.3.minimum",
        "checks.3.reason",
        "checks.4.sample",
        "checks.5.watch",
        "checks.5.sample",
    ]


def test_severity_is_part_of_the_policy_and_of_the_verdict():
    (one,) = read_policy({"checks": [check("rows", "watch", minimum=1)]})

    assert one.severity is Severity.WATCH
    assert one.threshold == "at least 1"
