"""Rows of serving for tests of any floor, made by its own acts."""

from itertools import count
from typing import Any

from django.contrib.auth.models import Group, Permission, User

from audit.errors import Refusal
from registry.models import ModelVersion, Policy
from serving.actions.decisions import decide
from serving.models import Decision
from tests.registry import builders as registry

_numbers = count(1)

GOOD = {"dti": 4.0, "income": 250_000.0, "delinquencies": 0, "homeowner": True, "purpose": "car"}
BAD = {
    "dti": 70.0,
    "income": 18_000.0,
    "delinquencies": 6,
    "homeowner": False,
    "purpose": "medical",
}


GUARD_RAILS = {
    "evaluate_minutes": 5,
    "window_minutes": 1440,
    "least_decisions": 20,
    "most_errors_percent": 1.0,
    "most_latency_ratio": 50.0,
    "approval_rate_points": 20.0,
    "reason_mix_psi": 1.0,
}


def guard_rails(**changes: float) -> Policy:
    """An adopted serving policy for all models with these guard rails."""
    return registry.a_policy("serving", {"rollout": {**GUARD_RAILS, **changes}}, name="default")


def an_application(
    application_ref: str | None = None, subject_ref: str | None = None, **features: Any
) -> dict[str, Any]:
    """The body of a decision request by an ordinary applicant, with changed features."""
    number = next(_numbers)
    return {
        "application_ref": application_ref or f"A-{number:05}",
        "subject_ref": subject_ref or f"C-{number}",
        "features": registry.an_application(**features),
    }


def a_champion(**version: Any) -> ModelVersion:
    """A version in production with a live clearance."""
    return registry.a_version(stage="production", **version)


def a_decision(
    version: ModelVersion | None = None, *, by: User | None = None, **features: Any
) -> Decision:
    """A decision by the champion, asked for by a scoring client."""
    champion = version or a_champion()
    decision = decide(champion.model.name, an_application(**features), by=by or the_client())
    assert not isinstance(decision, Refusal), decision
    return decision


def the_client() -> User:
    """A lending system that may have applications decided and report how they turned out."""
    client, made = User.objects.get_or_create(username="lending of the tests")
    if made:
        group, _ = Group.objects.get_or_create(name="scoring of the tests")
        group.permissions.set(
            Permission.objects.filter(
                content_type__app_label="serving", codename__in=["decide", "record_outcome"]
            )
        )
        client.groups.add(group)
    return client
