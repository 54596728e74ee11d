"""How the decided application turned out."""

from django.contrib import admin

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import table
from serving.models import Decision


@admin.display(description="Labels")
def outcomes_table(decision: Decision) -> str:
    outcomes = decision.outcomes.all()
    if not outcomes:
        return "Not known yet."
    return table(
        ["As of", "Turned out", "Months on book", "Final", "Source"],
        [
            (o.observed_on, "bad" if o.bad else "good", o.months_on_book, o.matured, o.source)
            for o in outcomes
        ],
    )


TURNED_OUT = Part("How it turned out", (outcomes_table,))
