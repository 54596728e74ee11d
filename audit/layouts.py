"""The database as the offline verifier reads a bundle: names, and bytes by name."""

import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO

from audit import tree, trust
from audit.models import Checkpoint, Entry
from audit.tiles import TILE_WIDTH, Bundle, encode_bundle, parse_path, tiles_at
from audit.tree import NoSuchTile
from audit.verify import Problem


class DatabaseFiles:
    """The rows of one log, laid out as the archive is. Where an entry's row is gone, its place in the bundle is empty."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        # Read once: sealing goes on meanwhile, and the tiles must be those of the newest of these.
        sizes = Checkpoint.objects.filter(origin=origin).values_list("size", flat=True)
        self._checkpoints = {f"{origin}/checkpoints/{size:020d}": size for size in sizes}
        self._size = max(self._checkpoints.values(), default=0)
        self._notes: dict[str, bytes] = {}
        for name, note in trust.note_files(origin).items():
            self._notes[f"{origin}/trust/{name}"] = note.encode()

    @property
    def names(self) -> Sequence[str]:
        names = [*self._checkpoints, *self._notes]
        for tile in tiles_at(self._size):
            names.append(f"{self._origin}/{tile.path}")
            if tile.level == 0:
                names.append(f"{self._origin}/{Bundle(tile.index, tile.width).path}")
        return names

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        if name in self._notes:
            return io.BytesIO(self._notes[name])
        if name in self._checkpoints:
            rows = Checkpoint.objects.filter(origin=self._origin, size=self._checkpoints[name])
            return io.BytesIO(rows.values_list("note", flat=True)[0].encode())
        place = parse_path(name.removeprefix(f"{self._origin}/"))
        try:
            data = (
                self._bundle(place)
                if isinstance(place, Bundle)
                else tree.tile_bytes(self._origin, place)
            )
        except NoSuchTile as refusal:
            raise OSError(f"rows are missing. {refusal.detail}") from None
        return io.BytesIO(data)

    def _bundle(self, bundle: Bundle) -> bytes:
        begin = bundle.index * TILE_WIDTH
        end = begin + bundle.width
        entries = Entry.objects.filter(
            leaf__origin=self._origin, leaf__index__gte=begin, leaf__index__lt=end
        )
        bodies = dict(entries.values_list("leaf__index", "body"))
        return encode_bundle(bytes(bodies.get(index, b"")) for index in range(begin, end))

    def container_problems(self) -> Iterator[Problem]:
        return iter(())
