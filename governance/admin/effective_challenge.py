"""How thoroughly changes were challenged in a period, as a page."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from audit.action import holds
from governance.admin.fields import day
from governance.admin.parts import picture
from governance.clock import in_words
from governance.effective_challenge import EVERYBODY, REVERSED_WITHIN, Measures
from governance.queries.challenge import SEE, USUAL, measured_between


class PeriodForm(forms.Form):
    start = day("From")
    end = day("To")

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean() or {}
        if "start" in fields and "end" in fields and fields["end"] < fields["start"]:
            self.add_error("end", "Must not lie before the start.")
        return fields


def effective_challenge(request: HttpRequest) -> HttpResponse:
    """For those who may see it; it names people."""
    if not holds(request.user, SEE):
        raise PermissionDenied
    now = timezone.now()
    usual = {"start": now.date() - USUAL, "end": now.date()}
    form = PeriodForm(request.GET or {name: str(value) for name, value in usual.items()})
    found = measured_between(**form.cleaned_data, now=now) if form.is_valid() else []
    context = {
        **admin.site.each_context(request),
        "title": "Effective challenge",
        "form": form,
        "days": REVERSED_WITHIN.days,
        "decided": found[0].decided if found else 0,
        "table": _table(found),
        "opened": _opened(found),
        "picture": _picture(found[0]) if found and found[0].decided else "",
        "csv": f"{reverse('effective-challenge-file')}?{request.GET.urlencode()}",
    }
    return TemplateResponse(request, "governance/effective_challenge.html", context)


def _table(found: list[Measures]) -> dict[str, Any]:
    return {
        "headers": [
            "Who",
            "Decided",
            "Rejected",
            "With conditions",
            "Median time",
            "Middle half",
            "In effect",
            "Reversed",
            "May still be",
        ],
        "rows": [
            [
                each.approver or EVERYBODY,
                each.decided,
                _of(each.rejected, each.rejection_share),
                each.with_conditions,
                _span(each.seconds[1]) if each.seconds else "-",
                f"{_span(each.seconds[0])} to {_span(each.seconds[2])}" if each.seconds else "-",
                each.took_effect,
                _reversed(each),
                each.watched,
            ]
            for each in found
        ],
    }


def _opened(found: list[Measures]) -> dict[str, Any]:
    names = sorted({part.part for each in found for part in each.parts})
    rows = []
    for each in found:
        opened = {part.part: part for part in each.parts}
        cells = [
            f"{opened[name].opened} of {opened[name].decisions} ({opened[name].share:.0%})"
            if name in opened
            else "-"
            for name in names
        ]
        rows.append([each.approver or EVERYBODY, *cells])
    return {"headers": ["Who", *(name.replace("_", " ") for name in names)], "rows": rows}


def _picture(everybody: Measures) -> str:
    from registry import review_charts  # brings altair, which only pictures need

    what = "Decisions by the time from first opening evidence to deciding"
    return picture(review_charts.counts(everybody.times, "Decisions"), what)


def _reversed(each: Measures) -> str:
    how = ", ".join(f"{n} by {name}" for name, n in each.reversals.items())
    return _of(each.reversed, each.reversal_share) + (f": {how}" if how else "")


def _of(n: int, share: float | None) -> str:
    return str(n) if share is None else f"{n} ({share:.0%})"


def _span(seconds: float) -> str:
    return in_words(timedelta(seconds=seconds)) if seconds >= 60 else f"{seconds:.0f} s"
