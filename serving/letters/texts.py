"""What a letter of explanation says, as people approved it: the part `explanation_letter` of a policy of kind `notice`. Pure.

    [explanation_letter]
    weights = { strong = 0.2, moderate = 0.05 }   # shares of all that mattered, from which a datum counts as such
    [explanation_letter.changeable.dti]           # what an applicant can change: `serving.changeable`
    [[explanation_letter.legal_basis]]            # clause, and the day from which it is cited
    [explanation_letter.languages.en]             # every text of TEXTS, and those below
    contact = ["Example Bank", "..."]             # lines
    rights = ["..."]                              # paragraphs
    features = { dti = "Debt in relation to income" }

A policy may hold parts of other letters; they are read by others. `docs/letters.md` says what each text is for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any, Self

from audit.errors import FieldProblem
from serving.changeable import declared_problems
from serving.errors import LetterLanguageUnknown, LetterPolicyMalformed

PART = "explanation_letter"
KEYS = ("weights", "changeable", "legal_basis", "languages")
TEXTS: Mapping[str, frozenset[str]] = {
    key: frozenset(places.split())
    for key, places in {
        "kind": "",
        "title": "",
        "subtitle": "model version",
        "footer": "decision",
        "outcome_approved": "",
        "outcome_declined": "",
        "outcome_referred": "",
        "fact_decision": "",
        "fact_decided_on": "",
        "fact_issued_on": "",
        "fact_model": "",
        "fact_jurisdiction": "",
        "result_approved": "date",
        "result_declined": "date",
        "result_referred": "date",
        "heading_result": "",
        "path_score": "pd cut_off",
        "path_knockout": "pd cut_off",
        "path_grey_band": "pd cut_off",
        "path_restricted": "pd cut_off",
        "heading_reasons": "",
        "reasons_intro": "",
        "heading_data": "",
        "data_intro": "",
        "column_datum": "",
        "column_value": "",
        "column_source": "",
        "column_effect": "",
        "source_application": "",
        "source_fresh": "table date",
        "source_stale": "table",
        "source_absent": "table",
        "value_unknown": "",
        "value_true": "",
        "value_false": "",
        "against_strong": "",
        "against_moderate": "",
        "against_slight": "",
        "for_strong": "",
        "for_moderate": "",
        "for_slight": "",
        "no_effect": "",
        "picture_caption": "",
        "picture_alt": "",
        "picture_base": "",
        "picture_end": "",
        "picture_others": "count",
        "picture_against": "",
        "picture_for": "",
        "picture_unit": "",
        "heading_model": "",
        "model": "title version purpose",
        "heading_human": "",
        "human_score": "",
        "human_knockout": "",
        "human_grey_band": "",
        "human_restricted": "",
        "heading_changes": "",
        "changes_intro": "",
        "changes_item": "changes pd",
        "change": "feature before after",
        "changes_limits": "",
        "changes_none_found": "",
        "changes_nothing_changeable": "",
        "changes_left_to_a_person": "",
        "heading_rights": "",
        "heading_contact": "",
        "heading_legal": "",
        "legal_item": "clause date",
    }.items()
}
"""Every text with the places that it may fill in; all are needed."""
LISTS = ("rights", "contact")
MARKS = ("decimal_mark", "thousands_mark")


@dataclass(frozen=True)
class Weights:
    """From which share of the sum of all absolute contributions (0 to 1) one counts as strong or moderate."""

    strong: float
    moderate: float

    def word(self, share: float) -> str:
        if share >= self.strong:
            return "strong"
        return "moderate" if share >= self.moderate else "slight"


@dataclass(frozen=True)
class LegalBasis:
    """A clause, and from which day decisions are explained under it."""

    clause: str
    applies_from: date


@dataclass(frozen=True)
class Texts:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str]
    features: Mapping[str, str]
    rights: tuple[str, ...]
    contact: tuple[str, ...]
    decimal_mark: str
    thousands_mark: str

    def say(self, key: str, **places: str) -> str:
        return self.texts[key].format(**places)

    def number(self, value: float, digits: int) -> str:
        """A number with at most so many digits behind the mark, as the language writes it."""
        text = f"{value:,.{digits}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        marks = {",": self.thousands_mark, ".": self.decimal_mark}
        return "".join(marks.get(sign, sign) for sign in text)

    def percent(self, share: float) -> str:
        return f"{self.number(100 * share, 2)} %"


@dataclass(frozen=True)
class LetterPolicy:
    """The part of a policy's body that letters of explanation are made from."""

    weights: Weights
    changeable: Mapping[str, Mapping[str, Any]]
    legal_basis: tuple[LegalBasis, ...]
    languages: Mapping[str, Texts]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self | None:
        """None where the body holds no such part. Raises LetterPolicyMalformed naming everything wrong with it at once."""
        if PART not in body:
            return None
        part = body[PART]
        if problems := list(_problems(part)):
            raise LetterPolicyMalformed(
                "The letter of explanation cannot be used.", errors=problems
            )
        return cls(
            Weights(**part["weights"]),
            part["changeable"],
            tuple(
                LegalBasis(basis["clause"], date.fromisoformat(basis["applies_from"]))
                for basis in part["legal_basis"]
            ),
            {language: _texts(language, said) for language, said in part["languages"].items()},
        )

    def texts(self, language: str) -> Texts:
        """Raises LetterLanguageUnknown."""
        if language not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise LetterLanguageUnknown(
                "The policy has no letter in that language.",
                errors=[FieldProblem("language", "unknown", f"One of {known}.")],
            )
        return self.languages[language]

    def basis_on(self, day: date) -> list[LegalBasis]:
        """The clauses that apply to a decision of that day."""
        return [basis for basis in self.legal_basis if basis.applies_from <= day]


def _texts(language: str, said: Mapping[str, Any]) -> Texts:
    return Texts(
        language,
        {key: said[key] for key in TEXTS},
        said["features"],
        tuple(said["rights"]),
        tuple(said["contact"]),
        said["decimal_mark"],
        said["thousands_mark"],
    )


def _problems(part: object) -> Iterator[FieldProblem]:
    if not isinstance(part, Mapping):
        yield _fault(PART, "Must be a table.")
        return
    yield from _key_problems(PART, part, KEYS)
    if "weights" in part:
        yield from _weight_problems(part["weights"])
    if "changeable" in part:
        yield from declared_problems(part["changeable"], f"{PART}.changeable")
    if "legal_basis" in part:
        yield from _basis_problems(part["legal_basis"])
    languages = part.get("languages", {})
    if not isinstance(languages, Mapping) or not languages:
        yield _fault(f"{PART}.languages", "Must be a table of languages that is not empty.")
        return
    for language, said in languages.items():
        yield from _language_problems(f"{PART}.languages.{language}", said)


def _weight_problems(weights: object) -> Iterator[FieldProblem]:
    where = f"{PART}.weights"
    if not isinstance(weights, Mapping) or set(weights) != {"strong", "moderate"}:
        yield _fault(where, "Must be a table of strong and moderate.")
        return
    shares = [weights["moderate"], weights["strong"]]
    if not all(type(share) in (int, float) for share in shares) or not (
        0 < shares[0] < shares[1] <= 1
    ):
        yield _fault(where, "Must be shares: 0 < moderate < strong <= 1.")


def _basis_problems(bases: object) -> Iterator[FieldProblem]:
    where = f"{PART}.legal_basis"
    if not isinstance(bases, list) or not bases:
        yield _fault(where, "Must be a list that is not empty.")
        return
    for place, basis in enumerate(bases):
        if not isinstance(basis, Mapping) or set(basis) != {"clause", "applies_from"}:
            yield _fault(f"{where}.{place}", "Must be a table of clause and applies_from.")
        elif not _is_text(basis["clause"]) or not _is_day(basis["applies_from"]):
            yield _fault(f"{where}.{place}", "Must be a text and a day such as 2018-05-25.")


def _language_problems(where: str, said: object) -> Iterator[FieldProblem]:
    if not isinstance(said, Mapping):
        yield _fault(where, "Must be a table.")
        return
    yield from _key_problems(where, said, (*TEXTS, *LISTS, *MARKS, "features"))
    for key, places in TEXTS.items():
        if key in said and (detail := _text_fault(said[key], places)):
            yield _fault(f"{where}.{key}", detail)
    for key in LISTS:
        lines = said.get(key, ["-"])
        if not isinstance(lines, list) or not lines or not all(_is_text(line) for line in lines):
            yield _fault(f"{where}.{key}", "Must be a list of texts that is not empty.")
    for key in MARKS:
        if not isinstance(said.get(key, ""), str):
            yield _fault(f"{where}.{key}", "Must be a text.")
    features = said.get("features", {})
    if not isinstance(features, Mapping) or not all(_is_text(name) for name in features.values()):
        yield _fault(f"{where}.features", "Must be a table of names.")
    elif len(set(features.values())) < len(features):
        yield _fault(f"{where}.features", "Two features have one name.")


def _text_fault(text: object, places: frozenset[str]) -> str | None:
    if not _is_text(text):
        return "Must be a text that is not empty."
    try:
        filled = [
            (name, spec, how)
            for _, name, spec, how in Formatter().parse(str(text))
            if name is not None
        ]
    except ValueError:
        return "Has a brace that opens or closes nothing."
    if any(name not in places or spec or how for name, spec, how in filled):
        allowed = ", ".join(f"{{{place}}}" for place in sorted(places)) or "nothing"
        return f"May fill in {allowed}."
    return None


def _key_problems(
    where: str, table: Mapping[str, Any], expected: tuple[str, ...]
) -> Iterator[FieldProblem]:
    yield from (_fault(f"{where}.{key}", "Is required.") for key in expected if key not in table)
    for key in sorted(set(table) - set(expected)):
        yield FieldProblem(f"{where}.{key}", "unexpected", "No such key.")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_day(value: object) -> bool:
    try:
        date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _fault(field: str, detail: str) -> FieldProblem:
    return FieldProblem(field, "malformed", detail)
