"""The texts that applicants are told, by reason group and language: their shape, and what is wrong with some. Pure.

{"languages": ["en"], "is_fcra_credit_score": false, "groups": {"income": {
    "code": "R02", "sample_form": "Income insufficient for amount of credit requested", "key_factor": "no",
    "texts": {"en": {"statement": "...", "missing_statement": "..."}}}}}

`sample_form` is an item of Reg B's form C-1 or "other". `key_factor` says whether the group can be a key factor of a
credit score under the FCRA: "no", "yes", or "inquiries", which may come as a fifth. `is_fcra_credit_score` is counsel's
to say. Libraries from before there were languages, {"language": "en", "groups": {"income": {"code", "statement",
"missing_statement"}}}, are read as well: they map to no form and name no key factors.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from audit.errors import FieldProblem

OTHER = "other"
KEY_FACTORS = ("no", "yes", "inquiries")
TEXTS = ("statement", "missing_statement")
_BODY = ("languages", "is_fcra_credit_score", "groups")
_GROUP = ("code", "sample_form", "key_factor", "texts")
_BODY_BEFORE = ("language", "groups")
_GROUP_BEFORE = ("code", *TEXTS)
_REFUSED_PHRASES = ("says_nothing", "incomplete", "protected_basis")


class LibraryUnreadable(ValueError):
    """A reason library does not say what giving reasons takes; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What an applicant is told about one reason group in one language: of a known value, and of a missing one."""

    statement: str
    missing_statement: str


@dataclass(frozen=True)
class ReasonGroup:
    """One reason group; `sample_form` is None in libraries from before there was a mapping."""

    code: str
    texts: Mapping[str, Texts]
    sample_form: str | None = None
    key_factor: str = "no"


@dataclass(frozen=True)
class ReasonLibrary:
    """The approved texts by reason group. Decisions speak the first of the languages."""

    languages: tuple[str, ...]
    groups: Mapping[str, ReasonGroup]
    is_fcra_credit_score: bool = False

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the body of a policy of kind `reason_library`, of either shape. Raises LibraryUnreadable."""
        try:
            if "language" in body:
                body = _in_languages(body)
            groups = {
                name: ReasonGroup(
                    code=group["code"],
                    texts={language: Texts(**group["texts"][language]) for language in body["languages"]},
                    sample_form=group["sample_form"],
                    key_factor=group["key_factor"],
                )
                for name, group in body["groups"].items()
            }  # fmt: skip
            return cls(tuple(body["languages"]), groups, body["is_fcra_credit_score"])
        except (KeyError, TypeError, AttributeError) as problem:
            raise LibraryUnreadable(f"The reason library cannot be read: {problem}.") from None

    def texts_of(self, group: str, language: str | None = None) -> Texts:
        """Raises KeyError for an unknown group, or a language that the library does not speak."""
        return self.groups[group].texts[language or self.languages[0]]


def library_problems(body: Mapping[str, Any]) -> list[FieldProblem]:
    """Everything wrong with the body of a reason library: its shape first, then what its texts say."""
    problems = list(_shape_problems_before(body) if "language" in body else _shape_problems(body))
    return problems or list(_text_problems(body))


def sample_form_items() -> tuple[str, ...]:
    """The reasons of Reg B's sample form C-1, as `reason_rules.toml` cites them."""
    return tuple(_rules()["sample_form"]["items"])


def _in_languages(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A library of one language in the shape of those with several."""
    language = body["language"]
    groups = {
        name: {
            "code": group["code"],
            "sample_form": None,
            "key_factor": "no",
            "texts": {language: {key: group[key] for key in TEXTS}},
        }
        for name, group in body["groups"].items()
    }
    return {"languages": [language], "is_fcra_credit_score": False, "groups": groups}


def _shape_problems_before(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    yield from _key_problems("body", body, _BODY_BEFORE)
    if not _is_text(body["language"]):
        yield _fault("body.language", "Must be a language such as en.")
    for where, group in _groups(body):
        if not isinstance(group, Mapping):
            yield _fault(where, "Must be an object.")
        else:
            yield from _key_problems(where, group, _GROUP_BEFORE)
            yield from _blank(where, group, _GROUP_BEFORE)
    yield from _no_groups(body)


def _shape_problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    yield from _key_problems("body", body, _BODY)
    languages = body.get("languages")
    if not isinstance(languages, list) or not languages or not all(map(_is_text, languages)):
        languages = []
        yield _fault("body.languages", "Must be a list of languages such as en, the first for decisions.")  # fmt: skip
    elif len(set(languages)) != len(languages):
        yield _fault("body.languages", "Each language is listed once.")
    if not isinstance(body.get("is_fcra_credit_score"), bool):
        yield _fault("body.is_fcra_credit_score", "Must be true or false: counsel says which.")
    for where, group in _groups(body):
        if not isinstance(group, Mapping):
            yield _fault(where, "Must be an object.")
            continue
        yield from _key_problems(where, group, _GROUP)
        yield from _blank(where, group, ("code",))
        if group.get("sample_form") not in (OTHER, *sample_form_items()):
            source = _rules()["sample_form"]["source"]
            yield _fault(f"{where}.sample_form", f"Must be an item of {source}, or {OTHER}.")
        if group.get("key_factor") not in KEY_FACTORS:
            yield _fault(f"{where}.key_factor", f"Must be one of {', '.join(KEY_FACTORS)}.")
        texts = group.get("texts")
        if not isinstance(texts, Mapping):
            yield _fault(f"{where}.texts", "Must be an object of texts by language.")
            continue
        yield from _key_problems(f"{where}.texts", texts, tuple(languages))
        for language in set(languages).intersection(texts):
            inside = f"{where}.texts.{language}"
            if not isinstance(texts[language], Mapping):
                yield _fault(inside, "Must be an object.")
            else:
                yield from _key_problems(inside, texts[language], TEXTS)
                yield from _blank(inside, texts[language], TEXTS)
    yield from _no_groups(body)


def _text_problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """What texts of the right shape say that a reason may not: each problem names the group and the text."""
    library = ReasonLibrary.from_json(body)
    flat = "language" in body
    seen: dict[tuple[str, str], list[str]] = defaultdict(list)
    codes: dict[str, list[str]] = defaultdict(list)
    for name, group in library.groups.items():
        codes[group.code].append(f"body.groups.{name}.code")
        if group.sample_form is not None and _found(group.sample_form, "incomplete", "en"):
            yield _fault(f"body.groups.{name}.sample_form", "An application that was decided was not incomplete.")  # fmt: skip
        for language, texts in group.texts.items():
            where = f"body.groups.{name}" if flat else f"body.groups.{name}.texts.{language}"
            for key in TEXTS:
                text = getattr(texts, key)
                seen[language, _plain(text)].append(f"{where}.{key}")
                yield from _said_wrong(f"{where}.{key}", text, language)
            if _plain(texts.statement) == _plain(texts.missing_statement):
                yield _fault(f"{where}.missing_statement", "A missing value is not worded as behaviour: say that it is missing.")  # fmt: skip
    for places in seen.values():
        owners = {place.split(".")[2] for place in places}
        if len(owners) > 1:
            for place in places:
                yield _fault(place, f"{_listed(owners)} say the same: an applicant cannot tell which it was.")  # fmt: skip
    for places in codes.values():
        if len(places) > 1:
            for place in places:
                yield _fault(place, "Another group has the same code.")


def _said_wrong(where: str, text: str, language: str) -> Iterator[FieldProblem]:
    for rule in _REFUSED_PHRASES:
        if found := _found(text, rule, language):
            said = _rules()[rule]
            yield _fault(where, f"{said['why'].format(found=found)} {said['source']}.")
    most = _rules()["length"]["most_characters"]
    if len(text) > most:
        yield _fault(where, f"Has {len(text)} characters; at most {most}.")


def _found(text: str, rule: str, language: str) -> str | None:
    """The first phrase of that rule in the text; None too where the rules know no phrase of the language."""
    said, plain = _rules()[rule], _plain(text)
    if plain in said["alone"].get(language, ()):
        return plain
    phrases: list[str] = said["phrases"].get(language, [])
    return next((each for each in phrases if re.search(rf"\b{re.escape(each)}\b", plain)), None)


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("reason_rules.toml").read_text("utf-8"))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .")


def _listed(names: set[str]) -> str:
    return " and ".join(sorted(names))


def _groups(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    groups = body.get("groups")
    if isinstance(groups, Mapping):
        for name, group in groups.items():
            yield f"body.groups.{name}", group


def _no_groups(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    if not isinstance(body.get("groups"), Mapping) or not body["groups"]:
        yield _fault("body.groups", "Must be an object that is not empty.")


def _blank(where: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[FieldProblem]:
    for key in keys:
        if key in table and not _is_text(table[key]):
            yield _fault(f"{where}.{key}", "Must be a text that is not empty.")


def _key_problems(where: str, table: Mapping[str, Any], expected: tuple[str, ...]) -> list[FieldProblem]:  # fmt: skip
    missing = [_fault(f"{where}.{key}", "Is required.") for key in expected if key not in table]
    return missing + [_fault(f"{where}.{key}", "Unknown key.") for key in table if key not in expected]  # fmt: skip


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _fault(field: str, detail: str) -> FieldProblem:
    return FieldProblem(field, "malformed", detail)
