"""Conditions of an approval become findings when the change is granted."""

from django.contrib.auth.models import User

from audit.action import action, record
from governance.actions.findings import Deficiency, open_finding
from governance.events import Event
from governance.models import ApprovalCondition, ConditionFinding
from governance.queries.conditions import SEVERITY

LONGEST_TITLE = 200


@action(Event.CONDITION_OPENED, needs="governance.open_finding")
def open_condition(condition: ApprovalCondition, *, by: User) -> ConditionFinding:
    """Open the finding that its owner puts right by the day that was set.

    Raises what `open_finding` raises, among it FindingMalformed where the owner's role was taken meanwhile.
    """
    approval = condition.approval
    change = approval.change_request
    version = change.version
    assert version is not None
    found = Deficiency(
        severity=SEVERITY,
        category="condition of approval",
        title=f"Condition: {' '.join(condition.text.split())}"[:LONGEST_TITLE],
        evidence=f"{approval.approver.get_username()} approved {change} on condition: {condition.text}",
        owner=condition.owner,
        version=version,
        due_on=condition.due_on,
    )
    finding = open_finding(version.model, found, by=by)
    entry = record(
        subject=change,
        condition=condition.text,
        owner=condition.owner.get_username(),
        due_on=condition.due_on,
        approval_entry=approval.entry_id,
        finding=finding.pk,
    )
    return ConditionFinding.objects.create(condition=condition, finding=finding, entry=entry)
