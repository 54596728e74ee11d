"""What the demo says in the terminal: each step with its progress, and a short summary when it is done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table


class Storyteller:
    """Numbers the steps and times them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._spinner = console.status("[dim]working ...[/]", spinner="dots")
        self._number = 0
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._number += 1
        began = time.monotonic()
        self.console.print(f"\n[bold cyan]{self._number:>2}[/] [bold]{title}[/]")
        self._spinner.start()
        try:
            yield
        finally:
            self._spinner.stop()
        self.console.print(f"   [dim]{time.monotonic() - began:.1f} s[/]")

    def say(self, text: str) -> None:
        self.console.print(f"   {text}")

    def quote(self, text: str, most: int = 24) -> None:
        """What another program printed, its beginning where it is long."""
        lines = text.rstrip().splitlines()
        for line in lines[:most]:
            self.console.print(f"   [dim]|[/] {escape(line)}")
        if len(lines) > most:
            self.console.print(f"   [dim]| ... {len(lines) - most} more lines[/]")

    def refused(self, what: str, answer: str) -> None:
        """A refusal that belongs to the story: a real answer of the service."""
        self.console.print(f"   [yellow]refused[/] {what}: [italic]{answer}[/]")

    def table(self, title: str, columns: list[str], rows: list[list[Any]]) -> None:
        table = Table(title=title, title_justify="left", title_style="", box=None, padding=(0, 2))
        for number, column in enumerate(columns):
            numeric = all(_is_number(row[number]) for row in rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self.console.print(Panel(table, border_style="dim", expand=False))

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator["Advance"]:
        bar = Progress(
            TextColumn("  "), SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=self.console, transient=True,
        )  # fmt: skip
        # Only one live display at a time: the step's own spinner pauses meanwhile.
        self._spinner.stop()
        with bar:
            task = bar.add_task(what, total=total)
            yield Advance(bar, task)
        self._spinner.start()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


class Advance:
    """Moves one progress bar on."""

    def __init__(self, bar: Progress, task: Any) -> None:
        self._bar, self._task = bar, task

    def __call__(self, count: int) -> None:
        self._bar.advance(self._task, count)


def _is_number(cell: Any) -> bool:
    return str(cell).replace(",", "").lstrip("+-").replace(".", "", 1).isdigit() or cell == "-"
