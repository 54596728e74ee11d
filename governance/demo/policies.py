"""The demo's own policies, each limit with its reason: real files differ in size, in risk and in what they leave empty."""

import json
import math
import tomllib
from pathlib import Path
from typing import Any

from governance.demo.material import FEWEST_ROWS, Material
from registry.description import Description

PORTFOLIO_ROWS = 10_000
LETTER = Path(__file__).with_name("explanation_letter.toml")
NOTICE_EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "notice.json"

JUDGED_BY_UNDERWRITERS = (
    "The label is what underwriters decided, so a ratio below four fifths repeats theirs; the demo shows it and lets people judge. "
    "A policy for lending would block."
)


def cut_off(bad_rate: float) -> float:
    """Twice the bad rate, or half the way from it to certainty, in two digits: known before any model is."""
    return float(f"{min(2 * bad_rate, (1 + bad_rate) / 2):.2g}")


def gate_policy(material: Material) -> dict[str, Any]:
    """What a version is measured by before anyone may ask for its promotion."""
    rows, rate = len(material), material.bad_rate
    fewest = PORTFOLIO_ROWS if rows >= PORTFOLIO_ROWS else FEWEST_ROWS
    missing = min(0.99, math.ceil(100 * material.most_missing) / 100 + 0.05)
    average = math.ceil(1000 * rate * (1 - rate)) / 1000

    def check(name: str, reason: str, severity: str = "block", **limits: Any) -> dict[str, Any]:
        return {"check": name, "severity": severity, "reason": reason, **limits}

    few = f"The file has {rows:,} rows. A portfolio would ask for {PORTFOLIO_ROWS:,}; below {FEWEST_ROWS:,} a holdout of 30 % holds too few bads."
    entropy = math.ceil(-1000 * (rate * math.log(rate) + (1 - rate) * math.log(1 - rate))) / 1000
    most = f"A feature of the file lacks up to {material.most_missing:.1%}, which its description allows; 5 points more mean that a source is broken."
    brier = f"Always saying the average of {rate:.1%} scores {average}. A riskier population raises that, so a quarter more is allowed for a retrained model."
    return {
        "checks": [
            check("rows", few, minimum=fewest),
            check("nulls", most, maximum=round(missing, 2)),
            check("auc", "A small holdout has an interval of about 0.06 to either side; 0.6 is clear of chance.", minimum=0.6),
            check("ks_separation", "Goes with the AUC: goods and bads must part visibly.", minimum=0.15),
            check("brier", brier, maximum=round(1.25 * average, 4)),
            check("calibration", "Observed to expected bads; the usual band.", minimum=0.75, maximum=1.33),
            check("valid_rows", "What the contract forbids no application may hold, so no row that taught the model may.", minimum=1.0),
            check("accuracy", "A usual figure; it says little where bads are few, so it is shown and blocks nobody.", severity="watch", minimum=0.85),
            check("gini", "The same demand as that on the AUC, in the words that committees use.", minimum=0.2),
            check("champion_auc_difference", "A hundredth lies within chance on a holdout of this size; a larger loss wants an explanation.", severity="watch", minimum=-0.01),
            check("log_loss", f"Always saying the average scores {entropy}.", severity="watch", maximum=entropy),
            check("calibration_slope", "Below the band the model is too sure of itself, above it too timid.", severity="watch", minimum=0.8, maximum=1.25),
            check("calibration_intercept", "Goes with the slope: a third of a log-odds is a bad rate off by about a third.", severity="watch", minimum=-0.33, maximum=0.33),
            check("calibration_by_grade", "Below one in ten thousand a grade's pd is too low to be believed.", severity="watch", minimum=0.0001),
            check("feature_csi", "As for the score, feature by feature.", severity="watch", maximum=0.25),
            check("noise_flips", "Noise of a twentieth of a standard deviation decides few who are not at the cut-off.", severity="watch", maximum=0.05),
            check("missing_flips", "One value in twenty missing may not decide one applicant in ten.", severity="watch", maximum=0.1),
            check("monotonicity", "The contract declares it, and reasons rely on it.", severity="watch", maximum=0.0),
            check("elderly_age", "The file describes lending in the US, where the age of an applicant of 62 or more may not count against them (12 CFR 1002.6(b)(2)).", severity="watch", maximum=0.0, from_age=62),
            check("reason_stability", "Reasons that change with who happens to be in the baseline are not principal.", severity="watch", minimum=0.8),
            check("reason_faithfulness", "Most who are declined would be approved if their reasons did not hold.", severity="watch", minimum=0.8),
            check("score_psi", "Training and holdout are one population: a larger value is a leak or overfitting.", maximum=0.25),
            check("additivity", "Base and attributions must give the margin; else reasons are about something else.", maximum=1e-6),
            check("explain_latency_p95_ms", "A decision with its explanation answers while the customer waits.", maximum=50.0),
            check("baseline_rows", "Fewer applicants near the cut-off make reasons depend on who they are.", minimum=100),
            check("reproducibility", "A model that its record does not give back cannot be examined later."),
            check("adverse_impact", JUDGED_BY_UNDERWRITERS, severity="watch", minimum=0.8, watch=0.9, sample="all"),
        ]
    }  # fmt: skip


def decision_policy(bad_rate: float) -> dict[str, Any]:
    """Declined from the cut-off; just below it a person decides."""
    declined_from = cut_off(bad_rate)
    return {
        "cut_off": declined_from,
        "grey_band": {"from": round(0.92 * declined_from, 4), "to": declined_from},
        "knockout_rules": [],
        "materiality_floor": 0.02,
        "max_reasons": 4,
    }


def monitoring_policy(description: Description) -> dict[str, Any]:
    """How far a population may move, and how groups are compared."""
    return {
        "window_days": 30,
        "drift": {
            "bins": 10,
            "minimum_current": 1000,
            "minimum_reference": 500,
            "ks_watch": 0.10,
            "ks_breach": 0.15,
            "ks_critical": 0.30,
            "psi_watch": 0.10,
            "psi_breach": 0.25,
            "mean_shift_breach": 0.10,
            "mean_shift_relative_watch": 0.20,
            "missing_watch": 0.02,
            "missing_breach": 0.05,
            "tier_1_features": None,
            # One window is all that the demo has; a bank would ask for 2 of 3.
            "persistence": {"needed": 1, "of": 1},
        },
        "fairness": _fairness(description),
        "performance": {
            "minimum_matured": 200,
            "accuracy_breach": 0.80,
            "auc_breach": 0.60,
            "observed_expected_low": 0.75,
            "observed_expected_high": 1.33,
        },
        "reasons": {
            "most_tried": 300,
            "minimum_declined": 50,
            "faithful_breach": 0.8,
            "agreement_breach": 0.8,
        },
    }


def serving_policy() -> dict[str, Any]:
    """How decisions are served: memory, standing controls, days of reviews, guard rails, and what a client may ask."""
    return {
        "explanations": {"most_table_mib": 256},
        "replay": {"nightly_sample": 25},
        "probes": {"minutes": 5},
        "overrides": {"watch": 0.05, "breach": 0.10},
        "reviews": {"months": 1, "alert_days_before": 7},
        "rollout": {
            "evaluate_minutes": 1,
            "window_minutes": 1440,
            "least_decisions": 200,
            "most_errors_percent": 1.0,
            "most_latency_ratio": 2.0,
            "approval_rate_points": 5.0,
            "reason_mix_psi": 0.25,
        },
        "limits": {"requests_per_minute": 600, "decisions_per_minute": 20_000},
    }


def _fairness(description: Description) -> dict[str, Any] | None:
    """How groups are compared; None where the file knows nothing of any."""
    attributes = description.protected_part()["groups"]
    if not attributes:
        return None
    return {
        "attributes": attributes,
        "air_breach": 0.80,
        "air_watch": 0.90,
        "minimum_shown": 30,
        "minimum_cell": 5,
        "minimum_verdict": 100,
        "significance": 0.05,
        "smd_watch": 0.30,
    }


def retraining_policy() -> dict[str, Any]:
    """The envelope inside which a candidate may be trained without asking first."""
    boosting = "hist_gradient_boosting"
    return {
        "window_days": 30,
        "minimum_rows": 1000,
        "minimum_matured": 500,
        "maximum_missing_change": 0.10,
        "maximum_outside": 0.05,
        "seed": 11,
        "holdout_share": 0.3,
        "candidates": [
            {"algorithm": "logistic_regression", "params": {}},
            {"algorithm": boosting, "params": {"max_iter": 100, "max_depth": 3, "learning_rate": 0.05}},
            {"algorithm": boosting, "params": {"max_iter": 150, "max_depth": 2, "learning_rate": 0.05}},
        ],
    }  # fmt: skip


def oversight_policy() -> dict[str, Any]:
    """How soon findings are answered, how often models are attested and validated again, and what is material."""
    return {
        "finding_days": {"critical": 0, "high": 30, "medium": 90, "low": 180},
        "attestation_months": {"1": 6, "2": 12, "3": 12},
        "revalidation_months": {"1": 12, "2": 24, "3": 36},
        "restriction": {"critical_open": "suspend", "high_overdue": "refer"},
        "recertification_days": 30,
        "tier_change_days": {"1": 30, "2": 60, "3": 90},
        "materiality": {
            "window_days": 90,
            "decisions": {"medium": 1_000, "high": 50_000},
            "amount": {"medium": 1_000, "high": 100_000},
            "amount_features": ["loanamt"],
            "amount_unit": "thousand USD",
            "purpose": {"usual": "medium", "regulatory": "high"},
            "tiers": {
                "low": {"low": 3, "medium": 3, "high": 2},
                "medium": {"low": 3, "medium": 2, "high": 1},
                "high": {"low": 2, "medium": 1, "high": 1},
            },
        },
    }


def notice_policy() -> dict[str, Any]:
    """What applicants are told, and by when: the two examples that the documentation shows, with their law."""
    example: dict[str, Any] = json.loads(NOTICE_EXAMPLE.read_text(encoding="utf-8"))
    example["body"] |= tomllib.loads(LETTER.read_text(encoding="utf-8"))
    return example
