"""What an evidence bundle is about. Pure: entries as parsed JSON in, yes or no out."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from audit.errors import FieldProblem, InvalidInput

LONGEST_DISCLOSED_DAYS = 92  # a quarter


@dataclass(frozen=True)
class Scope:
    """What a bundle lists, holds and discloses. None and empty narrow nothing; `whole` keeps the whole log nevertheless.

    `begin` and `end` are days in UTC, both included. `decisions` are decision ids or entry ids.
    """

    model: str | None = None
    begin: date | None = None
    end: date | None = None
    decisions: tuple[str, ...] = ()
    whole: bool = False

    @property
    def leaves_out(self) -> bool:
        """True where the bundle holds but a part of the log."""
        return not self.whole and self != Scope()

    @property
    def is_narrow(self) -> bool:
        """True where so little is asked for that private payloads may be disclosed: named decisions, or up to a quarter.

        A model by itself, or an open end, may be everybody whom the log knows.
        """
        if self.decisions:
            return True
        if self.begin is None or self.end is None:
            return False
        return (self.end - self.begin).days < LONGEST_DISCLOSED_DAYS

    def covers(self, entry: dict[str, Any]) -> bool:
        day = entry["occurred_at"][:10]
        if (self.begin and day < str(self.begin)) or (self.end and day > str(self.end)):
            return False
        if self.decisions and not _names(entry) & set(self.decisions):
            return False
        return self.model is None or self.model in _models(entry)

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "from": str(self.begin) if self.begin else None,
            "to": str(self.end) if self.end else None,
            "decisions": list(self.decisions),
            "whole": self.whole,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Scope":
        begin, end = (values[name] and date.fromisoformat(values[name]) for name in ("from", "to"))
        return cls(values["model"], begin, end, tuple(values["decisions"]), values["whole"])


FIELDS = ("model", "from", "to", "decisions", "whole")


def read_scope(document: Any) -> Scope:
    """A scope as a caller asks for it. Raises InvalidInput with every bad field; absent and null narrow nothing."""
    if not isinstance(document, dict):
        raise InvalidInput("The body is a JSON object.")
    problems = [
        FieldProblem(str(name), "unexpected", "There is no such field.")
        for name in sorted(set(document) - set(FIELDS))
    ]
    model, decisions = document.get("model"), document.get("decisions") or []
    if model is not None and not isinstance(model, str):
        problems.append(FieldProblem("model", "wrong_type", "The name of a model is text."))
    if not isinstance(decisions, list) or not all(isinstance(name, str) for name in decisions):
        problems.append(
            FieldProblem("decisions", "wrong_type", "Decisions are a list of identifiers.")
        )
    whole = document.get("whole") or False
    if not isinstance(whole, bool):
        problems.append(
            FieldProblem("whole", "wrong_type", "Whether the log is whole is true or false.")
        )
    days = {name: _day(name, document.get(name), problems) for name in ("from", "to")}
    if days["from"] and days["to"] and days["from"] > days["to"]:
        problems.append(FieldProblem("to", "out_of_range", "The last day is before the first."))
    if problems:
        raise InvalidInput("The scope of the export has fields that are wrong.", errors=problems)
    return Scope(model, days["from"], days["to"], tuple(decisions), whole)


def _day(name: str, text: object, problems: list[FieldProblem]) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        problems.append(FieldProblem(name, "invalid", "A day is written as 2026-01-31."))
        return None


def _names(entry: dict[str, Any]) -> set[str]:
    public = entry["public"]
    named = {str(public.get("decision")), str(public.get("decision_id"))}
    return {entry["id"], entry["subject"]["id"], *named}


def _models(entry: dict[str, Any]) -> set[str]:
    names = {str(entry["public"].get("model"))}
    if entry["subject"]["type"] == "registry.scoringmodel":
        names |= {entry["subject"]["id"], entry["subject"].get("text", "")}
    return names
