"""How soon findings are answered, and how often models are attested and revalidated: as people approved it. Pure.

{"finding_days": {"critical": 0, "high": 30, "medium": 90, "low": 180},
 "attestation_months": {"1": 6, "2": 12, "3": 12}, "revalidation_months": {"1": 12, "2": 24, "3": 36}}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from governance.errors import OversightPolicyMalformed

SEVERITIES = ("critical", "high", "medium", "low")
TIERS = ("1", "2", "3")
# Each part with its keys, and the least and most that each may say.
PARTS = {
    "finding_days": (SEVERITIES, 0, 3660),
    "attestation_months": (TIERS, 1, 120),
    "revalidation_months": (TIERS, 1, 120),
}


@dataclass(frozen=True)
class OversightPolicy:
    """The body of a policy of kind `oversight`, read and checked: days by severity, calendar months by tier."""

    finding_days: Mapping[str, int]
    attestation_months: Mapping[str, int]
    revalidation_months: Mapping[str, int]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Raises OversightPolicyMalformed naming everything wrong with the body at once."""
        problems = list(_problems(body))
        if problems:
            raise OversightPolicyMalformed("The oversight policy cannot be used.", errors=problems)
        return cls(**{name: dict(body[name]) for name in PARTS})


def _problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name, (keys, least, most) in PARTS.items():
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
    for name in sorted(set(body) - set(PARTS)):
        yield FieldProblem(name, "unexpected", "No such setting.")
