"""Named reads about findings: what is open, what is late, and what that keeps a version from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When

from governance.errors import NoSuchFinding, OpenFinding
from governance.models import Finding, FindingRestriction, OverdueFinding
from governance.oversight_policy import SEVERITIES, OversightPolicy
from registry.applicable import policies_for
from registry.models import ModelVersion, Policy, ScoringModel

State = Finding.State
OWNS = "governance.submit_remediation"
"""Who can be the owner of a finding."""
RESTRICTING = (Finding.Severity.CRITICAL, Finding.Severity.HIGH)
"""The severities whose being late restricts the use of what they are about."""


def finding_with(finding_id: UUID) -> Finding:
    """Raises NoSuchFinding."""
    finding = findings().filter(pk=finding_id).first()
    if finding is None:
        raise NoSuchFinding(f"There is no finding {finding_id}.")
    return finding


def findings() -> QuerySet[Finding]:
    """All findings, newest first, with what a reader asks for next."""
    return Finding.objects.select_related(
        "model", "version__model", "owner", "opened_by", "closed_by"
    ).prefetch_related("extensions__approved_by", "restrictions__restriction__lift")


def unclosed_findings() -> QuerySet[Finding]:
    """The most severe first, and among them those that run out of time first."""
    rank = Case(
        *[When(severity=name, then=Value(rank)) for rank, name in enumerate(SEVERITIES)],
        output_field=IntegerField(),
    )
    return findings().exclude(state=State.CLOSED).order_by(rank, "due_on", "pk")


def findings_about(version: ModelVersion) -> QuerySet[Finding]:
    """Those about this version, and those about every version of its model."""
    return unclosed_findings().filter(Q(version=version) | Q(version=None, model=version.model_id))


def require_no_blocking_finding(version: ModelVersion, now: datetime) -> None:
    """No critical finding is unclosed, and no high one is overdue. Raises OpenFinding naming the first that is."""
    late = Q(severity=Finding.Severity.HIGH, due_on__lt=now.date())
    blocking = findings_about(version).filter(Q(severity=Finding.Severity.CRITICAL) | late).first()
    if blocking is not None:
        raise OpenFinding(
            f"{version} is not promoted while a {blocking.severity} finding, due {blocking.due_on}, is "
            f"{blocking.state}: {blocking.title}"
        )


def newly_overdue(today: date) -> Iterator[Finding]:
    """High and critical findings that are late, where nobody noticed it for that due date."""
    noticed = OverdueFinding.objects.filter(finding=OuterRef("pk"), due_on=OuterRef("due_on"))
    late = unclosed_findings().filter(severity__in=RESTRICTING, due_on__lt=today)
    yield from late.filter(~Exists(noticed))


@dataclass(frozen=True)
class Measure:
    """What the policy in force says of the use of what a finding is about."""

    finding: Finding
    rule: str
    kind: str
    policy: Policy


def restrictions_to_place(now: datetime) -> Iterator[Measure]:
    """What findings ask for by the policies in force, and no restriction of theirs does yet."""
    restricting = list(unclosed_findings().filter(severity__in=RESTRICTING))
    models = ScoringModel.objects.filter(pk__in={finding.model_id for finding in restricting})
    policies = policies_for(Policy.Kind.OVERSIGHT, list(models), now)
    held = set(holding_restrictions().values_list("finding", "restriction__kind"))
    for finding in restricting:
        policy = policies.get(finding.model.name)
        if policy is None:
            continue
        is_late = finding.due_on < now.date()
        measure = OversightPolicy.from_json(policy.body).measure(finding.severity, is_late)
        if measure is not None and (finding.pk, measure[1]) not in held:
            yield Measure(finding, *measure, policy)


def holding_restrictions() -> QuerySet[FindingRestriction]:
    """The restrictions that findings led to and that nobody lifted."""
    return FindingRestriction.objects.filter(restriction__lift=None).select_related(
        "restriction__model", "restriction__version__model"
    )


def overdue_facts() -> QuerySet[OverdueFinding]:
    """The facts, oldest first, with the day they are still true of: a closed or extended finding is late no more."""
    return (
        OverdueFinding.objects.exclude(finding__state=State.CLOSED)
        .filter(finding__due_on=F("due_on"))
        .select_related("finding__model", "finding__version__model")
        .order_by("pk")
    )
