"""What notices about an application say, as people approved it: the parts `counteroffer` and `incompleteness` of a policy of kind `notice`. Pure.

They stand beside the part `adverse_action`, from which creditor, agency, channels, contact and the words about them are
taken. `days` are those that the applicant is given to answer, from the day of the notice; `legal_basis` is of the part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from serving.errors import NoticeTextsMalformed
from serving.notices.checks import DAYS_WANTED, all_texts, fault, is_days, keys, text

COUNTEROFFER = "counteroffer"
INCOMPLETENESS = "incompleteness"
WORDS: Mapping[str, tuple[str, ...]] = {
    COUNTEROFFER: (
        "title", "action", "offered_on", "answer_by", "asked", "offered", "acceptance", "reasons", "footer",
    ),
    INCOMPLETENESS: ("title", "action", "received_on", "answer_by", "missing", "consequence", "footer"),
}  # fmt: skip
_KEYS = ("legal_basis", "days", "words")


@dataclass(frozen=True)
class ApplicationTexts:
    """One of those parts, read and checked."""

    days: int
    legal_basis: str
    words: Mapping[str, str]

    @classmethod
    def from_json(cls, body: Mapping[str, Any], part: str) -> Self | None:
        """None where the policy has no such part. Raises NoticeTextsMalformed naming everything wrong with it at once."""
        if part not in body:
            return None
        if problems := list(_problems(part, body[part])):
            raise NoticeTextsMalformed("The notice policy cannot be used.", errors=problems)
        said = body[part]
        return cls(said["days"], said["legal_basis"], said["words"])


def _problems(part: str, said: object) -> Iterator[FieldProblem]:
    if not isinstance(said, Mapping):
        yield fault(part, "Must be a table.")
        return
    yield from keys(part, said, _KEYS)
    yield from text(f"{part}.legal_basis", said.get("legal_basis"), "legal_basis" in said)
    if "days" in said and not is_days(said["days"]):
        yield fault(f"{part}.days", DAYS_WANTED)
    if "words" in said:
        yield from all_texts(f"{part}.words", said["words"], WORDS[part])
