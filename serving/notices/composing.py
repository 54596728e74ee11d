"""What a notice says: approved texts and what it is about in, plain data out. Pure, and the same for the same inputs.

The data holds texts and lists only, in the order in which they are read, so that it can be kept as it is. The applicant's name
and address are not known here: `recipient` holds their place, which the bank fills in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from serving.errors import KeyFactorsUnknown
from serving.notices.application_texts import ApplicationTexts
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


@dataclass(frozen=True)
class Refused:
    """The decision whose reasons say why the terms asked for were refused."""

    action: ActionTaken
    about: About


@dataclass(frozen=True)
class Offer:
    """A counteroffer as the lending system told of it: made on a day, open until another.

    `refused` is None where no decision with reasons declined the terms asked for; then no reasons are given.
    """

    application_id: str
    offered_on: date
    answer_by: date
    asked: tuple[str, ...]
    offered: tuple[str, ...]
    refused: Refused | None


@dataclass(frozen=True)
class Lacking:
    """What an application lacks, since when it is here, and until when that is needed."""

    application_id: str
    received_on: date
    answer_by: date
    missing: tuple[str, ...]


def adverse_action_notice(
    texts: NoticeTexts, action: ActionTaken, about: About, issued_at: datetime
) -> dict[str, Any]:
    """The notice that an application was declined. Raises KeyFactorsUnknown."""
    words = texts.words
    return {
        **_head("adverse_action", texts, words["title"], texts.legal_basis),
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
        "equal_credit": _equal_credit(texts),
        "contact": {"heading": words["contact"], "text": texts.contact},
        "footer": texts.footer,
    }


def counteroffer_notice(
    texts: NoticeTexts, part: ApplicationTexts, offer: Offer, issued_at: datetime
) -> dict[str, Any]:
    """The notice of a counteroffer, combined with the reasons where there are some: 12 CFR 1002 Appendix C, form C-4, comment 9(a)(1)-6.

    Raises KeyFactorsUnknown.
    """
    words, refused = {**texts.words, **part.words}, offer.refused
    reference = [[words["reference"], refused.about.decision_id]] if refused else []
    return {
        **_head("counteroffer", texts, words["title"], (*texts.legal_basis, part.legal_basis)),
        "facts": [
            [words["issued_on"], _day(issued_at)],
            [words["offered_on"], offer.offered_on.isoformat()],
            [words["answer_by"], offer.answer_by.isoformat()],
            *reference,
            [words["application"], offer.application_id],
        ],
        "action_taken": words["action"],
        "terms": [
            {"heading": words["asked"], "statements": list(offer.asked)},
            {"heading": words["offered"], "statements": list(offer.offered)},
        ],
        "next_step": words["acceptance"],
        "principal_reasons": refused
        and {"heading": words["reasons"], "statements": list(refused.action.reasons)},
        "consumer_report": _report(texts) if refused else None,
        "credit_score": _score(texts, refused.action, refused.about) if refused else None,
        "equal_credit": _equal_credit(texts),
        "contact": {"heading": words["contact"], "text": texts.contact},
        "footer": words["footer"],
    }


def incompleteness_notice(
    texts: NoticeTexts, part: ApplicationTexts, lacking: Lacking, issued_at: datetime
) -> dict[str, Any]:
    """The notice of what an application lacks: 12 CFR 1002.9(c)(2), form C-6. It gives no reasons: nothing was decided.

    Its basis is that of its part alone: the policy's is for action that was taken.
    """
    words = {**texts.words, **part.words}
    return {
        **_head("incompleteness", texts, words["title"], (part.legal_basis,)),
        "facts": [
            [words["issued_on"], _day(issued_at)],
            [words["received_on"], lacking.received_on.isoformat()],
            [words["answer_by"], lacking.answer_by.isoformat()],
            [words["application"], lacking.application_id],
        ],
        "action_taken": words["action"],
        "terms": [{"heading": words["missing"], "statements": list(lacking.missing)}],
        "next_step": words["consequence"],
        "principal_reasons": None,
        "consumer_report": None,
        "credit_score": None,
        "equal_credit": None,
        "contact": {"heading": words["contact"], "text": texts.contact},
        "footer": words["footer"],
    }


def _head(
    kind: str, texts: NoticeTexts, title: str, legal_basis: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kind": kind,
        "language": texts.language,
        "jurisdiction": texts.jurisdiction,
        "legal_basis": list(legal_basis),
        "title": title,
        "creditor": _address(texts.creditor),
        "recipient": {"label": texts.words["recipient"], "name": "", "address": ""},
    }


def _equal_credit(texts: NoticeTexts) -> dict[str, Any]:
    return {
        "heading": texts.words["equal_credit"],
        "notice": texts.words["equal_credit_notice"],
        "agency": {"label": texts.words["agency"], **_address(texts.agency)},
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
