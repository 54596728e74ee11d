"""What comes in over HTTP before any act sees it: bodies, addresses, who is there, and faults of ours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from knox.models import AuthToken

from audit.models import Entry

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
ROUTES = ["exports", "change-requests", "policies", "models", "runs", "demographics", "labels"]


@pytest.fixture
def post(signed_in: SignIn, auditor: User) -> Callable[..., Any]:
    client = signed_in(auditor)
    return lambda path, body: client.post(f"/api/v1/{path}", body, content_type="application/json")


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["request_id"] == response["X-Request-Id"]
    return str(response.json()["type"]).removeprefix("/problems/")


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_that_nests_too_deeply_is_refused_everywhere(
    post: Callable[..., Any], route: str
) -> None:
    assert problem(post(route, b"[" * 100_000), 400) == "too-deeply-nested"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"model": "a", "model": "b"}', "duplicate-name"),
        (b'{"model": "\\u0000"}', "malformed-body"),
        (b'{"model": "\\ud800"}', "malformed-body"),
        (b'{"\\ud800": 1}', "malformed-body"),
        (b'{"decisions": [[NaN]]}', "malformed-body"),
        (b'{"model": ' + b"9" * 5000 + b"}", "malformed-body"),
        (b'{"model": "\xff"}', "malformed-body"),
    ],
)
def test_what_cannot_be_kept_or_is_ambiguous_is_refused(
    post: Callable[..., Any], body: bytes, kind: str
) -> None:
    assert problem(post("exports", body), 400) == kind


def test_text_with_every_character_that_can_be_kept_is_taken(post: Callable[..., Any]) -> None:
    response = post("exports", json.dumps({"model": "Kredit \u00fc \U0001f3e6"}).encode())

    assert response.status_code == 202


def test_a_large_body_is_not_even_read(post: Callable[..., Any]) -> None:
    assert problem(post("exports", b'"' + b"x" * 2**20 + b'"'), 413) == "body-too-large"


@pytest.mark.parametrize(
    "address", ["/api/v1/policies?kind=%00", "/api/v1/models/a%00b/versions", "/?q=%00"]
)
def test_an_address_with_nul_is_refused(signed_in: SignIn, auditor: User, address: str) -> None:
    assert problem(signed_in(auditor).get(address), 400) == "malformed-address"


def test_an_address_that_does_not_exist_says_so_whatever_is_sent(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert problem(strict.post("/api/v1/nonesuch", {"a": 1}), 404) == "not-found"


def test_a_fault_of_ours_is_a_problem_without_detail(
    signed_in: SignIn, auditor: User, post: Callable[..., Any]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_evidenceexport RENAME TO away")

    response = post("exports", b"{}")

    assert problem(response, 500) == "server-error"
    assert "audit_" not in response.content.decode()
    assert "away" not in response.content.decode()


@pytest.mark.parametrize("prefix", ["Token", "token", "TOKEN"])
def test_an_entry_says_token_however_the_header_is_written(auditor: User, prefix: str) -> None:
    text = AuthToken.objects.create(user=auditor)[1]

    Client().post(
        "/api/v1/exports",
        b"{}",
        content_type="application/json",
        headers={"Authorization": f"{prefix} {text}"},
    )

    assert authn_of("audit.export.requested") == "token"


def test_a_header_that_nobody_reads_does_not_change_what_an_entry_says(
    signed_in: SignIn, administrator: User
) -> None:
    signed_in(administrator).post(
        "/auth/user/new-account/",
        {"username": "eve", "password": "a long password", "confirm": "on"},
        headers={"Authorization": "Token made-up"},
    )

    assert authn_of("governance.user.created") == "session"


def authn_of(event: str) -> str:
    return str(json.loads(bytes(Entry.objects.get(event=event).body))["actor"]["authn"])


def test_a_missing_key_is_named_without_the_place_where_it_lay(
    client: Client, settings: LazySettings, tmp_path: Path
) -> None:
    settings.CREDENCE_KEYS = tmp_path

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "producer.key" in response.content.decode()
    assert str(tmp_path) not in response.content.decode()
