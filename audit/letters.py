"""The letters that answer a request for erasure. Pure: what was decided in, text out.

No name and no address is in them: the bank's own letter carries those, and the log's text can be kept.
"""

from datetime import date

from audit.purposes import PURPOSES
from audit.weighing import Assessment, Outcome, Part

COMPLAINT = (
    "If you disagree, you may lodge a complaint with a data protection supervisory authority, in particular where "
    "you live, where you work, or where you think the law was broken (Art. 77 GDPR), and you may go to court "
    "(Art. 79 GDPR). To answer you is free of charge."
)
OPENINGS = {
    Outcome.ERASED: "We have erased what we held about you.",
    Outcome.PARTIALLY_ERASED: "We have erased part of what we held about you. The law obliges us to keep the rest.",
    Outcome.RETAINED_LEGAL_OBLIGATION: "We cannot erase what we hold about you yet, because the law obliges us to keep it.",
    Outcome.RETAINED_LEGAL_CLAIMS: "We cannot erase what we hold about you now, because it is needed for legal claims.",
    Outcome.REFUSED_NOT_SUBJECT: "We hold nothing that we can connect with the reference that you gave us.",
}
PROOF = (
    "What was erased cannot be read again by anybody: its keys were destroyed. That decisions were made, and when, "
    "stays in our signed log, without anything that can be connected with you."
)


def erasure_letter(
    assessment: Assessment, correspondence: str, received_on: date, decided_on: date
) -> str:
    """The answer to a request for erasure."""
    lines = [
        f"Your request for erasure, our reference {correspondence}",
        "",
        f"You asked us on {_day(received_on)} to erase your personal data (Art. 17 GDPR). "
        f"We decided on {_day(decided_on)}.",
        "",
        OPENINGS[assessment.outcome],
    ]
    for part in assessment.parts:
        lines += ["", _part(part)]
    if assessment.erased:
        lines += ["", PROOF]
    if assessment.restriction:
        lines += ["", assessment.restriction]
    return "\n".join([*lines, "", COMPLAINT])


def extension_letter(
    correspondence: str, received_on: date, extended_until: date, reason: str
) -> str:
    """The notice that the answer takes longer, which must reach the person within the first month."""
    return "\n".join(
        [
            f"Your request for erasure, our reference {correspondence}",
            "",
            f"You asked us on {_day(received_on)} to erase your personal data. We need longer than one month, and "
            f"will answer by {_day(extended_until)} (Art. 12(3) GDPR), for this reason: {reason}",
            "",
            COMPLAINT,
        ]
    )


def _part(part: Part) -> str:
    what = PURPOSES[part.purpose].about
    classes = ", ".join(name.replace("_", " ") for name in part.record_classes)
    unit = "record" if part.records == 1 else "records"
    records = f" ({part.records} {unit}: {classes})" if part.records else ""
    if part.erase:
        return f"Erased under {part.article}: {what}{records}."
    until = f" We keep it until {_day(part.ends_on)} and erase it then." if part.ends_on else ""
    return f"Kept under {part.article}: {what}{records}. {part.why}{until}"


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"
