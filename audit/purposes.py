"""What a person's secrets are for, and whether the law makes us keep what lies under them. Pure.

Everything personal belongs to one purpose, and is erased with that purpose's secret. What decides about an
application is kept for its retention period, whatever the person asks. What watches for bias helped no decision and
is erased when asked for.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Purpose:
    """`retained`: kept until its retention period has ended, against a request for erasure.

    `title` is for those who decide; `about` says it to the person, in letters.
    """

    name: str
    retained: bool
    title: str
    about: str


DECISION = Purpose(
    "decision",
    True,
    "Decisions: features, scores, reasons, outcomes",
    "what your applications were decided on: the data used, the score, the decision, its reasons, and how the "
    "credit turned out",
)
MONITORING = Purpose(
    "monitoring",
    False,
    "Protected attributes kept for monitoring",
    "attributes such as age or sex that are kept apart to watch for unequal treatment, and never used to decide",
)
PURPOSES = {purpose.name: purpose for purpose in (DECISION, MONITORING)}
