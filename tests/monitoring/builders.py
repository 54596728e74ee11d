"""Rows of monitoring for tests of any floor, made by its own acts."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from audit.errors import Refusal
from audit.queries import service_account
from monitoring.actions.protected_values import record_demographics, record_protected_values
from monitoring.actions.reports import make_report
from monitoring.drafting.drafts import Draft
from monitoring.drafting.reports import draft_report
from monitoring.models import Report
from registry.models import ModelVersion, Policy
from serving.actions.decisions import decide_batch
from serving.actions.outcomes import record_outcomes
from serving.models import Decision
from tests.registry import applicants
from tests.registry import builders as registry
from tests.serving.builders import a_champion, the_client

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
POLICY_BODY: dict[str, Any] = {
    "window_days": 30,
    "drift": {
        "bins": 10,
        "minimum_current": 100,
        "minimum_reference": 200,
        "ks_watch": 0.10,
        "ks_breach": 0.15,
        "ks_critical": 0.30,
        "psi_watch": 0.10,
        "psi_breach": 0.25,
        "mean_shift_breach": 0.1,
        "mean_shift_relative_watch": 0.2,
        "missing_watch": 0.02,
        "missing_breach": 0.05,
        "tier_1_features": None,
        "persistence": {"needed": 2, "of": 3},
    },
    "fairness": {
        "attributes": {
            "sex": {"control": "men", "men": {"sex": "m"}, "women": {"sex": "f"}},
            "age": {
                "control": "25 to 61",
                "under 25": {"column": "age", "to": 25},
                "25 to 61": {"column": "age", "from": 25, "to": 62},
                "62 and over": {"column": "age", "from": 62},
            },
        },
        "air_breach": 0.80,
        "air_watch": 0.90,
        "minimum_shown": 30,
        "minimum_cell": 5,
        "minimum_verdict": 100,
        "significance": 0.05,
        "smd_watch": 0.30,
    },
    "performance": {
        "minimum_matured": 100,
        "accuracy_breach": 0.60,
        "auc_breach": 0.60,
        "observed_expected_low": 0.8,
        "observed_expected_high": 1.25,
    },
}


def a_policy_body(**changes: dict[str, Any]) -> dict[str, Any]:
    """The body of a monitoring policy; changes are by section, such as drift={"ks_breach": 0.2}."""
    body = deepcopy(POLICY_BODY)
    for section, values in changes.items():
        body[section] |= values
    return body


def a_monitored_champion(**changes: dict[str, Any]) -> ModelVersion:
    """A champion whose model has a monitoring policy in force."""
    version = a_champion()
    a_monitoring_policy(version, **changes)
    return version


def a_monitoring_policy(version: ModelVersion, **changes: dict[str, Any]) -> Policy:
    return registry.a_policy("monitoring", a_policy_body(**changes), name=version.model.name)


def applications(rows: int, *, seed: int = 5, riskier: bool = False) -> list[dict[str, Any]]:
    """Decision requests drawn from the frame that models are trained on, or from its riskier part."""
    frame = applicants.a_frame()
    weights = frame["dti"] ** 3 if riskier else None
    drawn = frame.sample(rows, replace=True, weights=weights, random_state=seed)
    features = drawn.drop(columns=["row_id", "bad"])
    return [
        {
            "application_ref": f"A-{seed}-{riskier}-{place}",
            "subject_ref": f"C-{seed}-{riskier}-{place}",
            "features": {name: _plain(value) for name, value in row.items()},
        }
        for place, row in enumerate(features.to_dict("records"))
    ]


def decided(version: ModelVersion, rows: int = 120, **drawn: Any) -> list[Decision]:
    """Decisions of the champion about applicants of the frame."""
    results = decide_batch(version.model.name, applications(rows, **drawn), by=the_client())
    assert not isinstance(results, Refusal), results
    decisions = [result for result in results if not isinstance(result, Refusal)]
    assert len(decisions) == rows
    return decisions


def labelled(decisions: list[Decision], *, matured: bool = True, seed: int = 3) -> None:
    """Outcomes that go bad as often as the predicted pd says."""
    generator = np.random.default_rng(seed)
    results = record_outcomes(
        [
            {
                "decision_id": str(decision.pk),
                "bad": bool(generator.random() < decision.observation.pd),
                "observed_on": timezone.now().date().isoformat(),
                "months_on_book": 12,
                "matured": matured,
                "source": "tests",
            }
            for decision in decisions
        ],
        by=the_client(),
    )
    assert not any(isinstance(result, Refusal) for result in results), results


def known_demographics(rows: int, *, by: User, seed: int = 5, riskier: bool = False) -> None:
    """Sex and age of the people behind `decided` with the same arguments, half of each sex."""
    refused = record_demographics(
        [
            {
                "subject_ref": f"C-{seed}-{riskier}-{place}",
                "values": {"sex": "mf"[place % 2], "age": 20 + place % 50},
            }
            for place in range(rows)
        ],
        by=by,
        client=the_client().get_username(),
    )
    assert not any(refused), refused


def disparate_demographics(decisions: list[Decision], *, by: User) -> None:
    """The sex of the people behind `decided`: most of those who were not approved are women."""
    refused = record_demographics(
        [
            {"subject_ref": f"C-5-False-{place}", "values": {"sex": "f" if woman else "m"}}
            for place, decision in enumerate(decisions)
            for woman in [place % 3 == 0 or (decision.outcome != "approved" and place % 10)]
        ],
        by=by,
        client=the_client().get_username(),
    )
    assert not any(refused), refused


def known_rows(version: ModelVersion, *, by: User) -> None:
    """Sex and age of every row that the version was trained on."""
    record_protected_values(
        version.dataset.sha256,
        {
            str(row): {"sex": "mf"[row % 2], "age": 20 + row % 50}
            for row in range(1, version.dataset.rows + 1)
        },
        by=by,
    )


def a_draft(version: ModelVersion, kind: str = "drift", **options: Any) -> Draft:
    """A draft over everything that was decided until now."""
    now = timezone.now()
    return draft_report(
        version.model.name,
        kind,
        options.pop("start", LONG_AGO),
        options.pop("end", now),
        as_of=now,
        reader=the_monitor(),
        **options,
    )


def a_report(version: ModelVersion, kind: str = "drift", **options: Any) -> Report:
    return make_report(a_draft(version, kind, **options), by=the_monitor())


def the_monitor() -> User:
    """The service account that monitors by itself."""
    return service_account("monitor")


def the_supplier() -> User:
    """Whoever may supply protected attributes: a fair-lending analyst."""
    user, made = User.objects.get_or_create(username="supplier")
    if made:
        user.groups.add(Group.objects.get(name="fair-lending analyst"))
    return user


def with_monitoring(user: User, *codenames: str) -> User:
    """The user, who holds these permissions of monitoring through a group."""
    group, _ = Group.objects.get_or_create(name=f"monitoring of {user.get_username()}")
    group.permissions.add(
        *Permission.objects.filter(content_type__app_label="monitoring", codename__in=codenames)
    )
    user.groups.add(group)
    return user


def ago(**amount: float) -> datetime:
    return timezone.now() - timedelta(**amount)


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
