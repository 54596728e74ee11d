"""What notices say and until when they are due, as people approved it: the part `adverse_action` of a policy of kind `notice`. Pure.

Every word that an applicant reads comes from here or from the decision; an example is docs/examples/notice.json.
`clocks` counts days from the completed application (`notice`), from a counteroffer that nobody took (`counteroffer`) and
from receipt of an application with something missing (`incomplete`), each with the law that sets it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from audit.errors import FieldProblem
from serving.errors import NoticeTextsMalformed
from serving.notices.checks import (
    DAYS_WANTED,
    address,
    all_texts,
    fault,
    is_days,
    is_number,
    keys,
    text,
    texts,
)

PART = "adverse_action"
WORDS = (
    "title", "recipient", "reference", "application", "issued_on", "decided_on", "action", "reasons", "agency",
    "equal_credit", "equal_credit_notice", "contact",
)  # fmt: skip
CLOCKS = ("notice", "counteroffer", "incomplete")
SCORES = ("pd", "margin")
_PARTS = (
    "language", "channels", "creditor", "agency", "contact", "footer", "words", "consumer_report", "credit_score",
    "clocks", "watched_days",
)  # fmt: skip
_REPORT = ("heading", "statement", "bureau", "rights")
_SCORE_WORDS = (
    "heading", "statement", "value", "range", "created_on", "supplied_by", "supplier", "key_factors",
)  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """How many days there are, after which of them somebody is told, and the law that says so."""

    days: int
    alert_days: tuple[int, ...]
    legal_basis: str


@dataclass(frozen=True)
class NoticeTexts:
    """That part, read and checked, with what the row of the policy says of its law.

    `consumer_report` is None where decisions use none, `credit_score` where the score is no credit score under the FCRA.
    A clock that has run out is listed for `watched_days` from the decision on; its incident stays.
    """

    jurisdiction: str
    legal_basis: tuple[str, ...]
    language: str
    channels: tuple[str, ...]
    creditor: Mapping[str, Any]
    agency: Mapping[str, Any]
    contact: str
    footer: str
    words: Mapping[str, str]
    consumer_report: Mapping[str, Any] | None
    credit_score: Mapping[str, Any] | None
    clocks: Mapping[str, Clock]
    watched_days: int

    @classmethod
    def from_json(cls, body: Any, jurisdiction: str, legal_basis: Sequence[str]) -> Self:
        """Raises NoticeTextsMalformed naming everything wrong with the policy at once."""
        problems = [*_law_problems(jurisdiction, legal_basis), *_body_problems(body)]
        if problems:
            raise NoticeTextsMalformed("The notice policy cannot be used.", errors=problems)
        return cls(
            jurisdiction=jurisdiction,
            legal_basis=tuple(legal_basis),
            language=body["language"],
            channels=tuple(body["channels"]),
            creditor=body["creditor"],
            agency=body["agency"],
            contact=body["contact"],
            footer=body["footer"],
            words=body["words"],
            consumer_report=body["consumer_report"],
            credit_score=body["credit_score"],
            clocks={
                name: Clock(clock["days"], tuple(clock["alert_days"]), clock["legal_basis"])
                for name, clock in body["clocks"].items()
            },
            watched_days=body["watched_days"],
        )


def _law_problems(jurisdiction: str, legal_basis: object) -> Iterator[FieldProblem]:
    if not jurisdiction:
        yield fault("jurisdiction", "Is required: whose law the notice follows.")
    yield from texts("legal_basis", legal_basis)


def _body_problems(body: object) -> Iterator[FieldProblem]:
    if not isinstance(body, Mapping):
        yield fault(PART, "Must be a table.")
        return
    yield from keys("body", body, _PARTS)
    for key in ("language", "contact", "footer"):
        yield from text(key, body.get(key, ""), key in body)
    if "channels" in body:
        yield from texts("channels", body["channels"])
    for key in ("creditor", "agency"):
        if key in body:
            yield from address(key, body[key])
    if "words" in body:
        yield from all_texts("words", body["words"], WORDS)
    if body.get("consumer_report") is not None:
        yield from _report_problems(body["consumer_report"])
    if body.get("credit_score") is not None:
        yield from _score_problems(body["credit_score"])
    if "clocks" in body:
        yield from _clock_problems(body["clocks"])
    if "watched_days" in body and not is_days(body["watched_days"]):
        yield fault("watched_days", DAYS_WANTED)


def _report_problems(report: object) -> Iterator[FieldProblem]:
    if not isinstance(report, Mapping):
        yield fault("consumer_report", "Must be a table, or null where no report is used.")
        return
    yield from keys("consumer_report", report, _REPORT)
    for key in ("heading", "statement"):
        yield from text(f"consumer_report.{key}", report.get(key, ""), key in report)
    if "bureau" in report:
        yield from address("consumer_report.bureau", report["bureau"], "telephone")
    if "rights" in report:
        yield from texts("consumer_report.rights", report["rights"])


def _score_problems(score: object) -> Iterator[FieldProblem]:
    if not isinstance(score, Mapping):
        yield fault("credit_score", "Must be a table, or null where the score is none.")
        return
    yield from keys("credit_score", score, (*_SCORE_WORDS, "of", "decimals", "lowest", "highest"))
    for key in _SCORE_WORDS:
        yield from text(f"credit_score.{key}", score.get(key, ""), key in score)
    if "of" in score and score["of"] not in SCORES:
        yield fault("credit_score.of", f"Must be one of {', '.join(SCORES)}.")
    for key in ("lowest", "highest"):
        if key in score and not is_number(score[key]):
            yield fault(f"credit_score.{key}", "Must be a number.")
    decimals = score.get("decimals", 0)
    if type(decimals) is not int or not 0 <= decimals <= 6:
        yield fault("credit_score.decimals", "Must be a whole number from 0 to 6.")


def _clock_problems(clocks: object) -> Iterator[FieldProblem]:
    if not isinstance(clocks, Mapping):
        yield fault("clocks", "Must be a table.")
        return
    yield from keys("clocks", clocks, CLOCKS)
    for name in (name for name in CLOCKS if name in clocks):
        clock, where = clocks[name], f"clocks.{name}"
        if not isinstance(clock, Mapping):
            yield fault(where, "Must be a table.")
            continue
        yield from keys(where, clock, ("days", "alert_days", "legal_basis"))
        yield from text(f"{where}.legal_basis", clock.get("legal_basis"), "legal_basis" in clock)
        if "days" in clock and not is_days(clock["days"]):
            yield fault(f"{where}.days", DAYS_WANTED)
        elif {"days", "alert_days"} <= set(clock):
            yield from _alert_problems(where, clock["alert_days"], clock["days"])


def _alert_problems(where: str, days: object, last: int) -> Iterator[FieldProblem]:
    rising = isinstance(days, list) and all(is_days(day) for day in days)
    if not (rising and isinstance(days, list) and sorted(set(days)) == days):
        yield fault(f"{where}.alert_days", "Must be a list of days that rise.")
    elif days and days[-1] >= last:
        yield fault(f"{where}.alert_days", "Must lie before the last day.")
