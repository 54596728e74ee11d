"""What a monitoring policy says: limits for drift, fairness, performance and reasons, and how often to look.

Every limit is required, so that the log shows which one applied on the day; unknown keys are refused,
so that a misspelt limit cannot be ignored. The part on reasons may be left out: nothing is reported of them then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from monitoring.errors import MonitoringPolicyMalformed
from registry.groups import Grouping, grouping_problems
from registry.measures.fairness import Limits

SHARE = (0.0, 1.0)
COUNT = (1.0, 1e9)
ANY_SIZE = (0.0, 1e6)

DRIFT_LIMITS = {
    "bins": (2.0, 100.0),
    "minimum_current": COUNT,
    "minimum_reference": COUNT,
    "ks_watch": SHARE,
    "ks_breach": SHARE,
    "ks_critical": SHARE,
    "psi_watch": ANY_SIZE,
    "psi_breach": ANY_SIZE,
    "mean_shift_breach": SHARE,
    "mean_shift_relative_watch": ANY_SIZE,
    "missing_watch": SHARE,
    "missing_breach": SHARE,
}
FAIRNESS_LIMITS = {
    "air_breach": SHARE,
    "air_watch": SHARE,
    "minimum_shown": COUNT,
    "minimum_cell": COUNT,
    "minimum_verdict": COUNT,
    "significance": SHARE,
    "smd_watch": ANY_SIZE,
}
PERFORMANCE_LIMITS = {
    "minimum_matured": COUNT,
    "accuracy_breach": SHARE,
    "auc_breach": SHARE,
    "observed_expected_low": ANY_SIZE,
    "observed_expected_high": ANY_SIZE,
}
REASON_LIMITS = {
    "most_tried": COUNT,
    "minimum_declined": COUNT,
    "faithful_breach": SHARE,
    "agreement_breach": SHARE,
}
PERSISTENCE = {"needed": (1.0, 100.0), "of": (1.0, 100.0)}
WHOLE_NUMBERS = {
    "window_days", "bins", "minimum_current", "minimum_reference", "minimum_shown", "minimum_cell",
    "minimum_verdict", "minimum_matured", "most_tried", "minimum_declined", "needed", "of",
}  # fmt: skip
# The first limit must not lie beyond the second.
ORDERED = (
    ("drift", "ks_watch", "ks_breach"),
    ("drift", "ks_breach", "ks_critical"),
    ("drift", "psi_watch", "psi_breach"),
    ("drift", "missing_watch", "missing_breach"),
    ("drift.persistence", "needed", "of"),
    ("fairness", "air_breach", "air_watch"),
    ("fairness", "minimum_shown", "minimum_verdict"),
    ("performance", "observed_expected_low", "observed_expected_high"),
    ("reasons", "minimum_declined", "most_tried"),
)


@dataclass(frozen=True)
class Persistence:
    """A crossed limit is confirmed when it was crossed in `needed` of the last `of` windows."""

    needed: int
    of: int


@dataclass(frozen=True)
class DriftLimits:
    """Effect sizes beyond which a population has moved. `tier_1_features` None means all of them.

    `minimum_current` decisions and `minimum_reference` reference rows are needed for a verdict. A KS
    above `ks_critical` needs no persistence.
    """

    bins: int
    minimum_current: int
    minimum_reference: int
    ks_watch: float
    ks_breach: float
    ks_critical: float
    psi_watch: float
    psi_breach: float
    mean_shift_breach: float
    mean_shift_relative_watch: float
    missing_watch: float
    missing_breach: float
    tier_1_features: frozenset[str] | None
    persistence: Persistence

    def is_tier_1(self, feature: str) -> bool:
        """Whether a breach by this feature alone may open a case."""
        return self.tier_1_features is None or feature in self.tier_1_features


@dataclass(frozen=True)
class FairnessRules:
    """Which groups are compared with which control group, and the limits of their ratios."""

    attributes: tuple[Grouping, ...]
    limits: Limits
    smd_watch: float


@dataclass(frozen=True)
class PerformanceLimits:
    """What matured labels must show, and how many of them are needed for a verdict."""

    minimum_matured: int
    accuracy_breach: float
    auc_breach: float
    observed_expected_low: float
    observed_expected_high: float


@dataclass(frozen=True)
class ReasonLimits:
    """What reasons given by score must show. At most `most_tried` of a window's declines are tried, evenly over its time.

    `minimum_declined` of them are needed for a verdict. Breached below `faithful_breach`, a share of applicants, and
    below `agreement_breach`, a mean agreement; both 0 to 1.
    """

    most_tried: int
    minimum_declined: int
    faithful_breach: float
    agreement_breach: float


@dataclass(frozen=True)
class MonitoringPolicy:
    """The body of a policy of kind `monitoring`, read and checked.

    `fairness` None: nothing protected is known of the population, and the policy says so in so many words (null).
    `reasons` None: the policy says nothing of them.
    """

    window_days: int
    drift: DriftLimits
    fairness: FairnessRules | None
    performance: PerformanceLimits
    reasons: ReasonLimits | None = None

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """The groups that are compared; none where nothing protected is known."""
        return self.fairness.attributes if self.fairness else ()

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Raises MonitoringPolicyMalformed naming everything wrong with the body at once."""
        problems = policy_problems(body)
        if problems:
            raise MonitoringPolicyMalformed(
                "The monitoring policy cannot be used.", errors=problems
            )
        return cls(
            window_days=body["window_days"],
            drift=_drift_limits(body["drift"]),
            fairness=None if body["fairness"] is None else _fairness_rules(body["fairness"]),
            performance=PerformanceLimits(**body["performance"]),
            reasons=ReasonLimits(**body["reasons"]) if "reasons" in body else None,
        )


def policy_problems(body: Mapping[str, Any]) -> list[FieldProblem]:
    """Everything that makes a body unusable as a monitoring policy, each under its place."""
    problems = _number_problems(
        "", body, {"window_days": (1.0, 3660.0)}, {"drift", "fairness", "performance", "reasons"}
    )
    drift = _table(body, "drift", problems)
    problems += _number_problems("drift", drift, DRIFT_LIMITS, {"persistence", "tier_1_features"})
    problems += _number_problems(
        "drift.persistence", _table(drift, "persistence", problems), PERSISTENCE, set()
    )
    problems += _tier_1_problems(drift)
    if "fairness" not in body or body["fairness"] is not None:
        problems += _fairness_problems(body)
    problems += _number_problems(
        "performance", _table(body, "performance", problems), PERFORMANCE_LIMITS, set()
    )
    if "reasons" in body:
        reasons = _table(body, "reasons", problems)
        problems += _number_problems("reasons", reasons, REASON_LIMITS, set())
    return problems or _order_problems(body)


def _fairness_problems(body: Mapping[str, Any]) -> list[FieldProblem]:
    problems: list[FieldProblem] = []
    fairness = _table(body, "fairness", problems)
    problems += _number_problems("fairness", fairness, FAIRNESS_LIMITS, {"attributes"})
    for name, table in _table(fairness, "attributes", problems).items():
        problems += [
            FieldProblem(f"fairness.attributes.{p.field.removeprefix('groups.')}", p.type, p.detail)
            for p in grouping_problems(name, table)
        ]
    return problems


def _fairness_rules(table: Mapping[str, Any]) -> FairnessRules:
    return FairnessRules(
        attributes=tuple(
            Grouping.from_json(name, groups) for name, groups in table["attributes"].items()
        ),
        limits=Limits(
            breach=table["air_breach"],
            watch=table["air_watch"],
            minimum_shown=table["minimum_shown"],
            minimum_cell=table["minimum_cell"],
            minimum_verdict=table["minimum_verdict"],
            significance=table["significance"],
        ),
        smd_watch=table["smd_watch"],
    )


def _drift_limits(table: Mapping[str, Any]) -> DriftLimits:
    limits = {name: table[name] for name in DRIFT_LIMITS}
    tier_1 = table.get("tier_1_features")
    return DriftLimits(
        **limits,
        tier_1_features=None if tier_1 is None else frozenset(tier_1),
        persistence=Persistence(**table["persistence"]),
    )


def _table(parent: Mapping[str, Any], name: str, problems: list[FieldProblem]) -> Mapping[str, Any]:
    value = parent.get(name)
    if isinstance(value, Mapping) and value:
        return value
    problems.append(FieldProblem(name, "missing", "Must be an object that is not empty."))
    return {}


def _number_problems(
    where: str,
    table: Mapping[str, Any],
    limits: Mapping[str, tuple[float, float]],
    others: set[str],
) -> list[FieldProblem]:
    if where and not table:
        return []  # the missing table is the problem
    prefix = f"{where}." if where else ""
    found = []
    for name, (low, high) in limits.items():
        value = table.get(name)
        whole = name in WHOLE_NUMBERS
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            detail = f"Is required and must be a {'whole ' if whole else ''}number."
            found.append(FieldProblem(f"{prefix}{name}", "missing", detail))
        elif not low <= value <= high:
            detail = f"Must be from {low:g} to {high:g}."
            found.append(FieldProblem(f"{prefix}{name}", "out_of_range", detail))
    found += [
        FieldProblem(f"{prefix}{name}", "unexpected", "No such setting.")
        for name in table
        if name not in limits and name not in others
    ]
    return found


def _tier_1_problems(drift: Mapping[str, Any]) -> list[FieldProblem]:
    names = drift.get("tier_1_features")
    if names is None or (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        return []
    detail = "Must be a list of feature names, or null for all features."
    return [FieldProblem("drift.tier_1_features", "wrong_type", detail)]


def _order_problems(body: Mapping[str, Any]) -> list[FieldProblem]:
    problems = []
    for where, smaller, larger in ORDERED:
        table: Mapping[str, Any] | None = body
        for step in where.split("."):
            table = table.get(step) if table else None
        if table and table[smaller] > table[larger]:
            problems.append(
                FieldProblem(f"{where}.{smaller}", "out_of_range", f"Must not be above {larger}.")
            )
    return problems
