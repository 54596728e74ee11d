"""What became of a decision after the score: corrected data, people's decisions, reviews."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from audit.errors import AlreadyErased
from serving.admin.parts import link, table, tag
from serving.models import Correction, Decision, Review
from serving.resolutions import corrections_of, resolutions_of, said_in

Row = tuple[datetime, object, object, object]


def chain(decision: Decision) -> SafeString:
    """The decision itself and everything linked to it, in the order in which it happened."""
    rows = sorted(_rows(decision), key=lambda row: row[0])
    return table(
        ["When", "What", "By", "Result"],
        [(f"{when:%Y-%m-%d %H:%M} UTC", *cells) for when, *cells in rows],
    )


def _rows(decision: Decision) -> Iterator[Row]:
    by = "the score" if decision.outcome != "referred" else "the score, which leaves it to a person"
    yield decision.decided_at, "This decision", by, tag(decision.outcome)
    corrected = Correction.objects.filter(decision=decision).select_related("original").first()
    if corrected is not None:
        before = corrected.original
        what = link(before, f"Decided before {', '.join(corrected.features)} were put right")
        yield before.decided_at, what, "the score", tag(before.outcome)
    for correction in corrections_of(decision):
        new = correction.decision
        what = link(new, f"Decided anew with corrected {', '.join(correction.features)}")
        yield new.decided_at, what, "the score", tag(new.outcome)
    for row in resolutions_of(decision):
        kind = row.get_override_code_display() or row.get_kind_display()
        yield (
            row.decided_at,
            link(row, f"Resolution: {kind.lower()}"),
            row.decided_by,
            tag(row.outcome),
        )
    for review in Review.objects.filter(decision=decision).select_related("reviewer"):
        yield review.opened_at, link(review, "Review"), review.reviewer or "-", tag(review.state)


def persons_reasons(decision: Decision) -> str:
    """Why people decided as they did, for those who may see what concerns applicants."""
    shown = []
    for row in resolutions_of(decision):
        try:
            said = said_in(row)
        except AlreadyErased:
            continue
        reasons = [
            (one["rank"], one["code"] or "-", one["statement"], one["component"])
            for one in said["reasons"]
        ]
        reasons_table = (
            table(["", "Code", "What the applicant is told", "Of"], reasons) if reasons else ""
        )
        shown.append((row, said["rationale"], reasons_table))
    return format_html_join("", "<p><b>{}</b>: {}</p>{}", shown) or "-"
