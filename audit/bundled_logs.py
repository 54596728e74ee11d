"""The logs in an evidence bundle, one folder for each shard: whole, or the entries of a scope and what proves them.

A scoped log holds the checkpoint, each chosen entry, and of the tree only the tiles on the paths of these entries and
at its right edge. Whatever the scope, the chosen are also entry 0, what became of the log's keys, and erasures that touch others.
"""

import base64
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

from django.db.models import Q, QuerySet

from audit import tree
from audit.bundle import BundleWriter
from audit.entries import parse
from audit.events import Event
from audit.models import Leaf, Publication, TimestampToken
from audit.queries import publications
from audit.scope import Scope
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, decode_bundle, tiles_at

LISTED_AT_MOST = 5_000  # entries in the readable index
ABOUT_THE_LOG = (
    Event.SHARD_OPENED,
    Event.SHARD_CLOSED,
    Event.PRODUCER_KEY_INTRODUCED,
    Event.PRODUCER_KEY_RETIRED,
    Event.LOG_KEY_INTRODUCED,
    Event.LOG_KEY_RETIRED,
    Event.LOG_KEY_LOST,
)
Step = Callable[[str, int, int], None]


@dataclass
class Covered:
    """What of the logs the scope covers, collected while they are copied."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    private: list[str] = field(default_factory=list)
    key_ids: set[str] = field(default_factory=set)

    def note(self, index: int, entry: dict[str, Any]) -> None:
        self.events[entry["event"]] += 1
        if len(self.listed) < LISTED_AT_MOST:
            self.listed.append(entry | {"index": index})
        if entry["private"] is not None:
            self.private.append(entry["id"])
            self.key_ids.add(entry["private"]["key_id"])


@dataclass(frozen=True)
class BundledLog:
    """One shard as it is in the bundle, at its newest published checkpoint."""

    checkpoint: Publication
    entries: int

    @property
    def folder(self) -> str:
        return f"log/{shard(self.checkpoint.origin)}"

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": self.folder,
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "root": base64.b64encode(self.checkpoint.root).decode(),
            "entries": self.entries,
        }


def shard(origin: str) -> str:
    """The folder of one origin in a bundle: its last part, the year."""
    return origin.rpartition("/")[2]


def published_shards() -> list[Publication]:
    """The newest published checkpoint of each shard, oldest shard first."""
    of = Publication.objects.order_by("checkpoint__origin")
    origins = of.values_list("checkpoint__origin", flat=True).distinct()
    newest = (publications(origin).first() for origin in origins)
    return [publication for publication in newest if publication is not None]


def write_logs(
    bundle: BundleWriter, scope: Scope, covered: Covered, on_step: Step
) -> list[BundledLog]:
    """Write every shard, whole or scoped, and note what the scope covers."""
    write = _write_scoped if scope.leaves_out else _write_whole
    logs = []
    for checkpoint in published_shards():
        folder = f"log/{shard(checkpoint.origin)}"
        bundle.add(f"{folder}/checkpoint", checkpoint.note.encode())
        logs.append(BundledLog(checkpoint, write(bundle, checkpoint, scope, covered, on_step)))
    return logs


def _write_stamped(bundle: BundleWriter, folder: str, tokens: Iterable[TimestampToken]) -> None:
    """Tokens, and the very notes that they stamp."""
    for token in tokens:
        size = token.publication.size
        bundle.add(f"{folder}/checkpoints/{size:020d}", token.publication.note.encode())
        bundle.add(f"{folder}/timestamps/{size:020d}.tsr", bytes(token.response))


def _tokens(checkpoint: Publication) -> QuerySet[TimestampToken]:
    of = TimestampToken.objects.filter(
        publication__checkpoint__origin=checkpoint.origin,
        publication__checkpoint__size__lte=checkpoint.size,
    )
    return of.select_related("publication__checkpoint").order_by("publication__checkpoint__size")


def _tokens_over(checkpoint: Publication, indices: Iterable[int]) -> list[TimestampToken]:
    """Of each of these entries the first token that covers it, and the newest token."""
    sizes = list(_tokens(checkpoint).values_list("publication__checkpoint__size", flat=True))
    if not sizes:
        return []
    places = {bisect_right(sizes, index) for index in indices} | {len(sizes) - 1}
    wanted = [sizes[place] for place in places if place < len(sizes)]
    return list(_tokens(checkpoint).filter(publication__checkpoint__size__in=wanted))


def _write_whole(
    bundle: BundleWriter, checkpoint: Publication, scope: Scope, covered: Covered, on_step: Step
) -> int:
    origin, folder = checkpoint.origin, f"log/{shard(checkpoint.origin)}"
    total = sum(1 for _ in tiles_at(checkpoint.size))
    for done, tile in enumerate(tiles_at(checkpoint.size), start=1):
        bundle.add(f"{folder}/{tile.path}", tree.tile_bytes(origin, tile))
        if tile.level == 0:
            entries = Bundle(tile.index, tile.width)
            data = tree.bundle_bytes(origin, entries)
            bundle.add(f"{folder}/{entries.path}", data)
            for index, body in enumerate(decode_bundle(data), start=tile.index * TILE_WIDTH):
                entry = parse(body)
                if scope.covers(entry):
                    covered.note(index, entry)
        on_step(tile.path, done, total)
    _write_stamped(bundle, folder, _tokens(checkpoint).iterator(chunk_size=200))
    return checkpoint.size


def _write_scoped(
    bundle: BundleWriter, checkpoint: Publication, scope: Scope, covered: Covered, on_step: Step
) -> int:
    """1. What the scope covers. 2. What is said of the log and of erased people. 3. The tiles that prove them."""
    folder, chosen = f"log/{shard(checkpoint.origin)}", set[int]()

    def add(index: int, body: bytes) -> None:
        if index not in chosen:
            bundle.add(f"{folder}/chosen/{index}.json", body)
            chosen.add(index)

    candidates = _within(checkpoint, scope)
    total = candidates.count()
    for done, (index, body) in enumerate(_bodies(candidates), start=1):
        entry = parse(body)
        if scope.covers(entry):
            covered.note(index, entry)
            add(index, body)
        on_step("entries", done, total)
    for index, body in _bodies(_leaves(checkpoint).filter(entry__event__in=ABOUT_THE_LOG)):
        add(index, body)
    for index, body in _bodies(_leaves(checkpoint).filter(entry__event=Event.SUBJECT_ERASED)):
        if covered.key_ids.intersection(json.loads(body)["public"]["key_ids"]):
            add(index, body)
    tokens = _tokens_over(checkpoint, chosen)
    _write_stamped(bundle, folder, tokens)
    # The right edge of the tree at a size is on the path of the entry that came next.
    edges = {token.publication.size for token in tokens} - {checkpoint.size}
    for tile in path_tiles(checkpoint.size, chosen | edges):
        bundle.add(f"{folder}/{tile.path}", tree.tile_bytes(checkpoint.origin, tile))
    return len(chosen)


def path_tiles(size: int, indices: Iterable[int]) -> list[Tile]:
    """The tiles that lead from these leaves to the root of a tree of `size`: on their paths and at the right edge."""
    on_paths, level = set(indices), 0
    tiles: list[Tile] = []
    while size >> TILE_HEIGHT * level:
        on_paths = {index >> TILE_HEIGHT for index in on_paths}
        hashes = size >> TILE_HEIGHT * level
        edge = {hashes >> TILE_HEIGHT} if hashes % TILE_WIDTH else set()
        for index in sorted(on_paths | edge):
            width = min(TILE_WIDTH, hashes - index * TILE_WIDTH)
            tiles += [Tile(level, index, width)] if width > 0 else []
        level += 1
    return tiles


def _leaves(checkpoint: Publication) -> QuerySet[Leaf]:
    return Leaf.objects.filter(origin=checkpoint.origin, index__lt=checkpoint.size)


def _within(checkpoint: Publication, scope: Scope) -> QuerySet[Leaf]:
    """The leaves within the days of the scope; whether it covers them is asked of each."""
    narrowed = Q()
    if scope.begin:
        narrowed &= Q(entry__occurred_at__gte=datetime.combine(scope.begin, time.min, UTC))
    if scope.end:
        narrowed &= Q(entry__occurred_at__lte=datetime.combine(scope.end, time.max, UTC))
    return _leaves(checkpoint).filter(narrowed)


def _bodies(leaves: QuerySet[Leaf]) -> Iterator[tuple[int, bytes]]:
    rows = leaves.order_by("index").values_list("index", "entry__body")
    return ((index, bytes(body)) for index, body in rows.iterator(chunk_size=2000))
