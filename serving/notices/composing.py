"""What a notice says: approved texts and one decision in, plain data out. Pure, and the same for the same inputs.

The data holds texts and lists only, in the order in which they are read, so that it can be kept as it is. The applicant's name
and address are not known here: `recipient` holds their place, which the bank fills in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.errors import KeyFactorsUnknown
from serving.notices.texts import NoticeTexts

SCHEMA = "credence-notice/1"


@dataclass(frozen=True)
class ActionTaken:
    """What became of an application in the end, whoever decided it: the score, or a person.

    `reasons` are the principal reasons as they were given, in their order.
    """

    outcome: str
    reasons: tuple[str, ...]
    decided_at: datetime


@dataclass(frozen=True)
class About:
    """The decision that a notice is about, as numbers: `scores` by what a policy may call one.

    `key_factors` are those of the score, None where the decision was made without any.
    """

    decision_id: str
    application_id: str
    scores: Mapping[str, float]
    key_factors: tuple[str, ...] | None = None


def adverse_action_notice(
    texts: NoticeTexts, action: ActionTaken, about: About, issued_at: datetime
) -> dict[str, Any]:
    """The notice that an application was declined. Raises KeyFactorsUnknown."""
    words = texts.words
    return {
        "schema": SCHEMA,
        "kind": "adverse_action",
        "language": texts.language,
        "jurisdiction": texts.jurisdiction,
        "legal_basis": list(texts.legal_basis),
        "title": words["title"],
        "creditor": _address(texts.creditor),
        "recipient": {"label": words["recipient"], "name": "", "address": ""},
        "facts": [
            [words["issued_on"], _day(issued_at)],
            [words["decided_on"], _day(action.decided_at)],
            [words["reference"], about.decision_id],
            [words["application"], about.application_id],
        ],
        "action_taken": words["action"],
        "principal_reasons": {"heading": words["reasons"], "statements": list(action.reasons)},
        "consumer_report": _report(texts),
        "credit_score": _score(texts, action, about),
        "equal_credit": {
            "heading": words["equal_credit"],
            "notice": words["equal_credit_notice"],
            "agency": {"label": words["agency"], **_address(texts.agency)},
        },
        "contact": {"heading": words["contact"], "text": texts.contact},
        "footer": texts.footer,
    }


def _report(texts: NoticeTexts) -> dict[str, Any] | None:
    report = texts.consumer_report
    if report is None:
        return None
    bureau = {**_address(report["bureau"]), "telephone": report["bureau"]["telephone"]}
    return {
        "heading": report["heading"],
        "statement": report["statement"],
        "bureau": bureau,
        "rights": list(report["rights"]),
    }


def _score(texts: NoticeTexts, action: ActionTaken, about: About) -> dict[str, Any] | None:
    """The score used with its range, date, source and key factors: FCRA 615(a)(2), 609(f)(1)."""
    score = texts.credit_score
    if score is None:
        return None
    if about.key_factors is None:
        raise KeyFactorsUnknown(
            "The notice policy calls the score a credit score, and the decision holds no key factors of it."
        )
    value = f"{about.scores[score['of']]:.{score['decimals']}f}"
    return {
        "heading": score["heading"],
        "statement": score["statement"],
        "facts": [
            [score["value"], value],
            [score["range"], f"{score['lowest']} - {score['highest']}"],
            [score["created_on"], _day(action.decided_at)],
            [score["supplied_by"], score["supplier"]],
        ],
        "key_factors": {"heading": score["key_factors"], "statements": list(about.key_factors)},
    }


def _address(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": of["name"], "address": list(of["address"])}


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
