"""From the facts of an explanation to a letter in approved words. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from registry.documents import Document, Figure, Section, Statement, Table
from serving.letters.texts import LetterPolicy, Texts

PICTURE = "contributions"


def worded(
    facts: Mapping[str, Any], policy: LetterPolicy, language: str, issued_on: date
) -> Document:
    """The letter about one decision. Raises LetterLanguageUnknown."""
    texts = policy.texts(language)
    model = facts["model"]
    return Document(
        title=texts.say("title"),
        subtitle=texts.say("subtitle", model=model["title"], version=str(model["version"])),
        kind=texts.say("kind"),
        statements=(
            Statement(
                facts["outcome"],
                texts.say(f"result_{facts['outcome']}", date=_day(facts["decided_at"])),
            ),
        ),
        states={facts["outcome"]: texts.say(f"outcome_{facts['outcome']}")},
        facts=tuple(_facts(facts, texts, issued_on)),
        sections=tuple(_sections(facts, policy, texts)),
        footer=texts.say("footer", decision=facts["decision_id"]),
        language=language,
    )


def drawn_steps(facts: Mapping[str, Any], texts: Texts) -> list[tuple[str, float]]:
    """The features by the names that people know, with what each gave: for the picture."""
    return [(_name(row, texts), row["contribution"]) for row in facts["data"]]


def _facts(facts: Mapping[str, Any], texts: Texts, issued_on: date) -> Iterator[tuple[str, str]]:
    yield texts.say("fact_decision"), facts["decision_id"]
    yield texts.say("fact_decided_on"), _day(facts["decided_at"])
    yield texts.say("fact_issued_on"), issued_on.isoformat()
    yield texts.say("fact_model"), f"{facts['model']['name']} {facts['model']['version']}"
    if facts["policy"]["jurisdiction"]:
        yield texts.say("fact_jurisdiction"), facts["policy"]["jurisdiction"]


def _sections(facts: Mapping[str, Any], policy: LetterPolicy, texts: Texts) -> Iterator[Section]:
    score, model = facts["score"], facts["model"]
    places = {"pd": texts.percent(score["pd"]), "cut_off": texts.percent(score["cut_off"])}
    path = texts.say(f"path_{facts['decision_path']}", **places)
    yield Section(texts.say("heading_result"), paragraphs=(path,))
    if facts["reasons"]:
        reasons = tuple(f"{one['rank']}. {one['statement']}" for one in facts["reasons"])
        paragraphs = (texts.say("reasons_intro"), *reasons)
        yield Section(texts.say("heading_reasons"), paragraphs=paragraphs)
    yield Section(
        texts.say("heading_data"),
        paragraphs=(texts.say("data_intro"),),
        tables=(_data(facts["data"], policy, texts),),
        figures=(Figure(PICTURE, texts.say("picture_caption"), texts.say("picture_alt")),),
    )
    about = texts.say(
        "model", title=model["title"], version=str(model["version"]), purpose=model["purpose"]
    )
    yield Section(texts.say("heading_model"), paragraphs=(about,))
    human = texts.say(f"human_{facts['decision_path']}")
    yield Section(texts.say("heading_human"), paragraphs=(human,))
    if facts["counterfactuals"]["state"] != "not_needed":
        changes = tuple(_changes(facts, texts))
        yield Section(texts.say("heading_changes"), paragraphs=changes)
    yield Section(texts.say("heading_rights"), paragraphs=texts.rights)
    yield Section(texts.say("heading_contact"), paragraphs=texts.contact)
    clauses = tuple(
        texts.say("legal_item", clause=basis.clause, date=basis.applies_from.isoformat())
        for basis in policy.basis_on(date.fromisoformat(_day(facts["decided_at"])))
    )
    if clauses:
        yield Section(texts.say("heading_legal"), paragraphs=clauses)


def _data(rows: list[dict[str, Any]], policy: LetterPolicy, texts: Texts) -> Table:
    columns = ("column_datum", "column_value", "column_source", "column_effect")
    return Table(
        tuple(texts.say(column) for column in columns),
        tuple(
            (
                _name(row, texts),
                _value(row["value"], texts),
                _source(row["source"], texts),
                _effect(row, policy, texts),
            )
            for row in rows
        ),
        left=4,
        wide=2,
    )


def _name(row: Mapping[str, Any], texts: Texts) -> str:
    known = texts.features.get(row["feature"])
    if known:
        return known
    return f"{row['feature']} ({row['unit']})" if row["unit"] else str(row["feature"])


def _value(value: object, texts: Texts) -> str:
    match value:
        case None:
            return texts.say("value_unknown")
        case bool():
            return texts.say("value_true" if value else "value_false")
        case int() | float():
            return texts.number(value, 4)
    return str(value)


def _source(source: Mapping[str, Any], texts: Texts) -> str:
    if source["kind"] == "application":
        return texts.say("source_application")
    if source["state"] == "fresh":
        return texts.say("source_fresh", table=source["table"], date=_day(source["event_at"]))
    return texts.say(f"source_{source['state']}", table=source["table"])


def _effect(row: Mapping[str, Any], policy: LetterPolicy, texts: Texts) -> str:
    if row["direction"] == "none":
        return texts.say("no_effect")
    return texts.say(f"{row['direction']}_{policy.weights.word(row['share'])}")


def _changes(facts: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    told = facts["counterfactuals"]
    if told["state"] != "found":
        yield texts.say(f"changes_{told['state']}")
        return
    yield texts.say("changes_intro")
    names = {row["feature"]: _name(row, texts) for row in facts["data"]}
    for one in told["found"]:
        changes = "; ".join(
            texts.say(
                "change",
                feature=names[move["feature"]],
                before=_value(move["before"], texts),
                after=_value(move["after"], texts),
            )
            for move in one["moves"]
        )
        yield texts.say("changes_item", changes=changes, pd=texts.percent(one["pd"]))
    yield texts.say("changes_limits")


def _day(moment: str) -> str:
    """The day, in UTC, of a moment as the record writes it."""
    return moment[:10]
