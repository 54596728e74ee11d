"""Reads of feature tables: definitions, the rows behind a lookup, and how fresh a table is."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from audit.cases import restricted_people
from audit.errors import FieldProblem
from audit.models import Erasure
from audit.purposes import DECISION
from registry.contract import FeatureContract
from registry.errors import FeaturesDifferFromTable, UnknownFeatureTable, UnknownOnlineStore
from registry.models import Dataset, FeatureRow, FeatureTable
from registry.online_stores import OnlineStore, by_store, read_stores
from registry.point_in_time import Known, Source

IDS_PER_QUERY = 500
Item = TypeVar("Item")
BANDS = ("up to 1/4 of its life", "up to 1/2", "up to 3/4", "up to its end", "past its end")


@dataclass(frozen=True)
class Freshness:
    """How old the newest row of each entity is; `entities` by share of the time to live, as in BANDS."""

    rows: int
    newest_event_at: datetime | None
    entities: tuple[int, ...]

    @property
    def past_ttl_share(self) -> float | None:
        """0 to 1; None of an empty table."""
        total = sum(self.entities)
        return self.entities[-1] / total if total else None


def feature_tables() -> QuerySet[FeatureTable]:
    """Every version of every table, with what a reader asks for next."""
    return FeatureTable.objects.select_related("client", "defined_by")


def table_named(name: str, version: int | None = None) -> FeatureTable:
    """That version of a table, the newest where none is asked for. Raises UnknownFeatureTable."""
    found = feature_tables().filter(name=name).order_by("-version")
    table = (found if version is None else found.filter(version=version)).first()
    if table is None:
        which = name if version is None else f"{name}/{version}"
        raise UnknownFeatureTable(f"There is no feature table {which!r}.")
    return table


def source_of(table: FeatureTable) -> Source:
    return Source(
        table_id=table.pk,
        name=table.name,
        version=table.version,
        client=table.client.get_username(),
        features=FeatureContract.from_json(table.features),
        ttl=timedelta(seconds=table.ttl_seconds),
    )


def sources_of(contract: FeatureContract) -> tuple[Source, ...]:
    """The tables that the contract looks features up in; no query where it looks nothing up.

    Raises UnknownFeatureTable, or FeaturesDifferFromTable naming every feature that its table holds differently.
    """
    sources, problems = [], []
    for reference, wanted in contract.tables.items():
        name, _, version = reference.partition("/")
        source = source_of(table_named(name, int(version)))
        differences = source.differences(wanted)
        problems += [
            FieldProblem(f"features.{feature}", "differs", why)
            for feature, why in differences.items()
        ]
        sources.append(source)
    if problems:
        raise FeaturesDifferFromTable(
            "The contract wants other features than its tables hold; see `errors`.", errors=problems
        )
    return tuple(sources)


def online_stores() -> Mapping[str, OnlineStore]:
    """The online stores that the operator named. Raises OnlineStoresMalformed."""
    return read_stores(settings.CREDENCE_ONLINE_STORES)


def require_online_stores(contract: FeatureContract) -> None:
    """Raises UnknownOnlineStore naming every feature whose online store the operator did not name, or OnlineStoresMalformed."""
    if not contract.views:
        return
    known = online_stores()
    problems = [
        FieldProblem(f"features.{feature.name}.table", "unknown", f"No store {store!r} is named.")
        for store, references in by_store(contract.views).items()
        if store not in known
        for reference in references
        for feature in contract.views[reference]
    ]
    if problems:
        raise UnknownOnlineStore(
            "The contract looks features up in online stores that are not configured.",
            errors=problems,
        )


def turn_of(source: Source) -> str:
    """The turn that rows of a table are recorded in, and that a decision shares while it looks them up.

    Without it a row could be recorded with an earlier time than a decision which did not see it yet: training
    would later see at that moment what the decision did not.
    """
    return f"credence-feature-table/v1\n{source.table_id}"


def known_rows(
    source: Source,
    subject_ids: Collection[UUID],
    since: datetime,
    until: datetime,
    *,
    unrestricted: bool = False,
) -> dict[UUID, list[Known]]:
    """The rows about these people whose event lies between the two moments, both included.

    `unrestricted` leaves out people whose data is only kept and no longer used (Art. 18 GDPR).
    """
    found: dict[UUID, list[Known]] = defaultdict(list)
    for some in _batched(sorted(subject_ids)):
        rows = FeatureRow.objects.filter(
            table=source.table_id,
            subject_id__in=some,
            event_at__gte=since,
            event_at__lte=until,
            created_at__lte=until,
        )
        if unrestricted:
            rows = rows.filter(~Exists(restricted_people(OuterRef("subject_id"))))
        for subject_id, event_at, created_at, number, packed in rows.values_list(
            "subject_id", "event_at", "created_at", "pk", "packed"
        ):
            found[subject_id].append(Known(event_at, created_at, number, bytes(packed)))
    return found


def newest_events(
    source: Source, subject_ids: Collection[UUID], at: datetime
) -> dict[UUID, datetime]:
    """The newest event known at a moment about each of these people, however old it is."""
    found: dict[UUID, datetime] = {}
    for some in _batched(sorted(subject_ids)):
        rows = FeatureRow.objects.filter(
            table=source.table_id, subject_id__in=some, event_at__lte=at, created_at__lte=at
        )
        found |= dict(rows.order_by().values_list("subject_id").annotate(Max("event_at")))
    return found


def recorded_times(numbers: Collection[int]) -> dict[int, datetime]:
    """When each of these rows came into the service, by its number."""
    found: dict[int, datetime] = {}
    for some in _batched(sorted(numbers)):
        rows = FeatureRow.objects.filter(pk__in=some)
        found |= dict(rows.values_list("pk", "ingest__recorded_at"))
    return found


def protected_everywhere() -> frozenset[str]:
    """The names of the columns that were split off any data set as protected."""
    named = Dataset.objects.values_list("description__protected_columns", flat=True)
    return frozenset(name for names in named for name in names or ())


def freshness(table: FeatureTable, at: datetime) -> Freshness:
    """How fresh the table is at a moment, counted in the database."""
    rows = FeatureRow.objects.filter(table=table, event_at__lte=at)
    entities = rows.order_by().values("subject_id").annotate(newest=Max("event_at"))
    ends = [at - timedelta(seconds=table.ttl_seconds * share / 4) for share in (1, 2, 3, 4)]
    counted = entities.aggregate(
        every=Count("subject_id"),
        newest_of_all=Max("newest"),
        **{
            f"within_{band}": Count("subject_id", filter=Q(newest__gte=end))
            for band, end in enumerate(ends)
        },
    )
    upto = [0, *(counted[f"within_{band}"] for band in range(4)), counted["every"]]
    return Freshness(
        rows=rows.count(),
        newest_event_at=counted["newest_of_all"],
        entities=tuple(after - before for before, after in pairwise(upto)),
    )


def erased_rows() -> QuerySet[FeatureRow]:
    """Rows whose person was erased and that are still there."""
    erasures = Erasure.objects.filter(subject=OuterRef("subject_id"), purpose=DECISION.name)
    return FeatureRow.objects.filter(Exists(erasures))


def rows_about(subject_id: UUID) -> QuerySet[FeatureRow]:
    """Everything that feature tables hold about one person, oldest first."""
    return (
        FeatureRow.objects.filter(subject_id=subject_id)
        .select_related("table", "ingest")
        .order_by("event_at", "pk")
    )


def _batched(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """As many at a time as one statement takes on either database."""
    for start in range(0, len(items), IDS_PER_QUERY):
        yield items[start : start + IDS_PER_QUERY]
