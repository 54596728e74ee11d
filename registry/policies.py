"""What the bodies of policies must hold, and whether they fit a model.

A gate, monitoring, retraining or oversight policy is read by the floor that follows it; here it only has to
say something, because no rules never means allowed.
"""

from collections.abc import Mapping
from typing import Any

from audit.errors import FieldProblem
from registry.contract import FeatureContract
from registry.expectations import expectation_problems
from registry.features import Feature
from registry.reason_library import library_problems
from registry.validators import check_of

OPERATORS = (">", ">=", "<", "<=", "==")
MOST_REASONS = 4
_DECISION_KEYS = ("cut_off", "grey_band", "knockout_rules", "materiality_floor", "max_reasons")
_RULE_KEYS = ("feature", "operator", "value", "reason_group")


def body_problems(kind: str, body: object) -> list[FieldProblem]:
    """Everything wrong with the body of a policy of that kind."""
    if not isinstance(body, Mapping) or not body:
        return [_fault("body", "Must be an object that is not empty.")]
    if kind == "decision":
        return _decision_problems(body)
    if kind == "reason_library":
        return library_problems(body)
    if kind == "expectations":
        return expectation_problems(body)
    return []


def fit_problems(
    contract: FeatureContract, decision: Mapping[str, Any], library: Mapping[str, Any]
) -> list[FieldProblem]:
    """What keeps a decision policy and a reason library from being used with a model's features."""
    problems = [
        _fault(
            f"reason_library.groups.{group}",
            "A feature of the model belongs to this reason group, and the library has no text for it.",
        )
        for group in sorted(contract.reason_groups.difference(library["groups"]))
    ]
    for position, rule in enumerate(decision["knockout_rules"]):
        where = f"decision_policy.knockout_rules.{position}"
        feature = contract.by_name.get(rule["feature"])
        if feature is None:
            problems.append(_fault(f"{where}.feature", "The model has no such feature."))
        elif fault := _rule_fault(feature, rule):
            problems.append(_fault(f"{where}.value", fault))
        if rule["reason_group"] not in library["groups"]:
            problems.append(
                _fault(f"{where}.reason_group", "The reason library has no text for it.")
            )
    return problems


def _rule_fault(feature: Feature, rule: Mapping[str, Any]) -> str | None:
    if feature.type in ("boolean", "category") and rule["operator"] != "==":
        return f"A {feature.type} feature can only be compared by ==."
    if problem := check_of(feature)(rule["value"]):
        return problem.detail
    return None


def _decision_problems(body: Mapping[str, Any]) -> list[FieldProblem]:
    problems = _key_problems("body", body, _DECISION_KEYS)
    if problems:
        return problems
    if not _is_number(body["cut_off"]) or not 0 < body["cut_off"] < 1:
        problems.append(_fault("body.cut_off", "Must be a probability above 0 and below 1."))
    elif fault := _grey_band_fault(body["grey_band"], body["cut_off"]):
        problems.append(_fault("body.grey_band", fault))
    if not _is_number(body["materiality_floor"]) or body["materiality_floor"] < 0:
        problems.append(_fault("body.materiality_floor", "Must be log-odds of at least 0."))
    most = body["max_reasons"]
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_REASONS:
        problems.append(
            _fault("body.max_reasons", f"Must be a whole number from 1 to {MOST_REASONS}.")
        )
    return problems + _rule_problems(body["knockout_rules"])


def _grey_band_fault(band: object, cut_off: float) -> str | None:
    if band is None:
        return None
    if not isinstance(band, Mapping) or set(band) != {"from", "to"}:
        return "Must be null or an object with `from` and `to`."
    if not (_is_number(band["from"]) and _is_number(band["to"])):
        return "`from` and `to` must be numbers."
    if not 0 <= band["from"] < band["to"] <= cut_off:
        return "Must lie below the cut-off: 0 <= from < to <= cut_off."
    return None


def _rule_problems(rules: object) -> list[FieldProblem]:
    if not isinstance(rules, list):
        return [_fault("body.knockout_rules", "Must be a list.")]
    problems = []
    for position, rule in enumerate(rules):
        where = f"body.knockout_rules.{position}"
        if not isinstance(rule, Mapping):
            problems.append(_fault(where, "Must be an object."))
        elif faults := _key_problems(where, rule, _RULE_KEYS):
            problems += faults
        else:
            if rule["operator"] not in OPERATORS:
                problems.append(
                    _fault(f"{where}.operator", f"Must be one of {', '.join(OPERATORS)}.")
                )
            for key in ("feature", "reason_group"):
                if not isinstance(rule[key], str):
                    problems.append(_fault(f"{where}.{key}", "Must be a text."))
    return problems


def _key_problems(
    where: str, table: Mapping[str, Any], expected: tuple[str, ...]
) -> list[FieldProblem]:
    missing = [_fault(f"{where}.{key}", "Is required.") for key in expected if key not in table]
    unknown = [_fault(f"{where}.{key}", "Unknown key.") for key in table if key not in expected]
    return missing + unknown


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fault(field: str, detail: str) -> FieldProblem:
    return FieldProblem(field, "malformed", detail)
