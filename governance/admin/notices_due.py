"""The page of applicants who are still to be told, the soonest due first."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from audit.action import holds
from audit.admin_lists import BoundedPaginator
from governance.admin.fields import choice
from governance.admin.parts import link, moment, tag
from governance.clock import time_left
from serving.notices import due
from serving.notices.clock import State

SEE = "serving.view_decision"
PER_PAGE = 50
PERSON = "person"
STATES = {
    State.LATE: lambda now: Q(due_at__lt=now),
    State.ALERT: lambda now: Q(due_at__gte=now, alert_at__lte=now),
    State.RUNNING: lambda now: (
        Q(due_at__gte=now) & (Q(alert_at__gt=now) | Q(alert_at__isnull=True))
    ),
}


class FilterForm(forms.Form):
    """What is shown: empty is everything."""

    state = choice("State", [("", "all"), *((state.value, state.value) for state in STATES)])
    waits = choice("Waits for", [("", "all"), (PERSON, "a person to decide")])
    model = choice("Model", [("", "all")])

    def __init__(self, models: list[str], *args: Any) -> None:
        super().__init__(*args)
        for field in self.fields.values():
            field.required = False
        chosen = self.fields["model"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [("", "all"), *((name, name) for name in models)]


def notices_due(request: HttpRequest) -> HttpResponse:
    """For those who may see decisions."""
    if not holds(request.user, SEE):
        raise PermissionDenied
    now = timezone.now()
    texts = due.texts_in_force(now)
    form = FilterForm(sorted(texts), request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    decisions = due.with_offer_issued(due.waiting_decisions(texts, now)).select_related("notice")
    decisions = _filtered(decisions.prefetch_related("resolutions"), wanted, now)
    incomplete = due.waiting_applications(texts, now).select_related("notice")
    applications = _filtered(incomplete, wanted, now)[:PER_PAGE]
    if wanted.get("waits") == PERSON:
        decisions, applications = due.for_a_person(decisions), applications.none()
    page = BoundedPaginator(decisions, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "Notices due",
        "form": form,
        "page": page,
        "query": "&".join(f"{name}={value}" for name, value in wanted.items() if value),
        "decisions": _table([_decision(row, texts, now) for row in page]),
        "applications": _table([_application(row, texts, now) for row in applications]),
        "without_policy": due.without_notice_policy(now),
    }
    return TemplateResponse(request, "governance/notices_due.html", context)


def _filtered(rows: QuerySet[Any], wanted: dict[str, str], now: datetime) -> QuerySet[Any]:
    if state := wanted.get("state"):
        rows = rows.filter(STATES[State(state)](now))
    if model := wanted.get("model"):
        rows = rows.filter(model_name=model)
    return rows


def _table(rows: list[list[object]]) -> dict[str, Any]:
    headers = ["Due", "Left", "State", "About", "Model", "Counted from", "Notice", "Law"]
    return {"headers": headers, "rows": rows}


def _decision(row: Any, texts: Any, now: datetime) -> list[object]:
    clock = due.running(row, texts[row.model_name])
    return [
        moment(clock.due_at),
        time_left(clock.due_at, now),
        tag(clock.state(now)),
        link(row),
        row.model_name,
        f"{clock.basis.replace('_', ' ')}, {moment(clock.started_at)}",
        _notice(row),
        clock.clock.legal_basis,
    ]


def _notice(row: Any) -> str:
    if hasattr(row, "notice"):
        return "issued, not sent"
    if row.offer_issued:
        return "with a counteroffer: issued, not sent"
    waits = row.outcome == "referred" and not row.resolutions.all()
    return "a person decides first" if waits else "not issued"


def _application(row: Any, texts: Any, now: datetime) -> list[object]:
    clock = due.running_incomplete(row, texts[row.model_name])
    return [
        moment(clock.due_at),
        time_left(clock.due_at, now),
        tag(clock.state(now)),
        link(row),
        row.model_name,
        f"receipt, {moment(clock.started_at)}",
        "issued, not sent" if hasattr(row, "notice") else "of what is missing",
        clock.clock.legal_basis,
    ]
