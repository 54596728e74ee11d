"""How decisions are served, as people approved it: the policy of kind `serving`, a model's own or the one for all. Pure.

{"explanations": {"most_table_mib": 256}, "limits": {"requests_per_minute": 600, "decisions_per_minute": 20000}}

Each part may be left out; whoever follows a part says beside it what holds without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from serving.errors import ServingPolicyMalformed

PARTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "explanations": {"most_table_mib": (1, 65_536)},
    "limits": {"requests_per_minute": (1, 1_000_000), "decisions_per_minute": (1, 100_000_000)},
}
"""Each part with its keys, and the least and most that each may say: whole numbers, unless these are written with a point."""


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
