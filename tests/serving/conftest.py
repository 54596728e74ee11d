"""A champion, and the lending system's line to it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from registry.models import ModelVersion
from tests.serving.builders import a_champion

Post = Callable[..., Any]


@pytest.fixture
def champion(db: None) -> ModelVersion:
    return a_champion()


@pytest.fixture
def client_of_lending(lending: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(lending)


@pytest.fixture
def post(client_of_lending: Client) -> Post:
    """POST as the lending system: a document, or the raw bytes of a body."""

    def send(path: str, body: object, key: str | None = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            headers["Idempotency-Key"] = key
        return client_of_lending.post(
            f"/api/v1/{path}", data, content_type="application/json", headers=headers
        )

    return send


@pytest.fixture
def decide_over_http(post: Post, champion: ModelVersion) -> Post:
    """POST one application to the champion."""

    def send(body: object, key: str | None = None, query: str = "") -> Any:
        return post(f"models/{champion.model.name}/decisions{query}", body, key)

    return send
