"""A gate policy rehearsed on the versions that were measured before, beside the policy in force."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from governance.errors import NoGatePolicy, NotAGatePolicy
from governance.gate_policy import Check, read_policy
from governance.gates import passed
from governance.models import GateReport
from governance.queries.policies import gate_policy
from governance.rehearsal import Rehearsed, blocked_by, rehearse
from registry.applicable import FOR_ALL_MODELS
from registry.models import Policy, ScoringModel


@dataclass(frozen=True)
class Rehearsal:
    """What policies say of one report: the proposed one, and the one in force for its model (None: there is none)."""

    report: GateReport
    proposed: list[Rehearsed]
    policy_in_force: Policy | None
    in_force: list[Rehearsed] | None

    @property
    def passes(self) -> bool:
        return passed(self.proposed)

    @property
    def blocked_by(self) -> list[str]:
        return blocked_by(self.proposed)

    @property
    def not_measured(self) -> list[str]:
        """The proposed checks that the report does not hold."""
        return list(dict.fromkeys(each.check for each in self.proposed if not each.measured))

    @property
    def passes_in_force(self) -> bool | None:
        return None if self.in_force is None else passed(self.in_force)

    @property
    def blocked_in_force_by(self) -> list[str]:
        return blocked_by(self.in_force or [])


def rehearsals(policy: Policy, at: datetime, model: ScoringModel | None = None) -> list[Rehearsal]:
    """The latest report of every version that the policy would govern, newest first.

    Raises NotAGatePolicy or GatePolicyMalformed.
    """
    if policy.kind != Policy.Kind.GATE:
        raise NotAGatePolicy(
            f"{policy} is no gate policy and says nothing about a measured version."
        )
    checks = read_policy(policy.body)
    return [_rehearsal(report, checks, at) for report in _latest_reports(policy, model)]


def _latest_reports(policy: Policy, model: ScoringModel | None) -> Iterator[GateReport]:
    reports = GateReport.objects.select_related("version__model", "policy").order_by("-id")
    if policy.name != FOR_ALL_MODELS:
        reports = reports.filter(version__model__name=policy.name)
    if model is not None:
        reports = reports.filter(version__model=model)
    seen: set[int] = set()
    for report in reports:
        if report.version_id not in seen:
            seen.add(report.version_id)
            yield report


def _rehearsal(report: GateReport, checks: tuple[Check, ...], at: datetime) -> Rehearsal:
    taken = read_policy(report.policy.body)
    try:
        now = gate_policy(report.version.model, at)
    except NoGatePolicy:
        return Rehearsal(report, rehearse(report.results, taken, checks), None, None)
    return Rehearsal(
        report,
        rehearse(report.results, taken, checks),
        now,
        rehearse(report.results, taken, read_policy(now.body)),
    )
