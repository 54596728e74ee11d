"""Windows on what people made of decisions, with how often they override and how often reviews overturn."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from audit.action import holds
from audit.admin_base import ReadOnlyAdmin
from audit.errors import AlreadyErased
from registry.models import ScoringModel
from serving.admin.chain import persons_reasons
from serving.admin.parts import link, table, tag
from serving.models import Correction, Decision, LateReview, Resolution, Review, ReviewStep
from serving.resolutions import override_figures
from serving.reviews import review_figures, said_about

SEEN_BY_FEW = "serving.view_observation"
SHOWN = timedelta(days=30)
Section = dict[str, Any]


def _override_figures(since: date, until: date) -> Section:
    return {
        "title": f"Overrides of decisions from {since} to {until}",
        "text": "Low side: the score declined and a person approved. High side: it approved and a person declined. "
        "The rate is of the decisions on that side; referred cases are on neither.",
        "table": {
            "headers": ["Model", "Side", "Decisions", "Overrides", "Rate", "By the policy", "Officers"],
            "rows": list(_override_rows(since, until)),
        },
    }  # fmt: skip


def _review_figures(since: date, until: date) -> Section:
    return {
        "title": f"Reviews received from {since} to {until}",
        "text": "The share overturned is of those closed.",
        "table": {
            "headers": ["Model", "Received", "Open", "Late", "Upheld", "Overturned", "Partly", "Overturned, share"],
            "rows": list(_review_rows(since, until)),
        },
    }  # fmt: skip


class FiguresAdmin(ReadOnlyAdmin):
    """A list with `figures` of the last days above it."""

    list_before_template = "serving/figures.html"
    figures: Callable[[date, date], Section]  # from a day until another

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        until = timezone.now().date()
        context = {"figures": [self.figures(until - SHOWN, until)], **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, context)
        return shown


@admin.register(Resolution)
class ResolutionAdmin(FiguresAdmin):
    list_display = ("decided_at", "state", "kind", "override_code", "decided_by", "decision_link")
    list_display_links = ("decided_at",)
    list_filter = ("kind", "override_code", "outcome", "decided_by", "decision__model_name")
    list_select_related = ("decision", "decided_by")
    search_fields = ("=decision__id",)
    figures = staticmethod(_override_figures)
    fields = ("decision_link", "kind", "override_code", "state", "decided_by", "decided_at", "review_link", "before", "key_id", "entry_link")  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Resolution | None = None) -> Any:
        seen = obj is not None and holds(request.user, SEEN_BY_FEW)
        return (*self.fields, "said") if seen else self.fields

    @admin.display(description="Outcome", ordering="outcome")
    def state(self, row: Resolution) -> str:
        return tag(row.outcome)

    @admin.display(description="Decision")
    def decision_link(self, row: Resolution) -> str:
        return link(row.decision)

    @admin.display(description="After review")
    def review_link(self, row: Resolution) -> str:
        return link(row.review)

    @admin.display(description="In the place of")
    def before(self, row: Resolution) -> str:
        return link(row.supersedes)

    @admin.display(description="Reasons and rationale")
    def said(self, row: Resolution) -> str:
        return persons_reasons(row.decision)

    @admin.display(description="Entry in the log")
    def entry_link(self, row: Resolution) -> str:
        return link(row.entry)


@admin.register(Review)
class ReviewAdmin(FiguresAdmin):
    list_display = ("received_on", "state_shown", "due", "reviewer", "decision_link", "closed_at")
    list_display_links = ("received_on",)
    list_filter = ("state", "reviewer", "due_on", "decision__model_name")
    list_select_related = ("decision", "reviewer")
    search_fields = ("=decision__id",)
    ordering = ("closed_at", "due_on")
    figures = staticmethod(_review_figures)
    fields = ("decision_link", "state_shown", "received_on", "due", "policy_link", "reviewer", "opened_by", "closed_at", "resolution_link", "steps_table", "entry_link")  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Review | None = None) -> Any:
        seen = obj is not None and holds(request.user, SEEN_BY_FEW)
        return (*self.fields, "said") if seen else self.fields

    @admin.display(description="State", ordering="state")
    def state_shown(self, review: Review) -> str:
        return tag(review.state)

    @admin.display(description="Due", ordering="due_on")
    def due(self, review: Review) -> str:
        return due_in_words(review, timezone.now().date())

    @admin.display(description="Decision")
    def decision_link(self, review: Review) -> str:
        return link(review.decision)

    @admin.display(description="Policy")
    def policy_link(self, review: Review) -> str:
        return link(review.policy)

    @admin.display(description="Resolution")
    def resolution_link(self, review: Review) -> str:
        return link(Resolution.objects.filter(review=review).first())

    @admin.display(description="Steps")
    def steps_table(self, review: Review) -> str:
        steps = review.steps.select_related("by", "entry")
        rows = [(f"{one.taken_at:%Y-%m-%d %H:%M} UTC", tag(one.kind), one.by, link(one.entry, "entry")) for one in steps]  # fmt: skip
        return table(["When", "What", "By", "Record"], rows)

    @admin.display(description="What was said")
    def said(self, review: Review) -> str:
        try:
            steps = said_about(review)
        except AlreadyErased:
            return "Erased with the person."
        rows = [(tag(one["kind"]), one["by"], one["text"]) for one in steps if one["text"]]
        return table(["Step", "By", "Text"], rows)

    @admin.display(description="Entry in the log")
    def entry_link(self, review: Review) -> str:
        return link(review.entry)


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    list_display = ("id", "original_link", "decision_link", "features")
    list_select_related = ("original", "decision")

    @admin.display(description="Decision before")
    def original_link(self, row: Correction) -> str:
        return link(row.original)

    @admin.display(description="Decided anew")
    def decision_link(self, row: Correction) -> str:
        return link(row.decision)


@admin.register(ReviewStep)
class ReviewStepAdmin(ReadOnlyAdmin):
    list_display = ("taken_at", "kind", "by", "review")
    list_filter = ("kind", "by")
    list_select_related = ("review", "by")


@admin.register(LateReview)
class LateReviewAdmin(ReadOnlyAdmin):
    list_display = ("review", "due_on", "noticed_at")
    list_select_related = ("review",)


def due_in_words(review: Review, today: date) -> str:
    """The day, and how much time is left while the review is open; pressing and late ones as coloured words."""
    if review.due_on is None:
        return "no policy says"
    if review.closed_at is not None:
        return str(review.due_on)
    days = (review.due_on - today).days
    left = f"{days} days left" if days >= 0 else f"{-days} days late"
    if review.alert_on is None or today < review.alert_on:
        return f"{review.due_on}, {left}"
    return format_html("{} {} {}", review.due_on, tag("due soon" if days >= 0 else "late"), left)


def _override_rows(since: date, until: date) -> Iterator[list[object]]:
    for model in _models():
        for side in override_figures(model, since, until):
            officers = ", ".join(f"{name}: {count}" for name, count in side.by_officer.items())
            rate = "-" if side.rate is None else f"{side.rate:.1%}"
            state = tag(side.state) if side.state else "-"
            yield [model.title, side.side.replace("_", " "), side.decisions, side.overrides, rate, state, officers or "-"]  # fmt: skip


def _review_rows(since: date, until: date) -> Iterator[list[object]]:
    today = timezone.now().date()
    for model in _models():
        figures = review_figures(model, since, until, today)
        rate = figures.overturn_rate
        results = [figures.results.get(name, 0) for name in ("upheld", "overturned", "partly")]
        share = "-" if rate is None else f"{rate:.1%}"
        yield [model.title, figures.received, figures.open, figures.late, *results, share]


def _models() -> Iterator[ScoringModel]:
    """Those that ever decided."""
    decided = Decision.objects.filter(model_name=OuterRef("name"))
    yield from ScoringModel.objects.filter(Exists(decided)).order_by("name")
