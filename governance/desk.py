"""The admin's home page: what waits for me. Each part is shown to those who may read what it shows."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.queries import last_verification
from governance.clock import age, time_left
from governance.models import RetrainingCase
from governance.queries import desk
from governance.queries.accounts import permissions_of, roles_of
from governance.queries.cases import next_step, open_cases
from governance.queries.changes import changes_awaiting, open_changes
from governance.queries.incidents import open_incidents


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by unfold for the home page."""
    user, now = request.user, timezone.now()
    assert isinstance(user, User)
    held = permissions_of(user)
    return {
        **context,
        "roles": roles_of(user),
        "waiting": _waiting(user, now) if "governance.view_changerequest" in held else None,
        "cases": _cases(now) if "governance.view_retrainingcase" in held else None,
        "incidents": list(open_incidents()) if "governance.view_incident" in held else [],
        "alerts": _alerts(user, now) if "monitoring.view_alert" in held else None,
        "cards": desk.champion_cards(now) if "registry.view_modelversion" in held else None,
        "verification": _verification(now) if "audit.view_checkpoint" in held else None,
        "accounts": "governance.view_accounts" in held,
    }


def _waiting(user: User, now: datetime) -> dict[str, Any]:
    mine = changes_awaiting(user)
    return {
        "mine": [
            {
                "change": change,
                "age": age(change.requested_at, now),
                "left": time_left(change.expires_at, now),
                "page": reverse("governance_changerequest_approve", args=[change.pk]),
            }
            for change in mine
        ],
        "others": open_changes().count() - len(mine),
    }


def _cases(now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "case": case,
            "cause": case.cause.replace("_", " "),
            "state": case.state.replace("_", " "),
            "left": time_left(case.due_at, now),
            "percent": min(100, round(case.used_share(now) * 100)),
            "step": _step(case),
        }
        for case in open_cases()
    ]


def _step(case: RetrainingCase) -> str:
    name = next_step(case)
    return name.label.lower() if name else "stopped: a person must close it"


def _alerts(user: User, now: datetime) -> list[dict[str, Any]]:
    recent = desk.recent_alerts(user, now)
    return [{"alert": alert, "age": age(alert.detected_at, now)} for alert in recent]


def _verification(now: datetime) -> dict[str, Any]:
    found = last_verification()
    return {"last": found, "age": age(found.at, now) if found else ""}
