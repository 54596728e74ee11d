"""The document that describes the whole API."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient


@pytest.fixture
def document(auditor: User) -> dict[str, Any]:
    client = APIClient()
    client.force_authenticate(auditor)
    response = client.get(reverse("schema"), headers={"Accept": "application/json"})
    assert response.status_code == 200
    described: dict[str, Any] = json.loads(response.content)
    return described


def test_the_served_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_every_address_is_described_without_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    GENERATOR_STATS.reset()

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")

    assert "Warning" not in capsys.readouterr().err
