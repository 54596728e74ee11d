"""Reading a TOML or JSON document strictly, with everything wrong with it named at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.errors import FieldProblem


@dataclass
class TableReader:
    """A document of named tables, and the problems met so far."""

    document: Mapping[str, Any]
    problems: list[FieldProblem] = field(default_factory=list)

    def fault(self, where: str, detail: str, type: str = "malformed") -> None:
        self.problems.append(FieldProblem(where, type, detail))

    def table(self, name: str, *, required: bool = False) -> Mapping[str, Any]:
        table = self.document.get(name, {})
        if not isinstance(table, Mapping) or (required and not table):
            self.fault(name, f"[{name}] must be a table that is not empty.")
            return {}
        return table

    def tables(
        self, name: str, *, required: bool = False
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        for key, entry in self.table(name, required=required).items():
            if isinstance(entry, Mapping):
                yield key, entry
            else:
                self.fault(f"{name}.{key}", "Must be a table.")

    def text(
        self, table: Mapping[str, Any], key: str, where: str, detail: str = "Must be a text."
    ) -> str:
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self.fault(f"{where}.{key}", detail)
        return ""

    def unknown_keys(self, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self.fault(f"{where}.{key}", f"Unknown key; known are {', '.join(known)}.")
