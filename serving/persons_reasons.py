"""Why a person declined: the factors that they say they judged by, and which of the score's go with them. Pure.

Reg B 1002.9(b)(2), comments 6 and 7: where the score passed and a person declined, only the person's factors; where the
score failed as well, or fell into the grey band, factors of both. A decision keeps reasons of the score in the second
case alone: what passed has none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from audit.errors import FieldProblem
from registry.reason_library import ReasonLibrary

LONGEST_STATEMENT = 300
Reasons = Sequence[Mapping[str, Any]]


def room_for_own(of_score: Reasons, limit: int) -> int:
    """How many reasons a person may give, so that one of the score's finds room where there is any."""
    return max(1, limit - 1) if of_score else limit


def reason_problems(given: Reasons, library: ReasonLibrary, most: int) -> list[FieldProblem]:
    """What is wrong with a person's reasons: each names a group of the library, or says a factor in words."""
    problems = []
    if not given:
        problems.append(FieldProblem("reasons", "missing", "Who declines says for what reasons."))
    if len(given) > most:
        problems.append(FieldProblem("reasons", "too_many", f"At most {most} of your own."))
    for place, reason in enumerate(given):
        field = f"reasons[{place}]"
        group, statement = reason.get("reason_group", ""), reason.get("statement", "").strip()
        if bool(group) == bool(statement):
            detail = "A reason_group of the library, or a statement in your own words."
            problems.append(FieldProblem(field, "malformed", detail))
        elif group and group not in library.groups:
            detail = f"The version's reason library has {', '.join(sorted(library.groups))}."
            problems.append(FieldProblem(field, "unknown", detail))
        elif len(statement) > LONGEST_STATEMENT:
            detail = f"At most {LONGEST_STATEMENT} characters."
            problems.append(FieldProblem(field, "too_long", detail))
    return problems


def combined(
    own: Reasons, of_score: Reasons, library: ReasonLibrary, limit: int
) -> list[dict[str, Any]]:
    """The person's reasons, then as many of the score's as there is room for, ranked through; no group twice.

    `own` have no problems.
    """
    reasons = [_own(reason, library) for reason in own]
    named = {reason["reason_group"] for reason in reasons}
    reasons += [
        {**reason, "component": "score"}
        for reason in of_score
        if reason["reason_group"] not in named
    ]
    return [{**reason, "rank": rank} for rank, reason in enumerate(reasons[:limit], start=1)]


def _own(reason: Mapping[str, Any], library: ReasonLibrary) -> dict[str, Any]:
    group = reason.get("reason_group", "")
    return {
        "code": library.groups[group].code if group else "",
        "reason_group": group,
        "statement": library.texts_of(group).statement if group else reason["statement"].strip(),
        "contribution": None,
        "component": "person",
    }
