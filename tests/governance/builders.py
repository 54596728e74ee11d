"""Rows of governance for tests, made by its own acts."""

from datetime import datetime, timedelta
from functools import cache
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.auth.models import Group, User
from django.db import connections
from django.utils import timezone

from audit.entries import parse
from audit.errors import Refusal
from audit.models import Entry
from audit.queries import service_account
from governance.actions.changes import approve_change, request_promotion
from governance.actions.evidence import open_comparison
from governance.actions.findings import Deficiency, open_finding, submit_remediation
from governance.actions.gates import complete_gates, request_gates, start_gates
from governance.measured import Ages, Challenged, Champion, Measured
from governance.models import ChangeRequest, Finding, GateReport
from governance.queries.changes import champion_compared, change_with
from monitoring.drift import Column
from registry.models import ModelVersion, Policy, ScoringModel
from tests.registry.builders import a_model, a_policy, a_run, a_version

WHY = "Read the evidence; it holds."
REASON = "Agreed by the model risk committee for the tests."


def a_check(name: str, severity: str = "block", **settings: object) -> dict[str, Any]:
    return {"check": name, "severity": severity, "reason": REASON, **settings}


GATES = [
    a_check("rows", minimum=1000),
    a_check("auc", minimum=0.6),
    a_check("additivity", maximum=1e-6),
    a_check("reproducibility"),
    a_check("adverse_impact", "watch", minimum=0.8, sample="all"),
]


def a_gate_policy(
    model_name: str = "default", checks: list[dict[str, Any]] | None = None
) -> Policy:
    return a_policy("gate", {"checks": checks or GATES}, name=model_name)


def a_report(version: ModelVersion, **changes: object) -> GateReport:
    """A report of the version under the policy in force, from numbers that pass unless changed."""
    retrainer = service_account("retrainer")
    run = request_gates(version, by=retrainer)
    start_gates(run.pk, by=retrainer)
    return complete_gates(run.pk, what_was_measured(**changes), by=retrainer)


def what_was_measured(**changes: object) -> Measured:
    fields: dict[str, Any] = {**_good_numbers(), **changes}
    return Measured(**fields)


@cache
def _good_numbers() -> dict[str, Any]:
    """2,000 rows that rank well, over two groups that are approved alike."""
    rng = np.random.default_rng(7)
    bad = rng.random(2000) < 0.3
    pd = np.clip(rng.normal(np.where(bad, 0.45, 0.22), 0.15), 0.01, 0.99)
    older = rng.random(2000) < 0.4
    return {
        "bad": bad,
        "pd": pd,
        "approved": pd < 0.4,
        "in_sample": np.arange(2000) % 3 != 0,
        "cut_off": 0.4,
        "columns": (Column("dti"), Column("purpose", nominal=True, labels=("car", "home"))),
        "packed": np.column_stack([rng.random(2000), rng.integers(0, 2, 2000)]),
        "invalid_rows": 0,
        "champion": Champion("credit v1", np.clip(pd + rng.normal(0, 0.1, 2000), 0, 1)),
        "challenged": a_challenge(),
        "missing_shares": {"dti": 0.01, "income": 0.04},
        "groups": {"age": {"62 and over": older, "under 62": ~older}},
        "controls": {"age": "under 62"},
        "protected_columns": ("age",),
        "protected_people": 2000,
        "additivity_gaps": np.full(100, 1e-12),
        "latencies_ms": np.full(100, 4.0),
        "content_sha256": "a" * 64,
        "refitted_sha256": "a" * 64,
        "baseline_rows": 500,
        "documents": {},
    }


def a_challenge(**changes: Any) -> Challenged:
    """A version that flips 2 of 100 decisions, keeps its directions and reasons, and is kind to the old."""
    few, grid = np.arange(100) < 2, np.arange(18.0, 81.0)
    fields: dict[str, Any] = {
        "noise_flips": few,
        "missing_flips": few,
        "direction_breaks": {"dti": np.zeros(100, dtype=bool)},
        "ages": Ages(np.full(50, 70.0), np.full(50, 0.2), grid, np.full((50, grid.size), 0.2)),
        "reason_agreement": np.full(40, 0.9),
        "faithful": np.arange(40) < 38,
    }
    return Challenged(**{**fields, **changes})


def a_measured_version(developer: User, **settings: Any) -> ModelVersion:
    """A registered version that the developer built, with a passed gate report."""
    model = settings.pop("model", None) or a_model()
    if not Policy.objects.filter(kind="gate", name="default").exists():
        a_gate_policy()
    version = a_version(run=a_run(model, requested_by=developer), **settings)
    a_report(version)
    return version


def a_staged_version(developer: User, validator: User, **settings: Any) -> ModelVersion:
    """A version that the validator cleared for staging."""
    version = a_measured_version(developer, **settings)
    change = request_promotion(version, "staging", "Ready for review.", by=developer)
    approve_change(change.pk, WHY, by=validator)
    version.refresh_from_db()
    return version


def a_champion(developer: User, validator: User, approver: User, **settings: Any) -> ModelVersion:
    """A version that went the whole way into production."""
    version = a_staged_version(developer, validator, **settings)
    change = request_promotion(version, "production", "Ready for use.", by=developer)
    read_and_approve(change.pk, by=approver)
    version.refresh_from_db()
    return version


def read_and_approve(change_id: UUID, *, by: User) -> ChangeRequest:
    """Open the comparison with the champion where there is one, and approve."""
    if champion_compared(change_with(change_id)):
        open_comparison(change_id, by=by)
    return approve_change(change_id, WHY, by=by)


def approve_at_once(change: ChangeRequest, people: list[User]) -> list[str]:
    """Everybody approves at the same instant, each on a connection of their own. The types of the refusals."""
    start = Barrier(len(people))
    refused: list[str] = []

    def approve(person: User) -> None:
        start.wait()
        try:
            approve_change(change.pk, WHY, by=person)
        except Refusal as refusal:
            refused.append(refusal.type)
        finally:
            connections.close_all()

    threads = [Thread(target=approve, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def a_request(
    developer: User, version: ModelVersion | None = None, target: str = "staging"
) -> ChangeRequest:
    version = version or a_measured_version(developer)
    return request_promotion(version, target, "Ready for review.", by=developer)


RETRAINING = {
    "window_days": 30,
    "minimum_rows": 50,
    "minimum_matured": 50,
    "maximum_missing_change": 0.2,
    "maximum_outside": 0.2,
    "seed": 11,
    "holdout_share": 0.3,
    "candidates": [
        {"algorithm": "logistic_regression", "params": {}},
        {"algorithm": "logistic_regression", "params": {"C": 0.1}},
    ],
}


def a_retraining_policy(model_name: str = "default", **changes: object) -> Policy:
    return a_policy("retraining", {**RETRAINING, **changes}, name=model_name)


OVERSIGHT = {
    "finding_days": {"critical": 0, "high": 30, "medium": 90, "low": 180},
    "attestation_months": {"1": 6, "2": 12, "3": 12},
    "revalidation_months": {"1": 12, "2": 24, "3": 36},
}
MATERIALITY = {
    "window_days": 90,
    "decisions": {"medium": 3, "high": 5},
    "amount": {"medium": 100_000.0, "high": 1_000_000.0},
    "amount_features": ["loan_amount", "dti", "income"],
    "amount_unit": "USD per year",
    "purpose": {"usual": "low", "regulatory": "high"},
    "tiers": {
        "low": {"low": 3, "medium": 3, "high": 2},
        "medium": {"low": 3, "medium": 2, "high": 1},
        "high": {"low": 2, "medium": 1, "high": 1},
    },
}


def an_oversight_policy(model_name: str = "default", **changes: object) -> Policy:
    return a_policy("oversight", {**OVERSIGHT, **changes}, name=model_name)


def a_finding(owner: User, by: User, model: ScoringModel | None = None, **changes: Any) -> Finding:
    """A finding under the oversight policy in force, which is made where there is none."""
    if not Policy.objects.filter(kind="oversight").exists():
        an_oversight_policy()
    fields: dict[str, Any] = {
        "severity": "high",
        "category": "conceptual soundness",
        "title": "The label leaks",
        "evidence": "Section 4 of the validation.",
        "owner": owner,
    }
    return open_finding(model or a_model(), Deficiency(**{**fields, **changes}), by=by)


def a_remediated_finding(owner: User, by: User, model: ScoringModel | None = None) -> Finding:
    finding = a_finding(owner, by, model)
    return submit_remediation(finding.pk, "The column is gone; see run 7.", by=owner)


def last_entry() -> Entry:
    return Entry.objects.order_by("-id")[0]


def said(entry: Entry) -> dict[str, Any]:
    public: dict[str, Any] = parse(bytes(entry.body))["public"]
    return public


def assert_refused(attempted: str, problem: str) -> None:
    entry = last_entry()
    assert entry.event == "audit.action_refused"
    assert (said(entry)["attempted"], said(entry)["problem"]) == (attempted, problem)


def later(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def in_role(user: User, role: str) -> User:
    """The person with one role more, so that what refuses them is not that they lack it."""
    user.groups.add(Group.objects.get(name=role))
    return user
