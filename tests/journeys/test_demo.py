"""The demo as a newcomer runs it: it ends well, and what it left says the same as what it printed."""

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kombu import Connection, Queue

from tests.journeys.told import ROOT, Told, tell

pytestmark = pytest.mark.long

BATCHES = [489, 500, 500, 500, 500, 500, 500]
"""1,989 applications and 1,500 draws, sent by 500."""


@pytest.fixture(scope="session")
def entries(told: Told) -> list[dict[str, Any]]:
    return told.entries()


def about(entries: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["event"] == event]


def test_two_champions_followed_each_other(entries: list[dict[str, Any]]) -> None:
    promoted = about(entries, "registry.version.promoted")

    first, second = (entry["subject"]["id"] for entry in promoted)
    assert first == "loanapp/1"
    assert second not in {"loanapp/1", "loanapp/2"}  # which number depends on what else was tried
    assert [entry["public"]["archived"] for entry in promoted] == [None, 1]
    assert {entry["actor"]["name"] for entry in promoted} == {"amira"}


def test_a_self_approval_was_refused_and_the_log_says_so(entries: list[dict[str, Any]]) -> None:
    attempts = [
        entry
        for entry in about(entries, "audit.action_refused")
        if entry["public"]["attempted"] == "governance.change.approved"
    ]

    assert [entry["actor"]["name"] for entry in attempts] == ["dana"]
    assert "dana" not in {e["actor"]["name"] for e in about(entries, "governance.change.approved")}


def test_every_application_and_every_draw_was_decided_once(entries: list[dict[str, Any]]) -> None:
    requests = Counter(entry["request_id"] for entry in about(entries, "serving.decision.made"))

    assert sorted(count for count in requests.values() if count > 1) == BATCHES


def test_the_drift_was_answered_by_people_inside_the_clock(entries: list[dict[str, Any]]) -> None:
    [opened] = [
        entry
        for entry in about(entries, "governance.case.opened")
        if entry["public"]["cause"] == "population_drift"
    ]
    [closed] = [
        entry
        for entry in about(entries, "governance.case.closed")
        if entry["subject"]["id"] == opened["subject"]["id"]
    ]

    assert closed["public"]["state"] == "closed_champion"
    assert closed["public"]["late"] is False
    assert at(closed["occurred_at"]) <= at(opened["public"]["due_at"])


def test_a_person_decided_a_referred_case_and_the_first_decision_replayed_equal(
    entries: list[dict[str, Any]],
) -> None:
    [resolved] = about(entries, "serving.decision.resolved")
    [replayed] = about(entries, "serving.decision.replayed")

    assert (resolved["actor"]["name"], resolved["public"]["kind"]) == ("chloe", "referral")
    noticed = {entry["subject"]["id"] for entry in about(entries, "serving.notice.issued")}
    assert resolved["public"]["decision"] in noticed
    assert (replayed["actor"]["name"], replayed["public"]["result"]) == ("ines", "equal")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_log_and_its_archive_hold_when_an_operator_asks(told: Told) -> None:
    asked = told.manage("verify_log")

    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "Everything holds." in asked.stdout
    assert "read back and verified" in asked.stdout


def test_a_stranger_with_the_public_key_finds_the_bundle_whole(told: Told) -> None:
    report = told.verify(told.bundle)

    assert report["holds"]
    assert "NO POLICY" not in report["trust"]
    assert {"entries", "signatures", "tiles", "disclosed"} <= {c["name"] for c in report["checks"]}


def test_a_stranger_is_told_which_entry_holds_the_changed_byte(told: Told) -> None:
    report = told.verify(told.bundle.with_name("evidence-changed.zip"))

    assert not report["holds"]
    [broken] = [check for check in report["checks"] if check["name"] == "entries"]
    [problem] = broken["shown"]
    assert problem["entry_id"]
    assert "/tile/entries/" in problem["file"]


def test_a_bundle_made_afterwards_by_the_auditor_verifies_too(told: Told, tmp_path: Path) -> None:
    out = tmp_path / "later.zip"

    made = told.manage("export_evidence", "--out", str(out), "--as", "ines")

    assert made.returncode == 0, made.stdout + made.stderr
    assert told.verify(out)["holds"]


def test_no_process_of_the_demo_logged_an_unexpected_error(told: Told) -> None:
    for name in ("web", "worker", "beat", "sequencer"):
        log = (told.var / "logs" / f"{name}.log").read_text()
        assert "Traceback" not in log, f"{name}: {log[log.index('Traceback') - 500 :][:3000]}"


# --- On a server's database and broker


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """A fresh database and a queue of its own, on the servers that the runner of the tests found."""
    brokers = [url for url in os.environ.get("TEST_BROKERS", "").split() if url.startswith("amqp")]
    server = os.environ.get("DATABASE_URL", "")
    if not brokers or not server.startswith("postgres"):
        pytest.skip("needs PostgreSQL and RabbitMQ (SERVICES=required)")
    name = f"credence_demo_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]  # a name of ours
    try:
        yield {
            "DATABASE_URL": f"{server.rsplit('/', 1)[0]}/{name}",
            "BROKER_URL": brokers[0],
            "CREDENCE_QUEUE": name,
        }
    finally:
        with Connection(brokers[0]) as broker, broker.channel() as channel:
            Queue(name, channel=channel).delete()
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]


def test_the_demo_ends_as_well_on_postgresql_and_rabbitmq_and_refuses_to_begin_in_what_it_left(
    var: Path, servers: dict[str, str]
) -> None:
    told = tell(var, **servers)

    assert told.code == 0, told.said[-4000:]
    assert not (var / "credence.sqlite3").exists()
    assert told.verify(told.bundle)["holds"]
    assert len(about(told.entries(), "registry.version.promoted")) == 2

    left = sorted(var.iterdir())
    again = tell(var, **servers)

    assert again.code == 1
    assert "is not empty" in again.said
    assert "Create a new database" in again.said
    assert sorted(var.iterdir()) == left
    assert [folder.name for folder in var.parent.iterdir() if folder.is_dir()] == ["var"]
    asked = told.manage("verify_log")
    assert asked.returncode == 0, asked.stdout + asked.stderr


# --- On other data, and in other folders


def test_the_demo_tells_the_same_story_of_lendingclub(var: Path, reference: Path) -> None:
    data = reference / "data" / "lendingclub_2007_2011.csv.gz"
    description = ROOT / "docs" / "examples" / "lendingclub.toml"

    told = tell(var, "--data", str(data), "--describe", str(description))

    assert told.code == 0, told.said[-4000:]
    assert told.verify(told.bundle)["holds"]
    promoted = about(told.entries(), "registry.version.promoted")
    assert [entry["subject"]["id"] for entry in promoted] == ["lendingclub/1", "lendingclub/3"]


def test_a_folder_that_holds_something_else_is_left_alone(var: Path) -> None:
    var.mkdir()
    (var / "diary.txt").write_text("private")

    told = tell(var)

    assert told.code == 1
    assert "holds no earlier demo" in told.said
    assert [path.name for path in var.iterdir()] == ["diary.txt"]


def test_an_earlier_demo_is_not_moved_for_a_data_file_that_is_not_there(var: Path) -> None:
    var.mkdir()
    (var / "demo.env").write_text("CREDENCE_SECRET_KEY=of-the-earlier-demo\n")

    told = tell(var, "--data", "nowhere.csv")

    assert told.code == 1
    assert "There is no file nowhere.csv" in told.said
    assert [path.name for path in var.parent.iterdir()] == ["var"]
    assert (var / "demo.env").read_text() == "CREDENCE_SECRET_KEY=of-the-earlier-demo\n"
