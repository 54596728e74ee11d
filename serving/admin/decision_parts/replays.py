"""Whether the decision comes out the same when it is judged again."""

from django.contrib import admin

from serving.admin.decision_parts.parts import Part
from serving.admin.replays import replays_table
from serving.models import Decision


@admin.display(description="Replays")
def replays(decision: Decision) -> str:
    return replays_table(list(decision.replays.select_related("decision"))) or "Never yet."


JUDGED_AGAIN = Part("Judged again", (replays,))
