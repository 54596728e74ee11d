"""A client that openapi-python-client generates from the published schema has applications decided."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from registry.models import ModelVersion
from tests.conftest import a_person
from tests.registry.live import a_token
from tests.serving.builders import BAD, GOOD, a_champion, an_application
from tests.web import granian

pytestmark = pytest.mark.long


@pytest.fixture
def champion(own_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[ModelVersion]:
    with django_db_blocker.unblock():
        yield a_champion()


@pytest.fixture
def lender(champion: ModelVersion) -> User:
    return a_person("lender", "scoring client", "model developer")


@pytest.fixture
def site(lender: User, own_database: str, tmp_path: Path) -> Iterator[str]:
    connections.close_all()
    with granian(own_database, tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What openapi-python-client makes of the schema."""
    folder = tmp_path_factory.mktemp("generated")
    call_command("spectacular", "--format", "openapi-json", "--file", str(folder / "schema.json"))
    (folder / "config.yml").write_text("post_hooks: []\n")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", "schema.json", "--config", "config.yml"),
            *("--output-path", "bank_client"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(folder))
        yield importlib.import_module("bank_client")
    for name in [name for name in sys.modules if name.partition(".")[0] == "bank_client"]:
        del sys.modules[name]


@pytest.fixture
def generated(package: Any, site: str, lender: User) -> Iterator[Any]:
    """The package's client, as the lender."""
    token = a_token(lender)
    with package.AuthenticatedClient(base_url=site, token=token, prefix="Token") as client:
        yield client


def test_the_generated_client_has_an_application_decided_and_reads_the_decision_back(
    generated: Any, champion: ModelVersion
) -> None:
    model = champion.model.name
    declined = decide(generated, model, an_application(**BAD))

    again = call("decisions.decision", declined.decision_id, client=generated)

    assert declined.outcome == "declined"
    attributed = sum(item.contribution for item in declined.explanation.attributions)
    gap = declined.explanation.base_value + attributed - declined.margin
    assert abs(gap) <= 1e-6 * max(1, abs(declined.margin))
    assert declined.reasons[0].statement
    assert again.to_dict() == declined.to_dict()


def test_the_generated_client_meets_a_refusal_as_problem_details(
    generated: Any, champion: ModelVersion
) -> None:
    refused = decide(generated, champion.model.name, an_application(dti="high"))

    assert refused.status == 422
    assert [(problem.field, problem.type_) for problem in refused.errors] == [("dti", "wrong_type")]
    assert refused.request_id


def test_the_generated_client_decides_a_batch_and_pages_through_models(
    generated: Any, champion: ModelVersion
) -> None:
    documents = [an_application(**GOOD), an_application(dti="high"), an_application(**BAD)]
    body = schema("BatchSchemaRequest").from_dict({"applications": documents})

    batch = call("models.decide_batch", champion.model.name, body=body, client=generated)
    page = call("models.models_list", client=generated, page=1, page_size=1)

    assert (batch.decided, batch.refused) == (2, 1)
    assert batch.results[0].decision.outcome == "approved"
    assert batch.results[1].problem.status == 422
    assert (page.count, page.results[0].name) == (1, champion.model.name)


def schema(name: str) -> Any:
    return getattr(importlib.import_module("bank_client.models"), name)


def decide(client: Any, model: str, document: dict[str, Any]) -> Any:
    body = schema("ApplicationSchemaRequest").from_dict(document)
    return call("models.decide", model, body=body, client=client)


def call(operation: str, *args: Any, **kwargs: Any) -> Any:
    """What `sync` of an operation's module answers."""
    return importlib.import_module(f"bank_client.api.{operation}").sync(*args, **kwargs)
