"""The notice: whether one is due, was issued and was sent."""

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import link, table, tag
from serving.models import Decision
from serving.notices import due


@admin.display(description="Clock")
def notice_clock(decision: Decision) -> str:
    now = timezone.now()
    texts = due.texts_in_force(now).get(decision.model_name)
    if texts is None:
        return "No notice policy is in force: nothing has a due date."
    clock = due.clock_of(decision, texts)
    late = ", after it was due" if clock.stopped_late else ""
    ended = f"ended {clock.stopped_at:%Y-%m-%d %H:%M} UTC{late}; " if clock.stopped_at else ""
    return format_html(
        "{} {}due {} UTC, {} days from {} ({})",
        tag(clock.stopped_by or clock.state(now)),
        ended,
        f"{clock.due_at:%Y-%m-%d %H:%M}",
        clock.clock.days,
        clock.basis.replace("_", " "),
        clock.clock.legal_basis,
    )


@admin.display(description="Issued")
def issued(decision: Decision) -> str:
    if notice := due.notice_of(decision):
        return link(notice)
    offered = due.offer_with_reasons_of(decision)
    return format_html("With a counteroffer: {}", link(offered)) if offered else "Not yet."


@admin.display(description="To read")
def notice_links(decision: Decision) -> str:
    address = reverse("notice", args=[decision.pk])
    return format_html(
        '<a class="text-link" href="{}?format=html">page</a>, <a class="text-link" href="{}?format=pdf">PDF</a>',
        address,
        address,
    )


@admin.display(description="Sent")
def deliveries_table(decision: Decision) -> str:
    notice = due.notice_of(decision) or due.offer_with_reasons_of(decision)
    deliveries = list(notice.deliveries.select_related("recorded_by")) if notice else []
    if not deliveries:
        return "Not yet, as far as is recorded here."
    return table(
        ["Sent at", "By", "Recorded by", "Entry"],
        [
            (f"{each.sent_at:%Y-%m-%d %H:%M} UTC", each.channel, each.recorded_by, link(each.entry))
            for each in deliveries
        ],
    )


NOTICE = Part("Notice", (notice_clock, issued, deliveries_table))
TEXT = Part(
    "What the notice says",
    (notice_links,),
    of_few=True,
    applies=lambda decision: due.notice_of(decision) is not None,
)
