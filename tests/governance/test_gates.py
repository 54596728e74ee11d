"""A gate passes only on evidence: nothing missing, nothing empty, nothing too small to tell."""

from dataclasses import replace

import numpy as np
import pytest

from governance.errors import GatePolicyMalformed
from governance.gate_policy import LIMITS, Severity, read_policy
from governance.gates import READINGS, Status, judge, passed
from governance.measured import Ages, Champion, Measured, Recent
from tests.governance.builders import a_challenge, what_was_measured

HALF = np.arange(100) < 50
REASON = "Because the committee said so."


def measured(**changes: object) -> Measured:
    return what_was_measured(**changes)


def check(name: str, severity: str = "block", **settings: object) -> dict:
    return {"check": name, "severity": severity, "reason": REASON, **settings}


def verdicts(found: Measured, *checks: dict):
    return judge(found, read_policy({"checks": list(checks)}))


def test_every_check_that_a_policy_may_name_can_be_taken():
    of_their_own = {"adverse_impact", "documents_complete", "elderly_age"}
    assert {*READINGS} | of_their_own == set(LIMITS)


def test_a_good_version_passes_every_check():
    found = verdicts(
        measured(),
        check("rows", minimum=1500),
        check("nulls", maximum=0.05),
        check("auc", minimum=0.7),
        check("ks_separation", minimum=0.3),
        check("brier", maximum=0.25),
        check("valid_rows", minimum=1),
        check("accuracy", minimum=0.7),
        check("gini", minimum=0.4),
        check("champion_auc_difference", minimum=0),
        check("log_loss", maximum=0.6),
        check("calibration", minimum=0.5, maximum=1.5),
        check("calibration_slope", minimum=0.5, maximum=2),
        check("calibration_intercept", minimum=-1, maximum=1),
        check("calibration_by_grade", minimum=0.00001),
        check("score_psi", maximum=0.1),
        check("feature_csi", maximum=0.1),
        check("noise_flips", maximum=0.05),
        check("missing_flips", maximum=0.05),
        check("monotonicity", maximum=0),
        check("elderly_age", maximum=0, from_age=62),
        check("reason_stability", minimum=0.8),
        check("reason_faithfulness", minimum=0.9),
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
        ({"invalid_rows": 3}, check("valid_rows", minimum=1)),
        ({"cut_off": 0.01}, check("accuracy", minimum=0.5)),
        ({}, check("gini", minimum=0.95)),
        ({}, check("log_loss", maximum=0.01)),
        ({}, check("calibration_slope", minimum=5, maximum=6)),
        ({}, check("calibration_intercept", minimum=5, maximum=6)),
        ({"challenged": a_challenge(noise_flips=HALF)}, check("noise_flips", maximum=0.05)),
        ({"challenged": a_challenge(missing_flips=HALF)}, check("missing_flips", maximum=0.05)),
        (
            {"challenged": a_challenge(direction_breaks={"dti": HALF})},
            check("monotonicity", maximum=0),
        ),
        ({"challenged": a_challenge(faithful=HALF)}, check("reason_faithfulness", minimum=0.9)),
        (
            {"challenged": a_challenge(reason_agreement=np.full(9, 0.4))},
            check("reason_stability", minimum=0.8),
        ),
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


def test_a_version_that_ranks_worse_than_the_champion_on_the_same_rows_fails():
    found = measured()
    blind = np.random.default_rng(1).permutation(found.pd)

    (verdict,) = verdicts(
        replace(found, pd=blind, champion=Champion("credit v1", found.pd)),
        check("champion_auc_difference", minimum=0),
    )

    assert verdict.status == Status.FAIL
    assert verdict.high < 0
    assert verdict.n == found.holdout_rows
    assert "credit v1" in verdict.why


def test_rows_that_the_champion_was_trained_on_are_not_compared():
    found = measured()
    pd = np.where(np.arange(found.rows) % 6 == 0, np.nan, found.pd)

    (verdict,) = verdicts(
        replace(found, champion=Champion("credit v1", pd)),
        check("champion_auc_difference", minimum=0),
    )

    assert verdict.n == (~found.in_sample & ~np.isnan(pd)).sum()


def test_without_a_champion_there_is_none_to_fall_behind_but_one_that_cannot_score_is_missing_evidence():
    other = Champion("credit v1", None, "It takes other features.")

    (alone,) = verdicts(measured(champion=None), check("champion_auc_difference", minimum=0))
    (unlike,) = verdicts(measured(champion=other), check("champion_auc_difference", minimum=0))

    assert (alone.status, alone.value) == (Status.PASS, None)
    assert "No other version" in alone.why
    assert unlike.status == Status.INSUFFICIENT_DATA
    assert unlike.blocks


def test_a_young_age_that_scores_better_than_an_old_applicant_fails():
    grid = np.arange(18.0, 81.0)
    pd_at = np.full((50, grid.size), 0.2)
    pd_at[:5, 30] = 0.1
    ages = Ages(np.full(50, 70.0), np.full(50, 0.2), grid, pd_at)

    (verdict,) = verdicts(
        measured(challenged=a_challenge(ages=ages)), check("elderly_age", maximum=0, from_age=62)
    )

    assert verdict.status == Status.FAIL
    assert (verdict.value, verdict.n) == (0.1, 50)
    assert verdict.threshold == "at most 0 from age 62"


def test_nobody_old_enough_to_ask_about_is_missing_evidence():
    ages = Ages(np.full(9, 40.0), np.full(9, 0.2), np.arange(18.0, 81.0), np.full((9, 63), 0.2))

    (verdict,) = verdicts(
        measured(challenged=a_challenge(ages=ages)), check("elderly_age", maximum=0, from_age=62)
    )

    assert verdict.status == Status.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"ages": None}, check("elderly_age", maximum=0, from_age=62)),
        ({"direction_breaks": {}}, check("monotonicity", maximum=0)),
        ({"missing_flips": None}, check("missing_flips", maximum=0)),
    ],
)
def test_a_question_that_does_not_arise_passes_without_a_number_and_says_so(change, asked):
    (verdict,) = verdicts(measured(challenged=a_challenge(**change)), asked)

    assert (verdict.status, verdict.value, verdict.n) == (Status.PASS, None, 0)
    assert verdict.why


@pytest.mark.parametrize("name", ["reason_stability", "reason_faithfulness"])
def test_without_declined_applicants_reasons_are_missing_evidence(name):
    nobody = a_challenge(reason_agreement=np.empty(0), faithful=np.empty(0, dtype=bool))

    (verdict,) = verdicts(measured(challenged=nobody), check(name, minimum=0.5))

    assert verdict.status == Status.INSUFFICIENT_DATA


def test_the_worst_feature_is_judged_and_all_are_kept():
    found = measured()
    packed = found.packed.copy()
    packed[~found.in_sample, 0] += 0.5

    (verdict,) = verdicts(replace(found, packed=packed), check("feature_csi", maximum=0.25))

    assert verdict.status == Status.FAIL
    assert "dti" in verdict.why
    assert {row["feature"] for row in verdict.as_json()["details"]} == {"dti", "purpose"}


def test_one_grade_whose_pd_is_far_too_low_fails():
    found = measured()
    low = ~found.in_sample & (found.pd < 0.1)

    (verdict,) = verdicts(
        replace(found, bad=found.bad | low), check("calibration_by_grade", minimum=0.00001)
    )

    assert verdict.status == Status.FAIL
    assert "red" in verdict.why
    assert sum(row["n"] for row in verdict.details) == found.holdout_rows


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


def test_a_population_that_moved_since_training_is_unstable():
    measured = what_was_measured()
    moved = Recent(
        np.clip(measured.training_pd + 0.3, 0, 1), measured.packed + np.array([0.5, 0]), ""
    )
    alike = Recent(measured.training_pd, measured.packed[measured.in_sample], "")
    checks = (check("score_psi_recent", maximum=0.1), check("feature_csi_recent", maximum=0.1))

    assert [v.status for v in verdicts(replace(measured, recent=moved), *checks)] == [
        "fail",
        "fail",
    ]
    same = verdicts(replace(measured, recent=alike), *checks)
    assert [verdict.status for verdict in same] == ["pass", "pass"]
    assert same[0].value == pytest.approx(0.0, abs=1e-9)


def test_without_recent_decisions_evidence_is_missing():
    nobody = replace(what_was_measured(), recent=Recent(note="loans decided nobody."))

    for verdict in verdicts(
        nobody, check("score_psi_recent", maximum=0.1), check("feature_csi_recent", maximum=0.1)
    ):
        assert (verdict.status, verdict.why) == ("insufficient_data", "loans decided nobody.")
