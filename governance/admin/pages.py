"""Buttons in the admin: each opens a page that says what will happen, and calls one act when it is confirmed.

The page never decides: who may press is asked of the act, and its refusal is shown as it is. A button is
shown to those whom the act would not turn away for their role.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.action import permissions_of
from audit.errors import NotPermitted, Refusal
from governance.admin.parts import address


class RationaleForm(forms.Form):
    """Why. The act insists on it; here it may be sent empty, so that the refusal comes from there."""

    rationale = forms.CharField(
        required=False,
        label="Rationale",
        help_text="Say why, in words that a stranger can follow later. It is recorded.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


@dataclass(frozen=True)
class Done:
    """What the person is told. A `secret` is shown on the answer's page alone, once; `is_bad` that it is no good news."""

    message: str
    secret: str = ""
    is_bad: bool = False


@dataclass(frozen=True)
class ActPage:
    """One button of one kind of row, or of its list where `on_list`.

    `applies` says whether the row is in a state in which the button makes sense, for this person. `initial` fills
    the form from the row as it is when the page is shown.
    """

    model: type[Model]
    slug: str
    title: str
    icon: str
    needs: str
    what_happens: str
    perform: Callable[[Any, dict[str, Any], User], Done]
    form: type[forms.Form] = RationaleForm
    applies: Callable[[Any, User], bool] = lambda row, user: True
    evidence: Callable[[Any, User], dict[str, Any]] | None = None
    initial: Callable[[Any], dict[str, Any]] | None = None
    danger: bool = False
    on_list: bool = False

    @property
    def name(self) -> str:
        options = self.model._meta
        return f"{options.app_label}_{options.model_name}_{self.slug}"

    def url(self, row: Model | None = None) -> str:
        return reverse(self.name, args=[] if row is None else [row.pk])

    def is_shown(self, row: Model | None, user: User, held: Collection[str]) -> bool:
        """`held`: the permissions of the user."""
        return self.needs in held and self.applies(row, user)


@dataclass
class ActPages:
    """Every button there is, and their addresses."""

    pages: list[ActPage] = field(default_factory=list)

    def of(self, row: Model, user: User) -> list[ActPage]:
        """The buttons of one row's window, for this person."""
        held = permissions_of(user)
        return [
            page
            for page in self.pages
            if not page.on_list and isinstance(row, page.model) and page.is_shown(row, user, held)
        ]

    def of_list(self, model: type[Model], user: User) -> list[ActPage]:
        """The buttons above a list."""
        held = permissions_of(user)
        return [
            page
            for page in self.pages
            if page.on_list and page.model is model and page.is_shown(None, user, held)
        ]

    def urls(self) -> list[URLPattern]:
        return [self._url(page) for page in self.pages]

    def _url(self, page: ActPage) -> URLPattern:
        options = page.model._meta
        where = f"{options.app_label}/{options.model_name}/"
        where += f"{page.slug}/" if page.on_list else f"<str:pk>/{page.slug}/"

        def view(request: HttpRequest, pk: str | None = None) -> HttpResponse:
            return _answer(page, request, pk)

        return path(where, admin.site.admin_view(view), name=page.name)


def _answer(page: ActPage, request: HttpRequest, pk: str | None) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    window = admin.site.get_model_admin(page.model)
    if not window.has_view_permission(request):
        refusal = NotPermitted(f"{user.get_username()} may not see this through any role.")
        return _page(page, request, None, None, refusal=refusal)
    row = None if pk is None else window.get_object(request, pk)
    if pk is not None and row is None:
        raise Http404
    is_sent = request.method == "POST"
    form = page.form(
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
        initial=_initial(page, row),
    )
    if request.method != "POST" or not form.is_valid():
        return _page(page, request, row, form)
    try:
        done = page.perform(row, form.cleaned_data, user)
    except Refusal as refusal:
        named = [problem for problem in refusal.errors if problem.field in form.fields]
        for problem in named:
            form.add_error(problem.field, problem.detail)
        if page.initial and not named:  # what the form said of the row may be what was refused
            form = page.form(initial=_initial(page, row))
        return _page(page, request, row, form, refusal=refusal)
    if done.secret:
        return _page(page, request, row, None, done=done)
    level = messages.WARNING if done.is_bad else messages.SUCCESS
    said = format_html('<span data-outcome="done">{}</span>', done.message)
    messages.add_message(request, level, said)
    return HttpResponseRedirect(_after(page, row))


def _initial(page: ActPage, row: Model | None) -> dict[str, Any]:
    return page.initial(row) if page.initial else {}


def _page(
    page: ActPage,
    request: HttpRequest,
    row: Model | None,
    form: forms.Form | None,
    *,
    refusal: Refusal | None = None,
    done: Done | None = None,
) -> TemplateResponse:
    shown = row is not None and page.evidence is not None and done is None
    assert isinstance(request.user, User)
    context = {
        **admin.site.each_context(request),
        "title": page.title,
        "page": page,
        "row": row,
        "form": form,
        "refusal": refusal,
        "done": done,
        "evidence": page.evidence(row, request.user) if shown and page.evidence else None,
        "back": _after(page, row),
    }
    status = refusal.status if refusal else None
    return TemplateResponse(request, "governance/act.html", context, status=status)


def _after(page: ActPage, row: Model | None) -> str:
    if row is not None:
        return address(row)
    options = page.model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_changelist")


PAGES = ActPages()


def offer(*pages: ActPage) -> Sequence[ActPage]:
    """Make these buttons known; a window shows those that fit its row and its reader."""
    PAGES.pages.extend(pages)
    return pages
