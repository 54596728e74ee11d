"""How material a model is: its exposure times its purpose, by the bands of an approved policy. Pure.

{"window_days": 90, "decisions": {"medium": 1000, "high": 50000}, "amount": {"medium": 1e6, "high": 1e8},
 "amount_features": ["loan_amount"], "amount_unit": "USD", "purpose": {"usual": "low", "regulatory": "high"},
 "tiers": {"low": {"low": 3, "medium": 3, "high": 2}, "medium": {...}, "high": {...}}}

`tiers` is by exposure, then by purpose. Source: SR 26-2 (purpose and exposure make materiality), DOMAIN.md 3.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem

BANDS = ("low", "medium", "high")
PURPOSES = ("usual", "regulatory")
LIMITS = ("medium", "high")
KEYS = ("window_days", "decisions", "amount", "amount_features", "amount_unit", "purpose", "tiers")


@dataclass(frozen=True)
class Exposure:
    """What a model decided in a period. `amount` is None where no declared feature holds the amount applied for.

    `amounts_known` of the `decisions` have one: the others are of erased or restricted people, or say nothing.
    """

    decisions: int
    amount: float | None = None
    amounts_known: int = 0
    amount_feature: str = ""
    amount_unit: str = ""


@dataclass(frozen=True)
class Materiality:
    """The band of each part, the tier that they propose, and what exposure was judged by."""

    exposure: str
    purpose: str
    tier: int
    basis: str


@dataclass(frozen=True)
class MaterialityRules:
    """What the policy says: from which numbers on exposure is medium or high, and which tier that makes."""

    window_days: int
    decisions: Mapping[str, float]
    amount: Mapping[str, float]
    amount_features: tuple[str, ...]
    amount_unit: str
    purpose: Mapping[str, str]
    tiers: Mapping[str, Mapping[str, int]]

    @classmethod
    def from_json(cls, part: Mapping[str, Any]) -> Self:
        """Of a part without problems."""
        said = {name: part[name] for name in KEYS}
        return cls(**said | {"amount_features": tuple(part["amount_features"])})

    def judge(self, exposure: Exposure, regulatory_use: str) -> Materiality:
        """The higher of the bands of decisions and amount counts; a regulatory use has a purpose of its own."""
        band = _band(exposure.decisions, self.decisions)
        basis = f"decisions alone: no feature is declared to be the amount applied for in {self.amount_unit}"
        if exposure.amount is not None:
            band = max(band, _band(exposure.amount, self.amount), key=BANDS.index)
            basis = f"decisions and {exposure.amount_feature}, known for {exposure.amounts_known}"
        purpose = self.purpose["regulatory" if regulatory_use.strip() else "usual"]
        return Materiality(band, purpose, self.tiers[band][purpose], basis)


def materiality_problems(part: object) -> Iterator[FieldProblem]:
    """Everything wrong with the part `materiality` of an oversight policy."""
    if not isinstance(part, Mapping):
        yield _fault("", "Must be a table.")
        return
    for name in sorted(set(KEYS) - set(part)):
        yield FieldProblem(f"materiality.{name}", "missing", "Is required.")
    for name in sorted(set(part) - set(KEYS)):
        yield FieldProblem(f"materiality.{name}", "unexpected", "No such setting.")
    if "window_days" in part and not _is_whole(part["window_days"], 1, 3660):
        yield _fault(".window_days", "Must be a whole number from 1 to 3660.")
    for name in ("decisions", "amount"):
        if name in part and not _are_limits(part[name]):
            yield _fault(f".{name}", "Must hold `medium` and a greater `high`, above 0.")
    if "amount_features" in part and not _are_names(part["amount_features"]):
        yield _fault(".amount_features", "Must list names of features; it may be empty.")
    if "amount_unit" in part and not (isinstance(part["amount_unit"], str) and part["amount_unit"]):
        yield _fault(".amount_unit", "Must be the unit of these features, as contracts call it.")
    if "purpose" in part and not _by(PURPOSES, part["purpose"], BANDS):
        yield _fault(".purpose", f"Must hold {', '.join(PURPOSES)}, each low, medium or high.")
    if "tiers" in part:
        yield from _tier_problems(part["tiers"])


def _tier_problems(tiers: object) -> Iterator[FieldProblem]:
    if not isinstance(tiers, Mapping) or set(tiers) != set(BANDS):
        yield _fault(".tiers", "Must hold low, medium and high exposure.")
        return
    for band in BANDS:
        if not _by(BANDS, tiers[band], (1, 2, 3)):
            detail = "Must hold a tier, 1, 2 or 3, for low, medium and high purpose."
            yield _fault(f".tiers.{band}", detail)


def _band(value: float, limits: Mapping[str, float]) -> str:
    return "high" if value >= limits["high"] else "medium" if value >= limits["medium"] else "low"


def _by(keys: tuple[str, ...], said: object, allowed: tuple[object, ...]) -> bool:
    return (
        isinstance(said, Mapping)
        and set(said) == set(keys)
        and all(type(value) in (int, str) and value in allowed for value in said.values())
    )


def _are_limits(limits: object) -> bool:
    if not isinstance(limits, Mapping) or set(limits) != set(LIMITS):
        return False
    medium, high = limits["medium"], limits["high"]
    return all(type(each) in (int, float) for each in (medium, high)) and 0 < medium < high


def _are_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) and name for name in names)


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _fault(where: str, detail: str) -> FieldProblem:
    return FieldProblem(f"materiality{where}", "malformed", detail)
