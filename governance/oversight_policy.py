"""How soon findings are answered, and how often models are attested and revalidated: as people approved it. Pure.

{"finding_days": {"critical": 0, "high": 30, "medium": 90, "low": 180},
 "attestation_months": {"1": 6, "2": 12, "3": 12}, "revalidation_months": {"1": 12, "2": 24, "3": 36}}

Further parts may be left out, and then nothing of theirs is done: `tier_change_days` (by the new tier, until a model
is validated again), `materiality` (`governance.materiality`) and what findings do to use in production:

{"restriction": {"critical_open": "suspend", "high_overdue": "refer"}}

`recertification_days` counts in the policy for all models: so long has a quarter's review of who holds which role.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from governance.errors import OversightPolicyMalformed
from governance.materiality import MaterialityRules, materiality_problems

SEVERITIES = ("critical", "high", "medium", "low")
TIERS = ("1", "2", "3")
# Each part with its keys, and the least and most that each may say.
PARTS = {
    "finding_days": (SEVERITIES, 0, 3660),
    "attestation_months": (TIERS, 1, 120),
    "revalidation_months": (TIERS, 1, 120),
}
OPTIONAL_PARTS = {"tier_change_days": (TIERS, 0, 3660)}
RESTRICTING_RULES = {"critical_open": "critical", "high_overdue": "high"}
"""Each rule by which a finding restricts use, with the severity that it is about."""
MEASURES = {"none": None, "refer": "refer_all", "suspend": "no_new_decisions"}
"""What a rule may say, and the kind of use restriction that it means."""
LONGEST_REVIEW_DAYS = 90
OTHERS = frozenset({"materiality", "recertification_days", "restriction"})


@dataclass(frozen=True)
class OversightPolicy:
    """The body of a policy of kind `oversight`, read and checked: days by severity or tier, calendar months by tier."""

    finding_days: Mapping[str, int]
    attestation_months: Mapping[str, int]
    revalidation_months: Mapping[str, int]
    tier_change_days: Mapping[str, int]
    restriction: Mapping[str, str]
    materiality: MaterialityRules | None
    recertification_days: int | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Raises OversightPolicyMalformed naming everything wrong with the body at once."""
        problems = list(_problems(body))
        if problems:
            raise OversightPolicyMalformed("The oversight policy cannot be used.", errors=problems)
        material = body.get("materiality")
        return cls(
            **{name: dict(body[name]) for name in PARTS},
            **{name: dict(body.get(name, {})) for name in OPTIONAL_PARTS},
            restriction=dict(body.get("restriction", {})),
            materiality=None if material is None else MaterialityRules.from_json(material),
            recertification_days=body.get("recertification_days"),
        )

    def measure(self, severity: str, is_late: bool) -> tuple[str, str] | None:
        """The rule that an unclosed finding falls under and the kind of use restriction it means, or None."""
        for rule, restricts in RESTRICTING_RULES.items():
            kind = MEASURES[self.restriction.get(rule, "none")]
            if kind and severity == restricts and (is_late or rule == "critical_open"):
                return rule, kind
        return None


def _problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    said = {name: limits for name, limits in OPTIONAL_PARTS.items() if name in body}
    for name, (keys, least, most) in (PARTS | said).items():
        part = body.get(name)
        if not isinstance(part, Mapping):
            yield FieldProblem(name, "missing", f"Is required, with {', '.join(keys)}.")
            continue
        for key in keys:
            value = part.get(key)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                detail = f"Is required: a whole number from {least} to {most}."
                yield FieldProblem(f"{name}.{key}", "malformed", detail)
        for key in sorted(set(part) - set(keys)):
            yield FieldProblem(f"{name}.{key}", "unexpected", "No such setting.")
    if "materiality" in body:
        yield from materiality_problems(body["materiality"])
    days = body.get("recertification_days", 1)
    if type(days) is not int or not 1 <= days <= LONGEST_REVIEW_DAYS:
        detail = f"Must be a whole number from 1 to {LONGEST_REVIEW_DAYS}."
        yield FieldProblem("recertification_days", "malformed", detail)
    if "restriction" in body:
        yield from _restriction_problems(body["restriction"])
    for name in sorted(set(body) - set(PARTS) - set(OPTIONAL_PARTS) - OTHERS):
        yield FieldProblem(name, "unexpected", "No such setting.")


def _restriction_problems(part: object) -> Iterator[FieldProblem]:
    if not isinstance(part, Mapping):
        yield FieldProblem("restriction", "malformed", "Must be a table.")
        return
    for rule in RESTRICTING_RULES:
        if part.get(rule) not in MEASURES:
            yield FieldProblem(f"restriction.{rule}", "malformed", f"One of {', '.join(MEASURES)}.")
    for rule in sorted(set(part) - set(RESTRICTING_RULES)):
        yield FieldProblem(f"restriction.{rule}", "unexpected", "No such rule.")
