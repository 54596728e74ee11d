"""Decisions on what a real Feast feature server holds in Redis, and the tests' own server held against it.

Feast has an environment of its own, which pip fills: it asks for an older pandas than the product does. So these tests
need a package index and Redis on loopback. Without them they are skipped, and fail where SERVICES=required.
FEAST_PYTHON names a Python that has Feast already.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import httpx
import pytest
from django.utils import timezone

from registry.models import ModelVersion
from serving.models import Decision
from tests.journeys.told import free_port
from tests.registry.builders import a_dataset, a_description, a_run
from tests.registry.feature_servers import FeastLike, named_stores
from tests.services import brokers, mode
from tests.serving.builders import a_champion
from tests.serving.test_online_lookups import asked, online_contract

pytestmark = [pytest.mark.long, pytest.mark.django_db]

REDIS_DATABASE = 13
STORE = """
project: {project}
provider: local
registry: registry.db
online_store:
  type: redis
  connection_string: "127.0.0.1:6379,db={database}"
offline_store:
  type: dask
entity_key_serialization_version: 3
"""
# What a data engineer keeps elsewhere.
DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64

customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.STRING)
rows = FileSource(path="rows.parquet", timestamp_field="event_timestamp")
bureau = FeatureView(
    name="bureau", entities=[customer], ttl=timedelta(days=3650), online=True,
    source=PushSource(name="corrections", batch_source=rows),
    schema=[Field(name="dti", dtype=Float64), Field(name="income", dtype=Float64)],
)
"""
ROWS = """
import sys
from datetime import datetime, timedelta
import pandas

now = datetime.fromisoformat(sys.argv[1])
rows = [("C-1", 3, 33.3, 50000.0), ("C-old", 40, 20.0, 40000.0), ("C-null", 3, 25.0, None), ("C-none", 3, None, None)]
pandas.DataFrame(
    [(who, now - timedelta(days=days), dti, income) for who, days, dti, income in rows],
    columns=["customer", "event_timestamp", "dti", "income"],
).to_parquet("rows.parquet")
"""
NOTHING_LEFT = """
import sys, redis
with redis.Redis(db=int(sys.argv[1])) as store:
    assert not list(store.scan_iter(f"*{sys.argv[2]}*"))
"""
EVERYBODY = ["C-1", "C-old", "C-null", "C-none", "C-nobody"]


@dataclass(frozen=True)
class Feast:
    """A running feature server, and the moment from which the ages of its rows count."""

    url: str
    now: datetime


@pytest.fixture(scope="module")
def feast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feast]:
    if mode() == "none" or "Redis" not in brokers():
        left_out("Redis does not answer, so no online store is tested")
    folder = tmp_path_factory.mktemp("feast")
    python = installed(folder / "venv")
    repository, project, now = folder / "repository", f"credence_{uuid4().hex}", timezone.now()
    repository.mkdir()
    (repository / "feature_store.yaml").write_text(
        STORE.format(project=project, database=REDIS_DATABASE)
    )
    (repository / "definitions.py").write_text(DEFINITIONS)
    quiet = {"PATH": os.environ["PATH"], "HOME": str(folder), "FEAST_USAGE": "False"}
    command = [str(Path(python).with_name("feast"))]

    def run(*words: str) -> None:
        done = subprocess.run(
            words, cwd=repository, env=quiet, capture_output=True, text=True, timeout=240, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]

    run(python, "-c", ROWS, now.isoformat())
    run(*command, "apply")
    try:
        begin, end = now - timedelta(days=60), now
        run(*command, "materialize", f"{begin:%Y-%m-%dT%H:%M:%S}", f"{end:%Y-%m-%dT%H:%M:%S}")
        with serving(command, repository, quiet, folder / "log") as url:
            yield Feast(url, now)
    finally:
        run(*command, "teardown")
        run(python, "-c", NOTHING_LEFT, str(REDIS_DATABASE), project)


@contextmanager
def serving(
    command: list[str], repository: Path, quiet: dict[str, str], log: Path
) -> Iterator[str]:
    """`feast serve` on a port of its own, until the end."""
    port = free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "serve", "--host", "127.0.0.1", "--port", str(port)],
            cwd=repository, env=quiet, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, server, log)
            yield url
        finally:
            os.killpg(server.pid, 15)
            server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail(f"Feast did not start: {log.read_text()[-3000:]}")


def installed(folder: Path) -> str:
    """A Python with Feast in an environment of its own."""
    if given := os.environ.get("FEAST_PYTHON"):
        return given
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    python = str(folder / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "feast[redis]>=0.67"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode:
        left_out(f"pip cannot install Feast here, so no feature server is tested: {done.stderr[-500:]}")  # fmt: skip
    return python


def left_out(why: str) -> NoReturn:
    if mode() == "required":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def champion(feast: Feast, tmp_path: Path, settings) -> ModelVersion:
    """A version that looks dti, which is never missing, and income, which may be, up online; no older than 30 days."""
    settings.CREDENCE_ONLINE_STORES = named_stores(tmp_path, feast.url)
    contract = online_contract()
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    return a_champion(run=a_run(dataset=dataset))


def values_in(answer: dict[str, Any]) -> dict[str, Any]:
    return {one["feature"]: one["value"] for one in answer["explanation"]["attributions"]}


def test_a_decision_is_made_of_what_feast_holds_and_says_how_fresh_it_was(
    decide_over_http, feast: Feast
) -> None:
    answer = decide_over_http(asked("C-1"))

    assert answer.status_code == 201, answer.json()
    values = values_in(answer.json())
    assert (values["dti"], values["income"]) == (33.3, 50_000.0)
    dti, _ = answer.json()["explanation"]["lookups"]["features"]
    assert dti["state"] == "fresh"
    assert datetime.fromisoformat(dti["event_at"]) == feast.now - timedelta(days=3)
    assert dti["age_seconds"] == pytest.approx(3 * 24 * 3600, abs=600)


@pytest.mark.parametrize(
    ("who", "why"), [("C-old", "stale"), ("C-nobody", "absent"), ("C-none", "missing")]
)
def test_nobody_is_decided_on_a_value_that_feast_holds_no_more_or_not_at_all(
    decide_over_http, who: str, why: str
) -> None:
    answer = decide_over_http(asked(who))

    assert answer.status_code == 422
    assert [(e["field"], e["type"]) for e in answer.json()["errors"]] == [("dti", why)]
    assert not Decision.objects.exists()


def test_a_null_in_feast_is_a_missing_value_where_the_contract_allows_it(decide_over_http) -> None:
    answer = decide_over_http(asked("C-null"))

    assert answer.status_code == 201, answer.json()
    values = values_in(answer.json())
    assert (values["dti"], values["income"]) == (25.0, None)
    dti, income = answer.json()["explanation"]["lookups"]["features"]
    assert (dti["state"], income["state"]) == ("fresh", "fresh")


def test_what_is_pushed_is_seen_by_the_next_decision(decide_over_http, feast: Feast) -> None:
    row = {"customer": "C-new", "event_timestamp": timezone.now().isoformat(), "dti": 12.5, "income": 3.0}  # fmt: skip
    assert decide_over_http(asked("C-new")).status_code == 422

    pushed = httpx.post(
        f"{feast.url}/push",
        json={
            "push_source_name": "corrections",
            "df": {name: [value] for name, value in row.items()},
            "to": "online",
        },
        timeout=60,
    )

    assert pushed.is_success, pushed.text
    answer = decide_over_http(asked("C-new"))
    assert answer.status_code == 201, answer.json()
    assert values_in(answer.json())["dti"] == 12.5


def test_a_view_that_feast_does_not_have_decides_nobody(post, champion, feast: Feast) -> None:
    contract = online_contract("feast:risk/nowhere")
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    version = a_champion(run=a_run(dataset=dataset))

    answer = post(f"models/{version.model.name}/decisions", asked("C-1"))

    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/online-store-unavailable"


def test_the_server_of_the_short_tests_answers_as_the_real_one(feast: Feast) -> None:
    question = {
        "features": ["bureau:dti", "bureau:income"],
        "entities": {"customer": EVERYBODY},
        "full_feature_names": True,
    }
    like = FeastLike()
    for who, days, dti, income in [
        ("C-1", 3, 33.3, 50000.0),
        ("C-old", 40, 20.0, 40000.0),
        ("C-null", 3, 25.0, None),
        ("C-none", 3, None, None),
    ]:
        held = {"dti": dti, "income": income}
        like.rows.setdefault("bureau", {})[who] = (feast.now - timedelta(days=days), held)

    real = httpx.post(f"{feast.url}/get-online-features", json=question, timeout=60)

    assert by_column(real.json()) == by_column(like.answer(question))


def by_column(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
