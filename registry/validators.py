"""What a contract asks of an application, compiled once: a check for each feature, and all of them together. Pure.

Nothing is coerced, and no problem repeats a value.
"""

import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence

from audit.errors import FieldProblem
from registry.features import Feature

Check = Callable[[object], FieldProblem | None]
"""What is wrong with one value, None when nothing is."""

LARGEST_EXACT_INTEGER = 2**53
_WORDS_FOR_TYPE = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "a text",
}


class Validator:
    """What one contract asks of an application that may not carry certain names.

    `barred` are names of protected attributes: such a name is refused whether or not the contract knows it.
    """

    def __init__(self, features: Sequence[Feature], barred: Collection[str]) -> None:
        self._barred = frozenset(name.casefold() for name in barred)
        asked = [one for one in features if one.name.casefold() not in self._barred]
        self._checks = tuple((one.name, check_of(one)) for one in asked)
        self._absent = {one.name: _absent(one) for one in asked}

    def takes(self, features: Mapping[str, object]) -> bool:
        """Whether nothing is wrong with the features of an application: one pass, which stops at the first problem."""
        if len(features) != len(self._checks):
            return False
        try:
            for name, check in self._checks:
                if check(features[name]) is not None:
                    return False
        except KeyError:
            return False
        return True

    def problems(self, features: Mapping[str, object]) -> list[FieldProblem]:
        """Everything wrong with one application, each problem under the feature's name."""
        if self.takes(features):
            return []
        found = [self._no_feature(name) for name in features if name not in self._absent]
        for name, check in self._checks:
            problem = check(features[name]) if name in features else self._absent[name]
            if problem:
                found.append(problem)
        return found

    def _no_feature(self, name: str) -> FieldProblem:
        if name.casefold() in self._barred:
            detail = "A protected attribute may not be scored."
            return FieldProblem(name, "protected_attribute", detail)
        return FieldProblem(name, "unexpected", "The model has no such feature.")


def check_of(feature: Feature) -> Check:
    """The check of one feature's values, by its type, range and categories."""
    match feature.type:
        case "number":
            return _number_check(feature)
        case "integer":
            return _integer_check(feature)
        case "boolean":
            return _boolean_check(feature)
        case "category":
            return _category_check(feature)


def _number_check(feature: Feature) -> Check:
    null, out_of_range = _null(feature), _out_of_range(feature)
    not_finite = FieldProblem(
        feature.name, "not_finite", "Must be a finite number, not NaN or Infinity."
    )
    low = -sys.float_info.max if feature.minimum is None else feature.minimum
    high = sys.float_info.max if feature.maximum is None else feature.maximum
    lowest, highest = _whole_range(feature)

    def check(value: object) -> FieldProblem | None:
        if isinstance(value, float):
            if low <= value <= high:
                return None
            return out_of_range if math.isfinite(value) else not_finite
        if isinstance(value, int) and not isinstance(value, bool):
            return None if lowest <= value <= highest else out_of_range
        return null if value is None else _wrong_type(feature, value)

    return check


def _integer_check(feature: Feature) -> Check:
    null, out_of_range = _null(feature), _out_of_range(feature)
    lowest, highest = _whole_range(feature)

    def check(value: object) -> FieldProblem | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return None if lowest <= value <= highest else out_of_range
        return null if value is None else _wrong_type(feature, value)

    return check


def _boolean_check(feature: Feature) -> Check:
    null = _null(feature)

    def check(value: object) -> FieldProblem | None:
        if isinstance(value, bool):
            return None
        return null if value is None else _wrong_type(feature, value)

    return check


def _category_check(feature: Feature) -> Check:
    null, categories = _null(feature), frozenset(feature.categories)
    allowed = ", ".join(feature.categories)
    unknown = FieldProblem(
        feature.name, "unknown_category", f"Not a known category. Allowed: {allowed}."
    )

    def check(value: object) -> FieldProblem | None:
        if isinstance(value, str):
            return None if value in categories else unknown
        return null if value is None else _wrong_type(feature, value)

    return check


def _whole_range(feature: Feature) -> tuple[float, float]:
    """From where to where whole numbers are in range and exact as doubles."""
    return (
        max(-LARGEST_EXACT_INTEGER, -math.inf if feature.minimum is None else feature.minimum),
        min(LARGEST_EXACT_INTEGER, math.inf if feature.maximum is None else feature.maximum),
    )


def _out_of_range(feature: Feature) -> FieldProblem:
    return FieldProblem(feature.name, "out_of_range", f"Must be {feature.range_in_words}.")


def _absent(feature: Feature) -> FieldProblem:
    hint = " Send null if it is not known." if feature.missing == "allowed" else ""
    return FieldProblem(feature.name, "missing", f"The model needs this feature.{hint}")


def _null(feature: Feature) -> FieldProblem | None:
    if feature.missing == "allowed":
        return None
    return FieldProblem(feature.name, "missing", "A value is required; it may not be null.")


def _wrong_type(feature: Feature, value: object) -> FieldProblem:
    detail = f"Must be {_WORDS_FOR_TYPE[feature.type]}, not {_json_type(value)}."
    return FieldProblem(feature.name, "wrong_type", detail)


def _json_type(value: object) -> str:
    """The JSON name of a Python value's type, for messages that name no value."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case Mapping():
            return "an object"
        case _:
            return "a list"
