"""The letter of the example, with what applicants of the tests can change."""

import tomllib
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Permission, User

from registry.models import Policy
from tests.conftest import ROOT
from tests.registry.builders import a_policy
from tests.serving.builders import the_client

EXAMPLE = ROOT / "docs" / "examples" / "explanation_letter.toml"
CHANGEABLE = {
    "dti": {"direction": "down", "step": 1},
    "income": {"direction": "up", "step": 1000, "maximum": 400_000},
    "delinquencies": {"direction": "down"},
}


def a_letter_body(path: Path = EXAMPLE, **part: Any) -> dict[str, Any]:
    body = tomllib.loads(path.read_text(encoding="utf-8"))
    body["explanation_letter"] |= {"changeable": CHANGEABLE} | part
    return body


def a_letter_policy(name: str = "default", **part: Any) -> Policy:
    return a_policy("notice", a_letter_body(**part), name=name)


def the_letter_writer() -> User:
    """The lending system, which may also issue letters about its own decisions."""
    client = the_client()
    client.groups.get().permissions.add(
        Permission.objects.get(content_type__app_label="serving", codename="issue_letter")
    )
    return client
