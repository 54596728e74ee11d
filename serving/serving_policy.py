"""How decisions are served, as people approved it: the policy of kind `serving`, a model's own or the one for all. Pure.

{"explanations": {"most_table_mib": 256}, "replay": {"nightly_sample": 50}, "probes": {"minutes": 5},
 "overrides": {"watch": 0.05, "breach": 0.1}, "reviews": {"months": 1, "alert_days_before": 7},
 "rollout": {"evaluate_minutes": 5, "window_minutes": 1440, "least_decisions": 50, "most_errors_percent": 1.0,
             "most_latency_ratio": 2.0, "approval_rate_points": 5.0, "reason_mix_psi": 0.25},
 "limits": {"requests_per_minute": 600, "decisions_per_minute": 20000}}

Each part may be left out; whoever follows a part says beside it what holds without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from serving.errors import ServingPolicyMalformed

PARTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "explanations": {"most_table_mib": (1, 65_536)},
    "replay": {"nightly_sample": (1, 2_000)},
    "probes": {"minutes": (1, 1_440)},
    "overrides": {"watch": (0.0, 1.0), "breach": (0.0, 1.0)},
    "reviews": {"months": (1, 12), "alert_days_before": (0, 31)},
    "rollout": {
        "evaluate_minutes": (1, 1440),
        "window_minutes": (5, 525_600),
        "least_decisions": (1, 1_000_000),
        "most_errors_percent": (0.0, 100.0),
        "most_latency_ratio": (1.0, 1000.0),
        "approval_rate_points": (0.0, 100.0),
        "reason_mix_psi": (0.0, 100.0),
    },
    "limits": {"requests_per_minute": (1, 1_000_000), "decisions_per_minute": (1, 100_000_000)},
}
"""Each part with its keys, and the least and most that each may say: whole numbers, unless these are written with a point."""

MOST_TABLE_MIB = 256  # of one version, in each process, where no policy says otherwise


@dataclass(frozen=True)
class ServingPolicy:
    """The body of a policy of kind `serving`, read and checked; a part that is left out is empty."""

    parts: Mapping[str, Mapping[str, float]]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Raises ServingPolicyMalformed naming everything wrong with the body at once."""
        if problems := list(_problems(body)):
            raise ServingPolicyMalformed("The serving policy cannot be used.", errors=problems)
        return cls({name: dict(body.get(name, {})) for name in PARTS})

    @property
    def most_table_mib(self) -> int:
        return int(self.parts["explanations"].get("most_table_mib", MOST_TABLE_MIB))


def _problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name in sorted(set(body) - set(PARTS)):
        yield FieldProblem(name, "unexpected", "No such part.")
    for name in sorted(set(body) & set(PARTS)):
        yield from _part_problems(name, body[name])


def _part_problems(name: str, part: object) -> Iterator[FieldProblem]:
    if not isinstance(part, Mapping):
        yield FieldProblem(name, "malformed", "Must be a table.")
        return
    for key, (least, most) in PARTS[name].items():
        value: Any = part.get(key)
        kind = "whole number" if isinstance(least, int) else "number"
        if not _is(kind, value) or not least <= value <= most:
            detail = f"Is required: a {kind} from {least} to {most}."
            yield FieldProblem(f"{name}.{key}", "malformed", detail)
    for key in sorted(set(part) - set(PARTS[name])):
        yield FieldProblem(f"{name}.{key}", "unexpected", "No such setting.")


def _is(kind: str, value: object) -> bool:
    return type(value) is int or (kind == "number" and type(value) is float)
