"""The service does not own its tables: what it cannot need, PostgreSQL does not let it do."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction

from audit import sequencer, shards
from audit.actions.keys import open_log
from audit.models import Entry
from audit.references import people_for
from governance.database_role import LOCKED, rights
from governance.settings import database
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG, a_keeper
from tests.conftest import _admin

pytestmark = pytest.mark.postgres
PASSWORD = "of-the-tests"


@pytest.fixture
def as_service(own_database: str, settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """Migrated by the owner; from here on the connection is that of the role that may not change tables."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite knows no roles")
    for name in ("VAR", "KEYS", "STORE", "ARCHIVE"):
        setattr(settings, f"CREDENCE_{name}", tmp_path / name.lower())
    role = f"credence_service_{uuid.uuid4().hex[:8]}"
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    _admin(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    settings.CREDENCE_OWNER_DATABASE = database(own_database)
    connection.settings_dict.update(USER=role, PASSWORD=PASSWORD)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict.update(owner)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {role}")
        connection.close()
        _admin(f"DROP ROLE {role}")


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_service_does_its_work_with_the_rights_it_has(
    as_service: None,
) -> None:
    keeper = a_keeper()
    open_log(LOG, by=keeper)
    some_entries(3, by=keeper)
    with transaction.atomic():
        people_for("lending", ["anna"])
    with transaction.atomic():
        people_for("lending", ["anna"])  # whose secret is there already, and is locked

    assert sequencer.seal().size == 5
    assert shards.roll(LOG, "credence.test/own/2027", by=keeper)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET body = ''",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry CASCADE",
        "TRUNCATE audit_entry_default",
        f"DELETE FROM audit_entry_{datetime.now(UTC):%Y_%m}",
        "UPDATE audit_leaf SET index = 0",
        "DELETE FROM audit_checkpoint",
        "UPDATE serving_decision SET outcome = 'approved'",
        "TRUNCATE serving_decision CASCADE",
        "DELETE FROM audit_shardclose",
        "UPDATE serving_observation SET pd = 0",
        "DROP TRIGGER audit_entry_no_update ON audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TABLE audit_entry CASCADE",
        "DROP FUNCTION audit_entry_outbox() CASCADE",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION audit_entry_no_update() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "DELETE FROM django_migrations",
    ],
)
def test_the_service_may_not_change_what_was_written_nor_the_rules(
    as_service: None, statement: str
) -> None:
    with pytest.raises((ProgrammingError, DatabaseError), match=r"denied|must be owner"):
        execute(statement)


def test_a_row_that_the_service_may_lock_it_still_cannot_change(
    as_service: None,
) -> None:
    open_log(LOG, by=a_keeper())
    with transaction.atomic():
        people_for("lending", ["anna"])

    with pytest.raises(DatabaseError, match="append-only"):
        execute("UPDATE audit_subject SET id = gen_random_uuid()")
    assert "audit.Subject" in LOCKED
    assert Entry.objects.exists()


def test_no_table_that_only_grows_gives_the_right_to_change_or_delete(db: None) -> None:
    assert rights()["audit_entry"] == ("SELECT", "INSERT")
    assert rights()["serving_decision"] == ("SELECT", "INSERT")
    assert "UPDATE" not in rights()["audit_subjectsecret"]
    assert rights()["django_migrations"] == ("SELECT",)
