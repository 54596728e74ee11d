"""Statements of the mapper, compiled once: composing one anew costs more than the database takes to answer it.

For what every decision asks and writes. On PostgreSQL they are prepared by the server and sent binary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models import Expression, Field, QuerySet
from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from audit.columns import dumps, packer

ROWS_PER_INSERT = 500
Values = Callable[[Sequence[models.Model]], Any]


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


def insert_rows(*batches: Sequence[models.Model], ignore_conflicts: bool = False) -> int | None:
    """Insert batches of rows, each of one model, in the transaction that is open.

    Returns how many rows of the last batch are new, where the database says so; with `ignore_conflicts` those of the
    last that are there already are left. On PostgreSQL one prepared statement, whatever the number of rows: the
    mapper's way costs as much again as everything else. A key that the database makes is not read back.
    """
    given = [rows for rows in batches if rows]
    if not given:
        return 0
    if connection.vendor == "postgresql":
        return _inserted_at_once(given, ignore_conflicts)
    for rows in given:
        ignoring = ignore_conflicts and rows is given[-1]
        type(rows[0])._base_manager.bulk_create(rows, ROWS_PER_INSERT, ignore_conflicts=ignoring)
    return None


def _inserted_at_once(given: Sequence[Sequence[models.Model]], ignore_conflicts: bool) -> int:
    shape = tuple((type(rows[0]), len(rows) == 1) for rows in given)
    readers, sql = _insertion(shape, ignore_conflicts)
    parameters = [
        value(rows) for values, rows in zip(readers, given, strict=True) for value in values
    ]
    with connection.wrap_database_errors, server_cursor() as cursor:
        cursor.execute(sql, parameters)
        new = cursor.rowcount
    for row in chain.from_iterable(given):
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return new


def server_cursor() -> Cursor[Any]:
    """A cursor of the driver's own: parameters are sent apart, and statements are prepared by the server."""
    require_connection()
    driver = connection.connection
    assert isinstance(driver, Connection)
    return Cursor(driver)


def require_connection() -> None:
    """Whether the connection still lives is asked once a second, and not once for every request."""
    if connection.vendor == "sqlite":
        return
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
    shape: tuple[tuple[type[models.Model], bool], ...], ignore_conflicts: bool
) -> tuple[list[list[Values]], str]:
    """What is sent of each batch's rows, and the statement; of several rows one array for each column."""
    readers, parts = [], []
    for model, is_single in shape:
        fields = [
            field
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField)
        ]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        if is_single:
            values = f"VALUES ({', '.join(['%b'] * len(fields))})"
        else:
            lists = ", ".join(f"%b::{field.db_type(connection)}[]" for field in fields)
            values = f"SELECT * FROM unnest({lists})"
        parts.append(f"INSERT INTO {model._meta.db_table} ({columns}) {values}")
        readers.append([_values(field, is_single) for field in fields])
    *before, last = parts
    together = ", ".join(f"before_{place} AS ({part})" for place, part in enumerate(before))
    end = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    return readers, f"{f'WITH {together} ' if together else ''}{last}{end}"


def _values(field: Field[Any, Any], is_single: bool) -> Values:
    """What is sent of a batch's rows for one column."""
    read = _reader(field)
    if is_single:
        return lambda rows: read(rows[0])
    pack = packer(str(field.db_type(connection)))
    return lambda rows: pack([read(row) for row in rows])


def _reader(field: Field[Any, Any]) -> Callable[[models.Model], Any]:
    """The driver takes most values as they are, and a column wants those of one type."""
    if isinstance(field, models.CharField | models.TextField):
        return lambda row: _as(str, getattr(row, field.attname))
    if isinstance(field, models.FloatField):
        return lambda row: _as(float, getattr(row, field.attname))
    if isinstance(field, models.JSONField):
        return lambda row: _json(getattr(row, field.attname))
    if getattr(field, "auto_now_add", False):
        return lambda row: field.pre_save(row, True)
    return attrgetter(field.attname)


def _as(kind: type, value: Any) -> Any:
    return value if value is None or type(value) is kind else kind(value)


def _json(value: Any) -> Jsonb | None:
    return None if value is None else Jsonb(value, dumps=dumps)


def _cursor() -> Any:
    return server_cursor() if connection.vendor == "postgresql" else connection.cursor()
