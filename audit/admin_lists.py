"""Lists of tables that grow for years: what a page asks about them has a bound, whatever they hold.

Rows whose key is a UUIDv7 are narrowed by time through the key, which says the moment and is always indexed.
"""

from __future__ import annotations  # the types of Django take parameters, and their classes do not

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.views import ChangeList

from audit.ids import first_key, moment_of

MOST_COUNTED = 10_000
MOST_VALUES = 500
EARLIEST = date(1970, 1, 1)  # identifiers count from then
RECENT = {"1": "Today", "7": "Past 7 days", "30": "Past 30 days"}


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # it takes none when it runs
    """Counts so many rows at most, and has pages for no more: whoever looks for others narrows the list."""

    template_name = "audit/bounded_pagination.html"

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_COUNTED)

    @property
    def is_cut(self) -> bool:
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.order_by()[: MOST_COUNTED + 1].count()


class BoundedChangeList(ChangeList):  # type: ignore[misc]  # unfold ships no types
    """Its heading would say the bound as if it were the number of rows, unless it takes it for all there is."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.paginator.is_cut:
            self.full_result_count = self.result_count


class KnownValuesFilter(admin.AllValuesFieldListFilter):
    """By the values of an indexed column, each found by a step through the index: `DISTINCT` reads every row."""

    def __init__(self, field: models.Field[Any, Any], *args: Any, **options: Any) -> None:
        super().__init__(field, *args, **options)
        self.lookup_choices = known_values(field)  # type: ignore[assignment]  # it is only gone through


class MadeFilter(admin.SimpleListFilter):
    """By the day or month, in UTC, in which a row was made: so many last days, a month, or a day of the month chosen."""

    title = "time"
    parameter_name = "made"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterator[tuple[str, str]]:
        yield from RECENT.items()
        keys: QuerySet[Model, UUID] = model_admin.model._default_manager.values_list(
            "pk", flat=True
        )
        oldest, newest = keys.order_by("pk").first(), keys.order_by("-pk").first()
        if oldest is None or newest is None:
            return
        chosen = _day_or_month(self.value())
        month, first = moment_of(newest).date().replace(day=1), moment_of(oldest).date()
        while month >= first.replace(day=1):
            yield f"{month:%Y-%m}", f"{month:%Y-%m}"
            if chosen and chosen[0].replace(day=1) == month:
                for day in range(1, (_next(month) - month).days + 1):
                    yield f"{month:%Y-%m}-{day:02}", f"{month:%Y-%m}-{day:02}"
            month = (month - timedelta(days=1)).replace(day=1)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value in RECENT:
            begin = timezone.now().date() - timedelta(days=int(value) - 1)
            return queryset.filter(pk__gte=_key(begin))
        if span := _day_or_month(value):
            return queryset.filter(pk__gte=_key(span[0]), pk__lt=_key(span[1]))
        return queryset


def known_values(field: models.Field[Any, Any]) -> list[Any]:
    """The different values of a column that an index begins with, in order; null left out, at most so many."""
    quoted = connection.ops.quote_name
    table, column = quoted(field.model._meta.db_table), quoted(str(field.column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE known (value) AS (
                SELECT min({column}) FROM {table}
                UNION ALL
                SELECT (SELECT min({column}) FROM {table} WHERE {column} > known.value)
                FROM known WHERE known.value IS NOT NULL
            )
            SELECT value FROM known WHERE value IS NOT NULL LIMIT {MOST_VALUES}
            """
        )
        return [value for (value,) in cursor.fetchall()]


def _day_or_month(value: str | None) -> tuple[date, date] | None:
    """The first day, and the day after the last; None for anything else."""
    try:
        if value and len(value) == len("2026-11"):
            month = date.fromisoformat(f"{value}-01")
            found = month, _next(month)
        else:
            day = date.fromisoformat(value or "")
            found = day, day + timedelta(days=1)
        return found if found[0] >= EARLIEST else None
    except (ValueError, OverflowError):
        return None


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _key(day: date) -> UUID:
    return first_key(datetime.combine(day, time(), UTC))
