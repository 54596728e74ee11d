"""Tables in monthly parts, on PostgreSQL: the month is in the UUIDv7 of the key, so a row says itself where it belongs.

`manage.py migrate` makes the months ahead, as the owner of the tables. A row of a month that nobody made goes into the
default part: nothing is ever refused for want of one. SQLite keeps plain tables.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.apps import AppConfig
from django.conf import settings
from django.db import connections, migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.utils import timezone

from audit import triggers
from audit.ids import first_key

PARTITIONED: list[type[models.Model]] = []
FEW = 2  # months ahead; below this somebody has to run `manage.py migrate`


def partitioned_table(model: type[models.Model]) -> None:
    """Called in `AppConfig.ready()` for every table that `CreatePartitionedModel` made."""
    if model not in PARTITIONED:
        PARTITIONED.append(model)


class CreatePartitionedModel(migrations.CreateModel):
    """A table in monthly parts by its key, a UUIDv7, with a default part; on SQLite a plain table.

    A unique constraint on PostgreSQL must hold the key, so the model can have no other one.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = plain + " PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


def make_months_ahead(sender: AppConfig, *, using: str = "default", **_: Any) -> None:
    """After every migration: this month and CREDENCE_MONTHS_AHEAD more, for each partitioned table."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        for model in PARTITIONED:
            make_months(connection, model._meta.db_table, settings.CREDENCE_MONTHS_AHEAD)


def make_months(connection: BaseDatabaseWrapper, table: str, ahead: int) -> list[str]:
    """Make the parts for this month and `ahead` more; the names of those that were not there.

    A month that has rows in the default part already stays there: they are append-only, and cannot be moved.
    """
    present = set(triggers.partitions(connection).get(table, ()))
    made: list[str] = []
    if not present:  # the table itself is not there: these migrations were not run, or undone
        return made
    for month in _months(timezone.now().date(), ahead + 1):
        name = f"{table}_{month:%Y_%m}"
        bounds = [_month_key(month), _month_key(_next(month))]
        if name in present or _default_holds(connection, table, bounds):
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)", bounds
            )
        triggers.refuse_truncate_of_part(connection, table, name)
        made.append(name)
    return made


def months_left(connection: BaseDatabaseWrapper) -> int | None:
    """How many months after this one have a part in every partitioned table; None where there are no parts."""
    if connection.vendor != "postgresql":
        return None
    parts = triggers.partitions(connection)
    left = []
    for model in PARTITIONED:
        table, count = model._meta.db_table, 0
        for month in _months(_next(timezone.now().date()), 1200):
            if f"{table}_{month:%Y_%m}" not in parts.get(table, ()):
                break
            count += 1
        left.append(count)
    return min(left)


def shortage(connection: BaseDatabaseWrapper) -> str | None:
    """What to do where the months that were made are running out, or None."""
    left = months_left(connection)
    if left is None or left >= FEW:
        return None
    return (
        f"Tables in monthly parts are ready for {left} more month(s) only. "
        "Run `manage.py migrate`, which makes the next ones."
    )


def _month_key(month: date) -> UUID:
    return first_key(datetime(month.year, month.month, 1, tzinfo=UTC))


def _default_holds(connection: BaseDatabaseWrapper, table: str, bounds: list[UUID]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {table}_default WHERE id >= %s AND id < %s)", bounds
        )
        return bool(cursor.fetchone()[0])


def _months(day: date, count: int) -> Iterator[date]:
    month = day.replace(day=1)
    for _ in range(count):
        yield month
        month = _next(month)


def _next(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
