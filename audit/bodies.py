"""The body of a request: parsed once, strictly, into plain Python values.

JSON's own ambiguities are refused: a member named twice, nesting that only an attack needs, bytes
that are not UTF-8. Where each field is judged by a contract of its own, as scoring does, NaN, Infinity and
text that no database keeps come through, to be refused there by the name of their field.
"""

import json
import math
from collections import Counter
from typing import Any

from audit.errors import (
    BodyTooLarge,
    DuplicateName,
    FieldProblem,
    MalformedBody,
    TooDeeplyNested,
)

MIB = 2**20
LARGEST_SINGLE = 1 * MIB
LARGEST_BATCH = 64 * MIB
LARGEST_STREAM = 1024 * MIB
LONGEST_NAME = 100
MOST_LISTED = 50  # names that one refusal lists


def parsed_object(body: bytes, largest: int) -> dict[str, Any]:
    """The JSON object in a body of at most `largest` bytes. Raises what `parsed_json` raises."""
    document = parsed_json(body, largest)
    if not isinstance(document, dict):
        raise MalformedBody("The body is JSON, but not an object.")
    return document


def parsed_json(body: bytes, largest: int) -> Any:
    """The JSON value in a body of at most `largest` bytes.

    Raises BodyTooLarge, MalformedBody, TooDeeplyNested or DuplicateName.
    """
    if len(body) > largest:
        raise BodyTooLarge(f"The body is larger than {largest // MIB} MiB.")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object)
    except RecursionError:
        raise TooDeeplyNested("The body nests lists or objects too deeply.") from None
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError:  # Python does not read a number of thousands of digits
        raise MalformedBody("The body holds a number that is too long.") from None


def require_keepable(document: Any) -> None:
    """Raises MalformedBody for what JSON can write and databases and the log cannot keep."""
    waiting = [document]
    while waiting:
        match waiting.pop():
            case dict() as members:
                waiting += [*members.keys(), *members.values()]
            case list() as items:
                waiting += items
            case float() as number if not math.isfinite(number):
                raise MalformedBody("The body holds a number that is not finite.")
            case str() as text if not _is_keepable(text):
                raise MalformedBody("A text in the body holds NUL, or half of a surrogate pair.")


def _is_keepable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def printable(name: str) -> bool:
    """True for a member name that can be shown and recorded as it is."""
    return 0 < len(name) <= LONGEST_NAME and name.isascii() and name.isprintable()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = sorted(name for name, count in counts.items() if count > 1 and printable(name))
        raise DuplicateName(
            "An object in the body names a member twice.",
            errors=[
                FieldProblem(name, "duplicate", "Named twice.") for name in twice[:MOST_LISTED]
            ],
        )
    return members
