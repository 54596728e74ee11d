"""What the page of a decision is put together from: one module per part, in the order of `PARTS`.

A part is a heading and fields; a field is a function from a decision to text, with its label by `admin.display`, or
the name of a column.
"""

from serving.admin.decision_parts import (
    explanation,
    facts,
    letters,
    notice,
    outcomes,
    people,
    receipt,
    replays,
)

PARTS = (
    facts.SUMMARY,
    explanation.WHY,
    people.WHAT_BECAME,
    people.SAID,
    letters.LETTERS,
    facts.DECIDED_BY,
    facts.MADE_OF,
    facts.ASKED_FOR_BY,
    notice.NOTICE,
    notice.TEXT,
    outcomes.TURNED_OUT,
    replays.JUDGED_AGAIN,
    receipt.RECEIPT,
)
