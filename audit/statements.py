"""Statements of the mapper, compiled once: composing one anew costs more than the database takes to answer it.

For what every decision asks and writes. On PostgreSQL they are prepared by the server and sent binary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection, models
from django.db.models import Expression, Field, QuerySet
from psycopg import Connection, Cursor

ROWS_PER_INSERT = 500


class Parameter(Expression):
    """A value that is given when the query is asked, in the form of the field that it is compared with."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class CompiledQuery:
    """A query by `Parameter`s, composed when it is first asked."""

    def __init__(self, queryset: Callable[[], QuerySet[Any, tuple[Any, ...]]]) -> None:
        """`queryset` gives a `values_list` query."""
        self._queryset = queryset
        self._compiled: tuple[str, tuple[Any, ...], Any, Any] | None = None

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values, one for each Parameter by its name."""
        sql, places, compiler, converters = self._compiled or self._compile()
        parameters = [
            place.output_field.get_db_prep_value(values[place.name], connection)
            if isinstance(place, Parameter)
            else place
            for place in places
        ]
        with connection.wrap_database_errors, _cursor() as cursor:
            cursor.execute(sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        if converters:
            return [tuple(row) for row in compiler.apply_converters(found, converters)]
        return found

    def row(self, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return next(iter(self.rows(**values)), None)

    def _compile(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        compiler = self._queryset().query.get_compiler(connection=connection)
        sql, places = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        self._compiled = sql, tuple(places), compiler, converters
        return self._compiled


def insert_rows(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> int | None:
    """Insert rows of one model, in the transaction that is open; how many are new, where the database says so.

    On PostgreSQL by one prepared statement, whatever their number: the mapper's way costs as much again as everything
    else. A key that the database makes is not read back.
    """
    if not rows:
        return 0
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._base_manager.bulk_create(rows, ROWS_PER_INSERT, ignore_conflicts=ignore_conflicts)
        return None
    read, one, many = _insertion(model, ignore_conflicts)
    with connection.wrap_database_errors, server_cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(one, [value(rows[0]) for value in read])
        else:
            cursor.execute(many, [[value(row) for row in rows] for value in read])
        new = cursor.rowcount
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
    return new


def server_cursor() -> Cursor[Any]:
    """A cursor of the driver's own: parameters are sent apart, and statements are prepared by the server."""
    _require_connection()
    driver = connection.connection
    assert isinstance(driver, Connection)
    return Cursor(driver)


def _require_connection() -> None:
    """Whether the connection still lives is asked once a second, and not once for every request."""
    driver, now = connection.connection, monotonic()
    if driver is not None and now - _asked.get(driver, -TRUSTED_SECONDS) < TRUSTED_SECONDS:
        connection.health_check_done = True  # type: ignore[attr-defined]  # Django's own, left out of its types
        return
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    _asked[connection.connection] = now


TRUSTED_SECONDS = 1.0
_asked: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


@cache
def _insertion(
    model: type[models.Model], ignore_conflicts: bool
) -> tuple[list[Callable[[models.Model], Any]], str, str]:
    """What is read of each row, the statement for one row, and the one for several, which takes a list for each column."""
    fields = [
        field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    into = f"INSERT INTO {model._meta.db_table} ({columns})"
    end = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    one = f"{into} VALUES ({', '.join(['%b'] * len(fields))}){end}"
    lists = ", ".join(f"%b::{field.db_type(connection)}[]" for field in fields)
    return [_reader(field) for field in fields], one, f"{into} SELECT * FROM unnest({lists}){end}"


def _reader(field: Field[Any, Any]) -> Callable[[models.Model], Any]:
    """The driver takes most values as they are, and wants those of one list to be of one type."""
    if isinstance(field, models.CharField | models.TextField):
        return lambda row: _as(str, getattr(row, field.attname))
    if isinstance(field, models.FloatField):
        return lambda row: _as(float, getattr(row, field.attname))
    if isinstance(field, models.JSONField):
        return lambda row: field.get_db_prep_save(getattr(row, field.attname), connection)
    if getattr(field, "auto_now_add", False):
        return lambda row: field.pre_save(row, True)
    return attrgetter(field.attname)


def _as(kind: type, value: Any) -> Any:
    return value if value is None or type(value) is kind else kind(value)


def _cursor() -> Any:
    return server_cursor() if connection.vendor == "postgresql" else connection.cursor()
