"""What may be trained unattended: the envelope that people approved for a model. Pure.

{"window_days": 30, "minimum_rows": 200, "minimum_matured": 100, "maximum_missing_change": 0.1, "maximum_outside": 0.05,
 "seed": 7, "holdout_share": 0.3, "candidates": [{"algorithm": "logistic_regression", "params": {}}]}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from governance.errors import RetrainingPolicyMalformed
from registry.errors import ParamsRefused
from registry.training import require_params

WHOLE = {
    "window_days": (1, 3660),
    "minimum_rows": (1, 10**9),
    "minimum_matured": (1, 10**9),
    "seed": (0, 2**31 - 1),
}
SHARES = ("maximum_missing_change", "maximum_outside", "holdout_share")
MOST_CANDIDATES = 20


@dataclass(frozen=True)
class Candidate:
    """One specification that may be trained."""

    algorithm: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class RetrainingPolicy:
    """The body of a policy of kind `retraining`, read and checked.

    Data counts as broken below `minimum_rows` decisions, where a feature's missing share moved by more than
    `maximum_missing_change`, or where more than `maximum_outside` of its values lie outside the training range.
    Labels from `minimum_matured` observations are needed to train on.
    """

    window_days: int
    minimum_rows: int
    minimum_matured: int
    maximum_missing_change: float
    maximum_outside: float
    seed: int
    holdout_share: float
    candidates: tuple[Candidate, ...]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Raises RetrainingPolicyMalformed naming everything wrong with the body at once."""
        problems = [*_problems(body), *_candidate_problems(body.get("candidates"))]
        if problems:
            raise RetrainingPolicyMalformed(
                "The retraining policy cannot be used.", errors=problems
            )
        limits = {name: body[name] for name in (*WHOLE, *SHARES)}
        candidates = [Candidate(each["algorithm"], each["params"]) for each in body["candidates"]]
        return cls(**limits, candidates=tuple(candidates))


def _problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name, (low, high) in WHOLE.items():
        value = body.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            detail = f"Is required: a whole number from {low} to {high}."
            yield FieldProblem(name, "malformed", detail)
    for name in SHARES:
        value = body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            yield FieldProblem(name, "malformed", "Is required: a number between 0 and 1.")
    for name in sorted(set(body) - {*WHOLE, *SHARES, "candidates"}):
        yield FieldProblem(name, "unexpected", "No such setting.")


def _candidate_problems(candidates: object) -> Iterator[FieldProblem]:
    if not isinstance(candidates, list) or not 1 <= len(candidates) <= MOST_CANDIDATES:
        detail = f"List 1 to {MOST_CANDIDATES} candidates: nothing else may be trained."
        yield FieldProblem("candidates", "missing", detail)
        return
    for position, candidate in enumerate(candidates):
        where = f"candidates.{position}"
        if not isinstance(candidate, Mapping) or set(candidate) != {"algorithm", "params"}:
            yield FieldProblem(where, "malformed", "Must be an object with algorithm and params.")
            continue
        try:
            require_params(candidate["algorithm"], candidate["params"])
        except ParamsRefused as refused:
            for problem in refused.errors:
                yield FieldProblem(f"{where}.{problem.field}", problem.type, problem.detail)
