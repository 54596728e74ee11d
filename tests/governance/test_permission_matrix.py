"""The permission matrix, cell by cell: every act, every read over HTTP and every window, for every role."""

import importlib
import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from audit.action import ACTS, holds
from audit.api_base import ActView
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from governance.admin.pages import PAGES
from governance.catalogue import acts, permission_matrix
from governance.roles import ROLES, SERVICE_ACCOUNTS
from tests.conftest import a_person

pytestmark = pytest.mark.django_db
ARGUMENT = re.compile(r"<(\w+):\w+>")
ANY = {
    "int": 1,
    "path": "0/000",
    "report_kind": "drift",
    "slug": "nobody",
    "str": "nobody",
    "uuid": uuid.UUID(int=0),
}
# A read that is an act: that it was opened is recorded, and only those who decide open it.
ALSO_NEEDS = {
    "change-requests/00000000-0000-0000-0000-000000000000/comparison": "governance.open_evidence",
    "change-requests/00000000-0000-0000-0000-000000000000/evidence/nobody": "governance.open_evidence",
}
# Windows on other people's tables, which have no permission of their own to be seen with.
SEEN_WITH = {
    "auth.user": "governance.view_accounts",
    "auth.group": "governance.view_accounts",
    "governance.signinguard": "governance.view_accounts",
    "knox.authtoken": "governance.view_accounts",
}


def function_of(name: str):
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def is_turned_away(name: str, by: User) -> bool:
    """Whether the act refuses for want of the permission. Whatever else an act without arguments raises comes later."""
    try:
        function_of(name)(by=by)
    except NotPermitted:
        return True
    except Exception:  # noqa: BLE001  whichever it is, the permission was there
        return False
    return False


def somebody(role: str) -> User:
    return service_account(role) if role in SERVICE_ACCOUNTS else a_person("somebody", role)


def reads() -> Iterator[tuple[str, set[str]]]:
    """(address, permissions) of every REST read, with made-up arguments."""
    for pattern in flattened(get_resolver().url_patterns):
        view = getattr(pattern[1].callback, "view_class", None)
        if view is None or not issubclass(view, ActView) or not view.read_permission:
            continue
        if hasattr(view, "get"):
            also = ALSO_NEEDS.get(pattern[0].removeprefix("/api/v1/"))
            yield pattern[0], {view.read_permission} | ({also} if also else set())


def flattened(patterns: list, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            route = str(pattern.pattern)
            for kind in ARGUMENT.findall(route):
                route = ARGUMENT.sub(str(ANY[kind]), route, count=1)
            yield before + route, pattern
        elif str(pattern.pattern).startswith("api/"):
            yield from flattened(pattern.url_patterns, before + str(pattern.pattern))


@pytest.mark.parametrize("role", [*ROLES, *SERVICE_ACCOUNTS])
def test_an_act_turns_away_exactly_those_whom_the_matrix_does_not_name(role: str) -> None:
    by = somebody(role)
    permitted = {row.permission for row in permission_matrix() if role in row.holders}

    away = {act.name for act in acts() if is_turned_away(act.name, by)}

    assert away == {act.name for act in acts() if act.needs not in permitted}
    refused = Entry.objects.filter(event="audit.action_refused", actor_name=by.username)
    assert {entry.subject_id for entry in refused} >= away, "A refusal was not recorded."


@pytest.mark.parametrize("role", ROLES)
def test_a_read_over_http_is_refused_exactly_where_the_matrix_says(role: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(a_person("somebody", role))

    found = {(url, client.get(url).status_code == 403) for url, _ in reads()}

    assert len(found) > 20
    assert found == {(url, not needed <= ROLES[role]) for url, needed in reads()}


@pytest.mark.parametrize("role", ROLES)
def test_a_window_and_its_buttons_are_shown_exactly_where_the_matrix_says(role: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(a_person("somebody", role))

    for model in admin.site._registry:
        label = model._meta.label_lower
        app, name = label.split(".")
        if app not in {"audit", "registry", "serving", "monitoring", "governance"} | {
            one.split(".")[0] for one in SEEN_WITH
        }:
            continue
        seen = SEEN_WITH.get(label, f"{app}.view_{name}") in ROLES[role]
        answer = client.get(reverse(f"admin:{app}_{name}_changelist"))
        assert answer.status_code == (200 if seen else 403), label
        body = answer.content.decode()
        for page in PAGES.pages:
            if page.on_list and page.model is model:
                shown = seen and page.needs in ROLES[role]
                assert (f'href="{page.url()}"' in body) == shown, page.name
                if not seen:
                    assert client.get(page.url()).status_code == 403, page.name


def test_two_roles_together_hold_no_more_than_both(db: None) -> None:
    both = a_person("somebody", "validator", "auditor")

    for row in permission_matrix():
        expected = bool(row.holders & {"validator", "auditor"})
        assert holds(both, row.permission) == expected, row.permission


def test_the_page_shows_every_cell_to_those_who_see_accounts(
    auditor: User, developer: User, signed_in
) -> None:
    body = signed_in(auditor).get("/permissions/").content.decode()

    for row in permission_matrix():
        assert body.count(f'title="{row.permission}"') == len(row.holders), row.permission
    assert signed_in(developer).get("/permissions/").status_code == 403


def test_every_act_is_in_the_matrix() -> None:
    named = {act for row in permission_matrix() for act in row.acts}

    assert named == {act.name.rpartition(".")[2] for act in acts()}
    assert set(ACTS) >= {act.name for act in acts()}
