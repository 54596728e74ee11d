"""A service whose database or keys are not as they must be does not start."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.utils import timezone

from audit import checks
from audit.checks import (
    NotFitToServe,
    require_fit_to_serve,
    the_log_signs_where_it_is_told_to,
    the_producer_key_lasts,
)

pytestmark = pytest.mark.django_db
CHECK = {"deploy": True, "databases": ["default"], "tags": ["database", "security"]}


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_nothing_is_missing_after_the_migrations() -> None:
    require_fit_to_serve()


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("audit_entry", "audit_entry_no_update"),
        ("audit_entry", "audit_entry_outbox"),
        ("serving_decision", "serving_decision_no_delete"),
    ],
)
def test_a_trigger_that_was_dropped_is_named(table: str, trigger: str) -> None:
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    execute(f"DROP TRIGGER {trigger}{on}")

    with pytest.raises(SystemCheckError, match=trigger):
        call_command("check", **CHECK)
    with pytest.raises(NotFitToServe, match=trigger):
        require_fit_to_serve()


@pytest.mark.parametrize("state", ["DISABLE", "ENABLE REPLICA"])
def test_a_trigger_that_never_fires_is_named(state: str) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has triggers or has none")
    execute(f"ALTER TABLE audit_entry {state} TRIGGER audit_entry_no_update")

    with pytest.raises(NotFitToServe, match="audit_entry_no_update"):
        require_fit_to_serve()


@pytest.mark.parametrize("key", ["producer.key", "vault.key", "log.json"])
def test_a_missing_key_is_named(settings: LazySettings, tmp_path: Path, key: str) -> None:
    source = Path(settings.CREDENCE_KEYS)
    (tmp_path / "delegations").mkdir()
    for file in source.rglob("*.*"):
        if file.name != key and "protected" not in file.name:
            (tmp_path / file.relative_to(source)).write_bytes(file.read_bytes())
    settings.CREDENCE_KEYS = tmp_path

    with pytest.raises(NotFitToServe, match=key):
        require_fit_to_serve()


def in_days(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(days=days)
    monkeypatch.setattr("audit.keys.timezone.now", lambda: later)


def test_the_last_week_of_the_producer_key_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    in_days(25, monkeypatch)

    require_fit_to_serve()
    assert [warning.id for warning in the_producer_key_lasts()] == ["audit.W011"]


def test_a_service_with_an_expired_producer_key_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_days(31, monkeypatch)

    with pytest.raises(NotFitToServe, match="keys rotate --key producer"):
        require_fit_to_serve()


def test_keys_that_the_settings_name_and_the_log_does_not_use_are_named(
    settings: LazySettings,
) -> None:
    assert the_log_signs_where_it_is_told_to() == []
    settings.CREDENCE_LOG_KEYS = ["kms:arn:aws:kms:eu-west-1:1:key/x", "file:log.key"]

    (warning,) = the_log_signs_where_it_is_told_to()

    assert "keys rotate --key log --to kms:arn" in str(warning.hint)


def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([OperationalError("the database system is starting up")] * 2)

    def connect() -> None:
        for problem in answers:
            raise problem

    monkeypatch.setattr(connection, "ensure_connection", connect)
    monkeypatch.setattr(checks, "sleep", lambda seconds: None)

    checks._await_database()

    assert next(answers, None) is None


def test_a_database_that_stays_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect() -> None:
        raise OperationalError("no route to host")

    monkeypatch.setattr(connection, "ensure_connection", connect)
    monkeypatch.setattr(checks, "DATABASE_PATIENCE", -1.0)

    with pytest.raises(OperationalError, match="no route"):
        checks._await_database()
