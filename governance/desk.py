"""The admin's home page: what waits for me. Each part is shown to those who may read what it shows."""

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.action import permissions_of
from audit.admin_parts import address
from audit.cases import holds_in_force, open_erasure_cases
from audit.queries import last_verification
from governance.clock import age, days_left, time_left
from governance.models import Finding, RetrainingCase
from governance.oversight_policy import SEVERITIES
from governance.queries import desk
from governance.queries.access import unanswered
from governance.queries.accounts import roles_of
from governance.queries.cases import next_step, open_cases
from governance.queries.changes import changes_awaiting, last_reminders, open_changes
from governance.queries.findings import unclosed_findings
from governance.queries.incidents import open_incidents
from governance.queries.oversight import (
    open_revalidations,
    overdue_attestations,
    without_oversight,
)
from governance.queries.recertification import undecided_roles, unfinished_recertifications
from serving.models import Decision
from serving.notices.due import counts as due_notices
from serving.notices.due import (
    for_a_person,
    texts_in_force,
    waiting_decisions,
    without_notice_policy,
)
from serving.reviews import open_reviews

OVERSIGHT = frozenset(
    {"governance.view_attestation", "governance.view_finding", "governance.view_revalidation"}
)
MOST_COUNTED = 1_000
"""How many cases at most are counted for a page that is loaded often."""
RIGHTS = frozenset({"audit.view_erasurecase", "audit.view_legalhold", "serving.handle_review"})


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by unfold for the home page."""
    user, now = request.user, timezone.now()
    assert isinstance(user, User)
    held = permissions_of(user)
    return {
        **context,
        "held": held,
        "roles": roles_of(user),
        "waiting": _waiting(user, now) if "governance.view_changerequest" in held else None,
        "cases": _cases(now) if "governance.view_retrainingcase" in held else None,
        "incidents": list(open_incidents()) if "governance.view_incident" in held else [],
        "oversight": _oversight(now, held) if OVERSIGHT & held else None,
        "notices": _notices(now, held) if "serving.view_decision" in held else None,
        "alerts": _alerts(user, now) if "monitoring.view_alert" in held else None,
        "cards": desk.champion_cards(now) if "registry.view_modelversion" in held else None,
        "verification": _verification(now) if "audit.view_checkpoint" in held else None,
        "rights": _rights(now.date(), held) if RIGHTS & held else None,
        "accounts": "governance.view_accounts" in held,
        "reviews": _reviews(now.date()) if "governance.view_recertification" in held else [],
    }


def _waiting(user: User, now: datetime) -> dict[str, Any]:
    mine = changes_awaiting(user)
    reminders = last_reminders(user)
    return {
        "mine": [
            {
                "change": change,
                "age": age(change.requested_at, now),
                "left": time_left(change.expires_at, now),
                "reminder": reminders.get(change.pk),
                "days_left": days_left(change.expires_at.date(), now.date()),
                "page": reverse("governance_changerequest_approve", args=[change.pk]),
            }
            for change in mine
        ],
        "others": open_changes().count() - len(mine),
    }


def _oversight(now: datetime, held: Collection[str]) -> dict[str, Any]:
    """Unclosed findings by severity and age, and what else is late or due, each with whoever it is late for."""
    today = now.date()
    found = list(unclosed_findings()) if "governance.view_finding" in held else []
    rows: list[dict[str, Any]] = []
    if "governance.view_attestation" in held:
        rows += [
            _clock("Attestation", model, due_on, today) | {"who": model.owner}
            for model, due_on in overdue_attestations(now)
        ]
    if "governance.view_revalidation" in held:
        rows += [
            _clock("Revalidation", row, row.due_on, today) | {"who": "a validator"}
            for row in open_revalidations()
        ]
    return {
        "counts": _counts(found),
        "findings": [
            _clock(finding.severity, finding, finding.due_on, today)
            | {"who": finding.owner, "state": finding.state, "age": age(finding.opened_at, now)}
            for finding in found
        ],
        "due": sorted(rows, key=lambda row: row["due_on"]),
        "without_policy": without_oversight(now),
    }


def _counts(found: list[Finding]) -> list[tuple[str, int]]:
    """How many there are of each severity, without those of which there is none."""
    severities = [finding.severity for finding in found]
    return [(name, severities.count(name)) for name in SEVERITIES if name in severities]


def _rights(today: date, held: Collection[str]) -> list[dict[str, Any]]:
    """People's requests and legal holds whose clock runs, for those who may see them."""
    rows: list[dict[str, Any]] = []
    if "audit.view_erasurecase" in held:
        rows += [
            _clock("Erasure", case, case.answer_due_on, today) for case in open_erasure_cases()
        ]
    if "governance.view_accessrequest" in held:
        rows += [_clock("Access", request, request.due_on, today) for request in unanswered()]
    if "serving.handle_review" in held:
        rows += [
            _clock("Contested decision", review, review.due_on, today)
            for review in open_reviews()
            if review.due_on
        ]
    if "audit.view_legalhold" in held:
        rows += [_clock("Review of hold", hold, hold.review_on, today) for hold in holds_in_force()]
    return sorted(rows, key=lambda row: row["due_on"])


def _reviews(today: date) -> list[dict[str, Any]]:
    """Reviews of roles in which something is undecided, with how much."""
    waiting = Counter(undecided_roles().values_list("recertification", flat=True))
    return [
        _clock(f"{waiting[row.pk]} to decide", row, row.due_on, today)
        for row in unfinished_recertifications()
    ]


def _notices(now: datetime, held: Collection[str]) -> dict[str, Any]:
    """How many applicants were still to be told at the last look, and which models have no words to tell them with."""
    decides = "serving.resolve_decision" in held
    waiting = waiting_decisions(texts_in_force(now), now) if decides else Decision.objects.none()
    to_decide = for_a_person(waiting).order_by()[: MOST_COUNTED + 1].count()
    return {
        "counts": due_notices(),
        "to_decide": min(to_decide, MOST_COUNTED),
        "more": to_decide > MOST_COUNTED,
        "without_policy": without_notice_policy(now),
    }


def _clock(what: str, row: Model, due_on: date, today: date) -> dict[str, Any]:
    return {
        "what": what,
        "row": row,
        "page": address(row),
        "due_on": due_on,
        "left": days_left(due_on, today),
        "is_late": due_on < today,
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
