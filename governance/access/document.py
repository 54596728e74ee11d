"""The copy as documents that people read. Pure: gathered data in, documents out."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitoring.reporting.words import counted
from registry.documents import Document, Section, Statement, Table

RIGHTS = (
    "You may ask for correction (Art. 16 GDPR), erasure (Art. 17), restriction (Art. 18) and a portable copy of what "
    "you provided (Art. 20), and you may object (Art. 21). Each decision you may have reviewed by a person (Art. 22(3)).",
    "You may lodge a complaint with a data protection supervisory authority, in particular where you live, where you "
    "work, or where you think the law was broken (Art. 77 GDPR), and you may go to court (Art. 79 GDPR).",
)
FILES = (
    "This letter belongs to a package: data.pdf shows everything for reading, data.json holds the same for machines, and "
    "manifest.json lists the files with their SHA-256, signed in manifest.sig."
)


def letter(copy: Mapping[str, Any], expires_on: str) -> Document:
    """The cover letter: what is in the package, from when to when, and which rights there are."""
    request, decisions = copy["request"], copy["decisions"]
    days = sorted(decision["decided_at"][:10] for decision in decisions)
    scope = (
        f"It covers {counted(len(decisions), 'decision')} from {days[0]} to {days[-1]}."
        if days
        else "Nothing is held that can be connected with the reference that you gave."
    )
    return Document(
        title="Your data",
        subtitle=f"Our reference {request['correspondence']}",
        kind="Answer to your request for access (Art. 15 GDPR)",
        statements=(Statement("note", scope),),
        facts=(
            ("Received on", request["received_on"]),
            ("Made at", request["made_at"]),
            ("Identity", copy["identity"]["identity_check"]),
            ("Our file is deleted on", expires_on),
        ),
        sections=(
            Section(
                "What this is", ("You asked for a copy of your personal data. Here it is.", FILES)
            ),
            Section("Your rights", RIGHTS),
        ),
        footer=f"Access request {request['id']}",
    )


def data(copy: Mapping[str, Any]) -> Document:
    """Everything that was gathered, for reading."""
    request = copy["request"]
    return Document(
        title="What is held about you",
        subtitle=f"Our reference {request['correspondence']}",
        kind="Copy of personal data",
        statements=(
            Statement("note", f"{counted(len(copy['decisions']), 'decision')} held about you."),
            Statement(
                "note",
                f"{counted(len(copy['monitoring_attributes']), 'row')} of attributes held to watch for bias.",
            ),
        ),
        facts=(
            ("Identifier here", copy["identity"]["identifier_here"] or "none"),
            ("Names", copy["identity"]["names"]),
            ("As of", request["made_at"]),
        ),
        sections=(
            Section("How decisions are made", (copy["profiling"],)),
            *(_decision(decision) for decision in copy["decisions"]),
            *_others(copy),
        ),
        footer=f"Access request {request['id']}",
    )


def _decision(decision: Mapping[str, Any]) -> Section:
    title = f"Decision of {decision['decided_at'][:10]}: {decision.get('outcome', 'erased')}"
    made = (
        f"Decision {decision['decision_id']} on application {decision['application_id']}, made at "
        f"{decision['decided_at']} by {decision['model']} ({decision['model_name']}), version {decision['version']}, "
        f"under decision policy {decision['policy_version']}; decided by {decision['decision_path']}."
    )
    if "erased" in decision:
        return Section(title, (made, decision["erased"]))
    score = decision["score"]
    scored = (
        f"Estimated probability of default {_text(score['probability_of_default'])}, against a cut-off of "
        f"{_text(score['cut_off'])}; margin {_text(score['margin'])}, of which {_text(score['base_value'])} is that of comparable approved applicants."
    )
    reasons = [f"Reason: {reason['statement']}." for reason in decision["reasons"]]
    used = Table(
        ("Datum", "Value", "Contribution", "As of"),
        tuple(
            (row["feature"], _text(row["value"]), _text(row["contribution"]), row["as_of"][:10])
            for row in decision["data_used"]
        ),
        caption="; ".join(
            dict.fromkeys(f"Data used, {row['source']}" for row in decision["data_used"])
        ),
        left=2,
    )
    return Section(title, (made, scored, *reasons), tables=(used,))


def _others(copy: Mapping[str, Any]) -> Iterator[Section]:
    yield _listed(
        "Attributes kept to watch for bias", ("Supplied at", "Attribute", "Value"),
        [
            (row["supplied_at"], name, _text(value))
            for row in copy["monitoring_attributes"]
            for name, value in row["values"].items()
        ],
    )  # fmt: skip
    yield _listed(
        "Values kept to decide applications with", ("Holds from", "Table", "Datum", "Value"),
        [
            (row["holds_from"], row["table"], name, _text(value))
            for row in copy["feature_values"]
            for name, value in row["values"].items()
        ],
    )  # fmt: skip
    yield _listed(
        "Other records", ("Recorded at", "Record", "Content"),
        [
            (row["recorded_at"], row["event"], "; ".join(f"{name}: {_text(value)}" for name, value in row["content"].items()))
            for row in copy["other_records"]
        ],
    )  # fmt: skip
    yield _listed(
        "Your earlier requests", ("Kind", "Received on", "State"),
        [(row["kind"], row["received_on"], row["state"]) for row in copy["earlier_requests"]],
    )  # fmt: skip
    yield _listed(
        "Who received it", ("Recipient", "What", "When"),
        [(row["who"], row["what"], row["when"] or "with each decision") for row in copy["recipients"]],
    )  # fmt: skip
    yield _listed(
        "How long it is kept", ("What", "Records", "Kept"),
        [(row["about"], str(row["records"]), row["kept"]) for row in copy["retention"]],
    )  # fmt: skip
    yield _listed(
        "What this service does not know", ("About", "Answer"),
        [(name.replace("_", " "), text) for name, text in copy["not_known_here"].items()],
    )  # fmt: skip
    yield Section("What was left out", tuple(_left_out(row) for row in copy["redactions"]))


def _left_out(row: Mapping[str, Any]) -> str:
    return f"{row['what']}. Shown instead: {row['instead']}. Reason: {row['reason']}."


def _listed(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Section:
    if not rows:
        return Section(title, ("None.",))
    return Section(title, tables=(Table(columns, tuple(rows), left=len(columns)),))


def _text(value: object) -> str:
    """Numbers as people read them; data.json has every digit."""
    if value is None:
        return "not given"
    text = str(value)
    try:
        return f"{float(text):.6g}" if "." in text else text
    except ValueError:
        return text
