"""Conditions of approvals: what may be asked of whom by when, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet

from audit.action import holds
from audit.errors import FieldProblem
from governance.errors import ConditionMalformed, ConditionOverdue
from governance.models import ApprovalCondition, ChangeRequest, Finding
from governance.queries.findings import OWNS
from governance.queries.policies import oversight_policy

SEVERITY = Finding.Severity.HIGH
"""What an unmet condition becomes: overdue, it restricts use as every high finding does."""
MOST_CONDITIONS = 20


@dataclass(frozen=True)
class Condition:
    """What must be done about the version, by whom, and by when at the latest."""

    text: str
    owner: User
    due_on: date


def conditions_of(change: ChangeRequest) -> QuerySet[ApprovalCondition]:
    """In the order in which they were set, with the findings that they became."""
    return ApprovalCondition.objects.filter(approval__change_request=change).select_related(
        "owner", "approval__approver", "opened_as__finding"
    )


def require_conditions(
    change: ChangeRequest, conditions: Sequence[Condition], now: datetime
) -> None:
    """Raises ConditionMalformed naming every bad field, or NoOversightPolicy, which says when findings are due."""
    if not conditions:
        return
    if change.version is None:
        raise ConditionMalformed("Conditions are set about a version, and this change is about none.")  # fmt: skip
    if len(conditions) > MOST_CONDITIONS:
        raise ConditionMalformed(f"At most {MOST_CONDITIONS} conditions are set at once.")
    _, oversight = oversight_policy(change.version.model, now)
    latest = now.date() + timedelta(days=oversight.finding_days[SEVERITY])
    problems = [
        problem
        for place, condition in enumerate(conditions)
        for problem in _problems(f"conditions.{place}", condition, now.date(), latest)
    ]
    if problems:
        raise ConditionMalformed("The conditions cannot be set; see `errors`.", errors=problems)


def require_in_time(change: ChangeRequest, today: date) -> None:
    """No condition of the change was due before it is granted. Raises ConditionOverdue."""
    late = conditions_of(change).filter(due_on__lt=today).first()
    if late is not None:
        raise ConditionOverdue(
            f"A condition of {change} was due on {late.due_on}, before it could be granted. Ask for the change again."
        )


def _problems(where: str, condition: Condition, today: date, latest: date) -> list[FieldProblem]:
    found = []
    if not condition.text.strip():
        found.append(FieldProblem(f"{where}.text", "missing", "Say what must be done."))
    if not holds(condition.owner, OWNS):
        detail = f"{condition.owner} holds no role that can put a finding right."
        found.append(FieldProblem(f"{where}.owner", "not_permitted", detail))
    if not today <= condition.due_on <= latest:
        detail = f"Must lie between today and {latest}, as for a {SEVERITY} finding."
        found.append(FieldProblem(f"{where}.due_on", "out_of_range", detail))
    return found
