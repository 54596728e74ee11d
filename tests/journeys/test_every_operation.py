"""Schemathesis asks for every operation of the published schema in every way it can think of, of a server that runs."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests.conftest import a_person
from tests.governance import builders as governance
from tests.monitoring import builders as monitoring
from tests.registry.live import a_token
from tests.web import granian

pytestmark = pytest.mark.long

EXAMPLES = 12  # of each operation, beside those that its schema alone gives rise to
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
# What stops a version comes last, for the rest to meet one that decides.
STOPPING = "/(suspension|rollback|restrictions|change-requests)"


@dataclass(frozen=True)
class Bank:
    """A server with something of everything in it, and somebody with every role."""

    site: str
    token: str
    known: dict[str, object]  # path parameters of what is there


@pytest.fixture
def bank(own_database: str, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Bank]:
    with django_db_blocker.unblock():
        everyone = User.objects.create_user("everyone", is_staff=True)
        everyone.groups.set(Group.objects.all())
        known = _something_of_everything(everyone)
        token = a_token(everyone)
        connections.close_all()
        with granian(own_database, tmp_path) as site:
            yield Bank(site, token, known)


def test_no_operation_breaks_or_answers_as_its_schema_does_not_say(
    bank: Bank, tmp_path: Path
) -> None:
    address = urllib.request.Request(
        f"{bank.site}/api/schema/",
        headers={
            "Authorization": f"Token {bank.token}",
            "Accept": "application/vnd.oai.openapi+json",
        },
    )
    with urllib.request.urlopen(address) as answer:
        (tmp_path / "schema.json").write_bytes(answer.read())
    lines = [f'"path.{name}" = {json.dumps(value)}' for name, value in bank.known.items()]
    (tmp_path / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines]))

    for chosen in ("--exclude-path-regex", "--include-path-regex"):
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", "schema.json"),
                *("--url", bank.site, "--header", f"Authorization: Token {bank.token}"),
                *(chosen, STOPPING, "--phases", "examples,coverage,fuzzing"),
                *("--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES)),
                *("--generation-deterministic", "--continue-on-failure", "--no-shrink"),
                *("--workers", "2", "--warnings", "off", "--no-color"),
                *("--request-timeout", "60"),  # a replay starts a process, on busy processors
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )

        assert asked.returncode == 0, asked.stdout[-20_000:] + asked.stderr[-2_000:]


def _something_of_everything(everyone: User) -> dict[str, object]:
    dana, victor, amira = (
        a_person("dana", "model developer"),
        a_person("victor", "validator"),
        a_person("amira", "approver"),
    )
    version = governance.a_champion(dana, victor, amira)
    decisions = monitoring.decided(version, rows=30)
    monitoring.a_monitoring_policy(version)
    finding = governance.a_finding(dana, victor, version.model)
    change = governance.a_request(dana, governance.a_measured_version(dana, model=version.model))
    return {
        "model": version.model.name,
        "number": version.number,
        "dataset_id": version.dataset_id,
        "policy_id": version.decision_policy_id,
        "decision_id": str(decisions[0].pk),
        "finding_id": str(finding.pk),
        "change_id": str(change.pk),
    }
