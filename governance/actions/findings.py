"""The life of a finding: opened with its due date, put right by its owner, closed by somebody else."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from audit.action import action, holds, record
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem
from governance.errors import (
    DeveloperCannotJudge,
    FindingClosed,
    FindingMalformed,
    FindingNotOpen,
    FindingNotOverdue,
    FindingNotRemediated,
    FindingRestrictsNothing,
    NoSuchFinding,
    NotTheOwner,
    OwnerCannotDecide,
)
from governance.events import Event
from governance.models import Finding, FindingExtension, FindingRestriction, OverdueFinding
from governance.queries.findings import (
    OWNS,
    RESTRICTING,
    holding_restrictions,
    restrictions_to_place,
)
from governance.queries.oversight import developers_of
from governance.queries.policies import oversight_policy
from governance.words import require_words
from registry.actions.restrictions import lift_restriction, restrict_use
from registry.models import ModelVersion, ScoringModel

State = Finding.State
Rule = FindingRestriction.Rule


@dataclass(frozen=True)
class Deficiency:
    """What was found, in whom it is to be put right, and by when at the latest.

    Without a version it is about every version of the model. Without `due_on` the policy's days count.
    """

    severity: str
    category: str
    title: str
    evidence: str
    owner: User
    root_cause: str = ""
    version: ModelVersion | None = None
    due_on: date | None = None
    is_repeat: bool = False


@action(Event.FINDING_OPENED, needs="governance.open_finding")
def open_finding(model: ScoringModel, found: Deficiency, *, by: User) -> Finding:
    """Open a finding; its due date is the policy's for its severity, or an earlier one.

    Raises FindingMalformed naming every bad field, or NoOversightPolicy.
    """
    now = timezone.now()
    if problems := _text_problems(model, found):
        raise FindingMalformed("The finding cannot be opened; see `errors`.", errors=problems)
    policy, oversight = oversight_policy(model, now)
    latest = now.date() + timedelta(days=oversight.finding_days[found.severity])
    due_on = found.due_on or latest
    if not now.date() <= due_on <= latest:
        detail = f"Must lie between today and {latest}; more time is an extension."
        problem = FieldProblem("due_on", "out_of_range", detail)
        raise FindingMalformed("The due date is not what the policy allows.", errors=[problem])
    _wait_for_promotions(model, found.version)
    finding = Finding(
        model=model,
        version=found.version,
        severity=found.severity,
        category=found.category,
        title=found.title,
        evidence=found.evidence,
        root_cause=found.root_cause,
        is_repeat=found.is_repeat,
        owner=found.owner,
        policy=policy,
        due_on=due_on,
        opened_by=by,
        opened_at=now,
    )
    finding.entry = record(
        subject=finding,
        model=model.name,
        version=found.version.number if found.version else None,
        severity=found.severity,
        category=found.category,
        title=found.title,
        evidence=found.evidence,
        root_cause=found.root_cause,
        is_repeat=found.is_repeat,
        owner=found.owner.get_username(),
        due_on=due_on,
        policy=str(policy),
        policy_sha256=policy.sha256,
    )
    finding.save(force_insert=True)
    if found.severity == Finding.Severity.CRITICAL:
        send_on_commit("governance.restrict_for_findings")
    return finding


@action(Event.FINDING_REMEDIATED, needs=OWNS)
def submit_remediation(finding_id: UUID, remediation: str, *, by: User) -> Finding:
    """The owner says how it was put right. Raises NoSuchFinding, FindingNotOpen, NotTheOwner or RationaleMissing."""
    finding = _locked(finding_id)
    if finding.state != State.OPEN:
        raise FindingNotOpen(f"The finding is {finding.state}, not open.")
    if finding.owner_id != by.pk:
        raise NotTheOwner(f"{finding.owner} owns this finding; only they say how it was put right.")
    require_words("remediation", remediation, "Say what was done, and where the evidence is.")
    finding.state, finding.remediation = State.REMEDIATED, remediation
    finding.remediated_at = timezone.now()
    finding.save(update_fields=["state", "remediation", "remediated_at"])
    record(subject=finding, model=finding.model.name, remediation=remediation)
    return finding


@action(Event.FINDING_REMEDIATION_REJECTED, needs="governance.close_finding")
def reject_remediation(finding_id: UUID, reason: str, *, by: User) -> Finding:
    """Send a finding back to its owner; the due date stays.

    Raises NoSuchFinding, FindingNotRemediated, OwnerCannotDecide, DeveloperCannotJudge or RationaleMissing.
    """
    finding = _judged(finding_id, by)
    require_words("reason", reason, "Say what is still wrong.")
    finding.state, finding.rejection = State.OPEN, reason
    finding.save(update_fields=["state", "rejection"])
    record(subject=finding, model=finding.model.name, reason=reason)
    return finding


@action(Event.FINDING_CLOSED, needs="governance.close_finding")
def close_finding(finding_id: UUID, rationale: str, *, by: User) -> Finding:
    """Close a finding that was put right, on the word of somebody who neither owns nor developed it.

    What it restricted is lifted with it. Raises NoSuchFinding, FindingNotRemediated, OwnerCannotDecide,
    DeveloperCannotJudge or RationaleMissing.
    """
    finding = _judged(finding_id, by)
    require_words("rationale", rationale, "Say what was checked.")
    finding.state, finding.closed_by, finding.closed_at = State.CLOSED, by, timezone.now()
    finding.closing_rationale = rationale
    finding.save(update_fields=["state", "closed_by", "closed_at", "closing_rationale"])
    record(
        subject=finding,
        model=finding.model.name,
        rationale=rationale,
        remediation=finding.remediation,
    )
    _lift(holding_restrictions().filter(finding=finding), f"{finding} is closed.", by)
    return finding


@action(Event.FINDING_EXTENDED, needs="governance.extend_finding")
def extend_finding(finding_id: UUID, due_on: date, reason: str, *, by: User) -> FindingExtension:
    """Give a finding more time; what its being late restricted is lifted.

    Raises NoSuchFinding, FindingClosed, OwnerCannotDecide, RationaleMissing, FindingMalformed, or LifterIsDeveloper
    where a restriction would be lifted by whoever developed what it limits.
    """
    finding, now = _locked(finding_id), timezone.now()
    if finding.state == State.CLOSED:
        raise FindingClosed("The finding is closed and needs no more time.")
    if finding.owner_id == by.pk:
        raise OwnerCannotDecide(f"{by} owns this finding and cannot also extend it.")
    require_words("reason", reason, "Say why it needs more time.")
    if due_on <= max(finding.due_on, now.date()):
        detail = f"Must be after {max(finding.due_on, now.date())}."
        problem = FieldProblem("due_on", "out_of_range", detail)
        raise FindingMalformed("An extension gives more time.", errors=[problem])
    entry = record(
        subject=finding,
        model=finding.model.name,
        was_due_on=finding.due_on,
        due_on=due_on,
        reason=reason,
        extensions=finding.extensions.count() + 1,
    )
    extension = FindingExtension.objects.create(
        finding=finding,
        was_due_on=finding.due_on,
        due_on=due_on,
        reason=reason,
        approved_by=by,
        approved_at=now,
        entry=entry,
    )
    finding.due_on = due_on
    finding.save(update_fields=["due_on"])
    late = holding_restrictions().filter(finding=finding, rule=Rule.HIGH_OVERDUE)
    _lift(late, f"{finding} got more time, until {due_on}.", by)
    return extension


@action(Event.FINDING_RESTRICTED, needs="governance.watch_clock")
def restrict_for_finding(finding_id: UUID, *, by: User) -> FindingRestriction:
    """Restrict the use of what a finding is about, as the oversight policy in force says.

    Raises NoSuchFinding or FindingRestrictsNothing.
    """
    finding = _locked(finding_id)
    measures = restrictions_to_place(timezone.now())
    measure = next((each for each in measures if each.finding.pk == finding.pk), None)
    if measure is None:
        raise FindingRestrictsNothing(f"{finding} asks for no restriction that is not there.")
    policy = measure.policy
    why = f"{finding.severity} finding, due {finding.due_on}: {finding.title} ({measure.rule} of {policy})"
    restriction = restrict_use(finding.about, measure.kind, {}, why, by=by)
    return FindingRestriction.objects.create(
        finding=finding,
        restriction=restriction,
        rule=measure.rule,
        policy=policy,
        entry=record(
            subject=finding,
            model=finding.model.name,
            severity=finding.severity,
            due_on=finding.due_on,
            rule=measure.rule,
            kind=measure.kind,
            restriction=restriction.pk,
            policy=str(policy),
            policy_sha256=policy.sha256,
        ),
    )


@action(Event.FINDING_OVERDUE, needs="governance.watch_clock")
def notice_overdue_finding(finding_id: UUID, *, by: User) -> OverdueFinding:
    """Leave the fact that a high or critical finding is late, once for each due date.

    Raises NoSuchFinding or FindingNotOverdue.
    """
    finding, now = _locked(finding_id), timezone.now()
    is_late = finding.state != State.CLOSED and finding.due_on < now.date()
    if not is_late or finding.severity not in RESTRICTING:
        raise FindingNotOverdue(f"{finding} is {finding.severity}, {finding.state}, due {finding.due_on}.")  # fmt: skip
    if finding.missed.filter(due_on=finding.due_on).exists():
        raise FindingNotOverdue(f"That {finding} was due {finding.due_on} is known.")
    entry = record(
        subject=finding,
        model=finding.model.name,
        severity=finding.severity,
        owner=finding.owner.get_username(),
        due_on=finding.due_on,
    )
    return OverdueFinding.objects.create(
        finding=finding, due_on=finding.due_on, noticed_at=now, entry=entry
    )


def _lift(placed: QuerySet[FindingRestriction], reason: str, by: User) -> None:
    for each in list(placed):
        lift_restriction(each.restriction, reason, by=by)


def _text_problems(model: ScoringModel, found: Deficiency) -> list[FieldProblem]:
    problems = [
        FieldProblem(name, "missing", "Must not be empty.")
        for name in ("category", "title", "evidence")
        if not getattr(found, name).strip()
    ]
    if found.severity not in Finding.Severity.values:
        detail = f"One of {', '.join(Finding.Severity.values)}."
        problems.append(FieldProblem("severity", "unknown", detail))
    if not holds(found.owner, OWNS):
        detail = f"{found.owner} holds no role that can put a finding right."
        problems.append(FieldProblem("owner", "not_permitted", detail))
    if found.version is not None and found.version.model_id != model.pk:
        problems.append(FieldProblem("version", "unknown", f"Is no version of {model}."))
    return problems


def _wait_for_promotions(model: ScoringModel, version: ModelVersion | None) -> None:
    """An approval holds the version's row: it ends before the finding is there, or sees it."""
    rows = ModelVersion.objects.select_for_update(no_key=True).filter(model=model).order_by("pk")
    list(rows.filter(pk=version.pk) if version else rows)


def _locked(finding_id: UUID) -> Finding:
    finding = Finding.objects.select_for_update().filter(pk=finding_id).first()
    if finding is None:
        raise NoSuchFinding(f"There is no finding {finding_id}.")
    return finding


def _judged(finding_id: UUID, by: User) -> Finding:
    finding = _locked(finding_id)
    if finding.state != State.REMEDIATED:
        raise FindingNotRemediated(f"The finding is {finding.state}, not remediated.")
    if finding.owner_id == by.pk:
        raise OwnerCannotDecide(f"{by} owns this finding and cannot also judge its remediation.")
    made_it = {finding.version.developed_by_id} if finding.version else developers_of(finding.model)
    if by.pk in made_it:
        raise DeveloperCannotJudge(f"{by} developed {finding.about} and cannot judge a finding about it.")  # fmt: skip
    return finding
