"""Data sets from databases and buckets that an operator named: read-only, with where they came from."""

import io
import json
import os
import sqlite3
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer

from audit.errors import NotPermitted, Refusal
from audit.models import Entry
from governance.actions.intake import take_in_dataset, take_in_from_source
from monitoring.models import ProtectedValue
from registry.errors import DatasetFailsExpectations
from registry.models import Dataset
from registry.queries import snapshot_of
from tests.audit.archive.servers import MOTO, Server
from tests.governance.test_api import rest
from tests.governance.test_intake import DESCRIPTION, a_file, csv
from tests.registry.builders import a_policy

pytestmark = pytest.mark.django_db
QUERY = "SELECT * FROM loans"


@pytest.fixture
def warehouse(tmp_path, settings) -> Path:
    """An SQLite database with the rows of `a_file`, under the name that the operator gave it."""
    database = tmp_path / "warehouse.sqlite3"
    with sqlite3.connect(database) as connection:
        a_file().to_sql("loans", connection, index=False)
    settings.CREDENCE_SOURCES = tmp_path / "sources.toml"
    settings.CREDENCE_SOURCES.write_text(
        f'[warehouse]\nkind = "sql"\nurl = "sqlite:///{database}"\n'
    )
    return database


def test_a_query_of_a_named_database_is_taken_in_with_where_it_came_from(warehouse, developer):
    dataset = take_in_from_source("small", "warehouse", DESCRIPTION, query=QUERY, by=developer)

    assert snapshot_of(dataset).row_ids.tolist() == a_file()["id"].tolist()
    assert dataset.columns == ["row_id", "dti", "purpose", "bad"]
    assert ProtectedValue.objects.filter(dataset_sha256=dataset.sha256).count() == 60
    assert dataset.origin["kind"] == "sql"
    assert dataset.origin["where"] == f"sqlite://{'/' + str(warehouse)}"
    assert len(dataset.origin["query_sha256"]) == 64
    assert QUERY not in json.dumps(dataset.origin)


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM loans",
        "SELECT 1; DELETE FROM loans",
        "WITH gone AS (SELECT 1) DELETE FROM loans",
        "SELECT nothing FROM nowhere",
        "ATTACH 'other.sqlite3' AS other",
        "SELECT * FROM pragma_database_list",
        "",
    ],
)
def test_a_query_that_is_not_one_select_is_refused_recorded_and_changes_nothing(
    warehouse, developer, query
):
    with pytest.raises(Refusal) as refused:
        take_in_from_source("small", "warehouse", DESCRIPTION, query=query, by=developer)

    assert [problem.field for problem in refused.value.errors] == ["query"]
    assert Entry.objects.get().event == "audit.action_refused"
    with sqlite3.connect(warehouse) as connection:
        assert connection.execute("SELECT count(*) FROM loans").fetchone() == (60,)


def test_a_source_that_no_operator_named_does_not_exist(warehouse, developer):
    answer = rest(developer).post(
        "/api/v1/datasets/from-source",
        {"name": "small", "source": "sqlite:///etc/x", "query": QUERY, "description": DESCRIPTION},
        format="json",
    )

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/no-such-source"


def test_a_query_is_taken_in_over_http_by_those_who_may(warehouse, developer, lending):
    body = {"name": "small", "source": "warehouse", "query": QUERY, "description": DESCRIPTION}

    refused = rest(lending).post("/api/v1/datasets/from-source", body, format="json")
    answer = rest(developer).post("/api/v1/datasets/from-source", body, format="json")

    assert refused.status_code == 403
    assert answer.status_code == 201
    assert answer.json()["origin"]["source"] == "warehouse"
    assert answer.json()["expectations_passed"] is None
    with pytest.raises(NotPermitted):
        take_in_from_source("other", "warehouse", DESCRIPTION, query=QUERY, by=lending)


def test_a_key_is_not_asked_of_a_database(warehouse, developer):
    with pytest.raises(Refusal) as refused:
        take_in_from_source("small", "warehouse", DESCRIPTION, key="loans.csv", by=developer)

    assert [problem.field for problem in refused.value.errors] == ["key"]


@pytest.fixture
def landing(tmp_path, settings, monkeypatch):
    """A versioned bucket of a moto server, of which `in/` is the operator's source."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    address = f"http://{host}:{port}"
    client = Server(MOTO, address, "tests", "tests").client()
    client.create_bucket(Bucket="landing")
    client.put_bucket_versioning(Bucket="landing", VersioningConfiguration={"Status": "Enabled"})
    settings.CREDENCE_SOURCES = tmp_path / "sources.toml"
    settings.CREDENCE_SOURCES.write_text(
        f'[landing]\nkind = "s3"\nplace = "s3://landing/in"\nendpoint = "{address}"\n'
    )
    yield client
    server.stop()


def test_an_object_below_the_prefix_is_taken_in_with_its_version(landing, developer):
    put = landing.put_object(Bucket="landing", Key="in/loans.csv", Body=csv(a_file()))
    landing.put_object(Bucket="landing", Key="secret.csv", Body=csv(a_file()))

    dataset = take_in_from_source("small", "landing", DESCRIPTION, key="loans.csv", by=developer)

    assert dataset.rows == 60
    assert dataset.origin["version_id"] == put["VersionId"]
    assert dataset.origin["etag"] == put["ETag"].strip('"')
    assert dataset.origin["where"] == "s3://landing/in/loans.csv"
    for key in ("secret.csv", "../secret.csv", "", "/secret.csv"):
        with pytest.raises(Refusal) as refused:
            take_in_from_source("other", "landing", DESCRIPTION, key=key, by=developer)
        assert [problem.field for problem in refused.value.errors] == ["key"]


@pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="needs PostgreSQL"
)
@pytest.mark.parametrize(
    ("query", "works"),
    [
        ("SELECT 'A' || n AS id, 'repaid' AS status FROM generate_series(1, 3) n", True),
        ("WITH gone AS (DELETE FROM auth_user RETURNING id) SELECT * FROM gone", False),
        ("SELECT setval('auth_user_id_seq', 1)", False),
    ],
)
def test_postgresql_gives_rows_and_refuses_to_write(settings, query, works):
    from django.utils import timezone

    from governance.errors import QueryRefused
    from governance.sources.places import SqlSource
    from governance.sources.sql import read_query

    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    source = SqlSource("warehouse", f"{url}/{settings.DATABASES['default']['NAME']}")

    if works:
        assert read_query(source, query, timezone.now()).rows.whole()["id"].tolist() == [
            "A1",
            "A2",
            "A3",
        ]
    else:
        with pytest.raises(QueryRefused):
            read_query(source, query, timezone.now())


def expectations(*entries: dict[str, object]) -> dict[str, object]:
    return {"expectations": list(entries)}


ENOUGH = {"check": "row_count", "at_least": 1000}


def test_a_failed_expectation_that_blocks_refuses_the_data_set_and_is_recorded(developer):
    policy = a_policy("expectations", expectations(ENOUGH), name="default")
    before = Entry.objects.count()

    with pytest.raises(DatasetFailsExpectations) as refused:
        take_in_dataset("small", csv(a_file()), "f.csv", DESCRIPTION, by=developer)

    assert str(policy) in refused.value.detail
    assert refused.value.errors[0].detail == "60 rows; expected at least 1,000 rows."
    assert not Dataset.objects.exists()
    assert not ProtectedValue.objects.exists()
    assert Entry.objects.count() == before + 1
    assert Entry.objects.order_by("id").last().event == "audit.action_refused"


def test_the_policy_of_the_name_goes_before_the_one_for_all_and_its_results_are_kept(developer):
    a_policy("expectations", expectations(ENOUGH), name="default")
    own = a_policy("expectations", expectations({**ENOUGH, "blocking": False}), name="small")

    dataset = take_in_dataset("small", csv(a_file()), "f.csv", DESCRIPTION, by=developer)

    assert dataset.expectations_policy == own
    assert [(one["check"], one["passed"], one["value"]) for one in dataset.expectations] == [
        ("row_count", False, 60)
    ]
    assert dataset.expectations_passed is False


def test_expectations_that_nobody_adopted_ask_nothing(developer):
    a_policy("expectations", expectations(ENOUGH), name="default", adopted=False)

    dataset = take_in_dataset("small", csv(a_file()), "f.csv", DESCRIPTION, by=developer)

    assert dataset.expectations_policy is None


def test_a_dry_run_shows_what_would_come_of_it_and_writes_nothing(warehouse, developer, tmp_path):
    described, tried, out = tmp_path / "d.toml", tmp_path / "e.toml", io.StringIO()
    described.write_text(DESCRIPTION)
    tried.write_text('[[expectations]]\ncheck = "row_count"\nat_least = 1000\n')
    words = ["small", "--describe", str(described), "--source", "warehouse", "--query", QUERY]
    people = ["--as", developer.username]

    call_command("dataset", *words, *people, "--dry-run", stdout=out)
    with pytest.raises(CommandError, match="would be refused"):
        call_command(
            "dataset", *words, *people, "--dry-run", "--expectations", str(tried), stdout=out
        )

    assert "Nothing was written" in out.getvalue()
    assert not Dataset.objects.exists()
    assert not Entry.objects.exists()
    call_command("dataset", *words, *people, stdout=out)
    assert Dataset.objects.get().rows == 60
