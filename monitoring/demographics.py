"""One row of protected attributes as a client sends it, and everything that is wrong with one. Pure.

Nothing here echoes a value: problems name the attribute, and say what it should have been.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audit.bodies import printable
from audit.errors import FieldProblem
from monitoring.errors import ProtectedValuesRefused
from monitoring.sealing import Value

REFERENCES = {"subject_ref": "subject", "application_ref": "application"}
LONGEST_TEXT = 100
LONGEST_REFERENCE = 200


@dataclass(frozen=True)
class Demographics:
    """The protected attributes of one person; `reference` is (kind, the client's own name for them)."""

    reference: tuple[str, str]
    values: Mapping[str, Value]

    def unknown_person(self) -> ProtectedValuesRefused:
        """The refusal of a row about nobody whom that client had decided."""
        kind, _ = self.reference
        return _refused(
            [FieldProblem(f"{kind}_ref", "unknown", f"No {kind} by that reference of this client.")]
        )

    def erased_person(self) -> ProtectedValuesRefused:
        """The refusal of a row about someone who had such attributes erased."""
        kind, _ = self.reference
        return _refused(
            [FieldProblem(f"{kind}_ref", "erased", "This person had such attributes erased.")]
        )


def read_demographics(
    document: object, known: Collection[str]
) -> Demographics | ProtectedValuesRefused:
    """The row, or the refusal that names everything wrong with it."""
    if not isinstance(document, Mapping):
        return _refused([FieldProblem("row", "wrong_type", "Must be an object.")])
    named = [name for name in REFERENCES if name in document]
    problems = [
        FieldProblem(name, "unexpected", "A row has no such member.")
        for name in document
        if name not in (*REFERENCES, "values") and isinstance(name, str) and printable(name)
    ]
    if len(named) != 1:
        detail = "Name the person by exactly one of subject_ref and application_ref."
        problems.append(FieldProblem("subject_ref", "missing", detail))
    elif not _is_reference(document[named[0]]):
        detail = f"Must be a text of 1 to {LONGEST_REFERENCE} characters."
        problems.append(FieldProblem(named[0], "wrong_type", detail))
    values = document.get("values")
    if not isinstance(values, Mapping) or not values:
        detail = "Must be an object of attributes that is not empty."
        problems.append(FieldProblem("values", "missing", detail))
    else:
        problems += _unknown_attributes(values, known) + value_problems(values)
    if problems or not isinstance(values, Mapping):
        return _refused(problems)
    return Demographics((REFERENCES[named[0]], document[named[0]]), dict(values))


def value_problems(values: Mapping[str, object]) -> list[FieldProblem]:
    """What is wrong with the values of attributes, by attribute."""
    return [
        FieldProblem(f"values.{name}", "wrong_type", fault)
        for name, value in values.items()
        if (fault := _fault(value)) and printable(str(name))
    ]


def _unknown_attributes(values: Mapping[str, object], known: Collection[str]) -> list[FieldProblem]:
    problems = []
    for name in values:
        if name not in known:
            shown = name if isinstance(name, str) and printable(name) else "?"
            detail = "No monitoring policy in force and no data set knows this attribute."
            problems.append(FieldProblem(f"values.{shown}", "unknown_attribute", detail))
    return problems


def _fault(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return None if math.isfinite(value) else "Must be a finite number."
    if not isinstance(value, str):
        return "Must be a text, a number, true or false; leave out what is not known."
    if not 0 < len(value) <= LONGEST_TEXT:
        return f"Must be a text of 1 to {LONGEST_TEXT} characters."
    return None


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_REFERENCE


def _refused(problems: list[FieldProblem]) -> ProtectedValuesRefused:
    return ProtectedValuesRefused(
        "The row cannot be taken; `errors` names everything that is wrong.", errors=problems
    )
