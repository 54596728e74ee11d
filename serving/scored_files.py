"""Scoring a file of applications, so that a run that was killed goes on where it was: without a duplicate, without a gap.

A chunk's key is the file's digest, the model and the chunk's rows; its answers are added to the output once they are
committed. After a crash the output ends in the middle of a chunk, or lacks one that was decided: it is cut back to
whole chunks, and what is missing comes from the record by its key.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.digests import sha256_of
from audit.errors import FieldProblem, Refusal
from serving.application_files import Row, applications_in
from serving.applications import read_application
from serving.choosing import deciding_version
from serving.chunks import CHUNK, answered, chunks
from serving.errors import FileUnusable
from serving.idempotency import IdempotencyKey
from serving.judging import Judge

MOST_SHOWN = 20


@dataclass
class Tally:
    """What came of the rows of a file; `problems` are the first few, by the number of the row from 1."""

    decided: int = 0
    refused: int = 0
    kept: int = 0  # of these, already in the output
    problems: list[tuple[int, FieldProblem]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.decided + self.refused

    def refuse(self, row: int, problems: Sequence[FieldProblem]) -> None:
        self.refused += 1
        self.problems += [(row, one) for one in problems][: MOST_SHOWN - len(self.problems)]


@dataclass(frozen=True)
class ApplicationFile:
    """A file that was read through once: what it is a file of, its digest and how many rows it has."""

    path: Path
    model: str
    judge: Judge  # of the champion, whose contract every version has that decides for the model
    sha256: str
    rows: int


def read_through(model: str, path: Path) -> ApplicationFile:
    """Raises FileUnusable for what would stop scoring halfway, and what finding the model's champion raises."""
    judge = deciding_version(model, timezone.now()).judge
    with path.open("rb") as file:
        digest = sha256_of(file)
    rows = sum(1 for _ in applications_in(path, judge.contract))
    return ApplicationFile(path, model, judge, digest, rows)


def check_file(file: ApplicationFile, *, seen: Callable[[int], None]) -> Tally:
    """Hold every row against the model's contract. Decides nothing and writes nothing."""
    judge, now, tally = file.judge, timezone.now(), Tally()
    for number, row in enumerate(applications_in(file.path, judge.contract), 1):
        problems = (
            row.errors or [FieldProblem("", row.type, row.detail)]
            if isinstance(row, Refusal)
            else read_application(row, judge.contract, judge.barred, now)[1]
        )
        if problems:
            tally.refuse(number, problems)
        else:
            tally.decided += 1
        seen(1)
    return tally


def score_file(
    file: ApplicationFile, out: Path | None, *, by: User, seen: Callable[[int], None]
) -> Tally:
    """Decide every row of the file, and add the answers to `out` as NDJSON.

    1. Cut the output back to whole chunks. 2. Decide each chunk, or have it from the record, and add its answers.

    Raises FileUnusable, and what deciding a chunk raises: then the chunks before it stay decided.
    """
    tally = Tally()
    with _output(out) as answers:
        # 1
        kept = _keep_whole_chunks(answers, file.rows) if answers else 0
        # 2
        first = 0
        for rows in chunks(applications_in(file.path, file.judge.contract)):
            last = first + len(rows)
            if answers and last <= kept:
                _take_up(answers, first, rows, file.model, tally)
            else:
                name = f"file {file.sha256} {file.model} rows {first + 1}-{last}"
                key = IdempotencyKey(name, file.sha256)
                answer = answered(file.model, rows, by=by, key=key)
                lines = list(_lines(first, rows, answer.rows, tally))
                if answers:
                    _add(answers, lines)
            seen(len(rows))
            first = last
    return tally


@contextmanager
def _output(out: Path | None) -> Iterator[IO[bytes] | None]:
    """The file of answers, of this process alone."""
    if out is None:
        yield None
        return
    with out.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileUnusable(f"Another process is writing to {out}.") from None
        file.seek(0)
        yield file


def _keep_whole_chunks(answers: IO[bytes], total: int) -> int:
    """How many rows stay when what is not a whole chunk is cut off; the file stands at its beginning again."""
    rows, size, kept, kept_size = 0, 0, 0, 0
    for line in answers:
        if not line.endswith(b"\n"):
            break
        rows, size = rows + 1, size + len(line)
        if rows % CHUNK == 0 or rows == total:
            kept, kept_size = rows, size
    if rows > total:
        raise FileUnusable(f"{answers.name} has more answers than the file has rows.")
    answers.truncate(kept_size)
    answers.seek(0)
    return kept


def _take_up(answers: IO[bytes], first: int, rows: Sequence[Row], model: str, tally: Tally) -> None:
    """Count the answers to a chunk that the output holds. Raises FileUnusable where they are not to these rows."""
    for number, row in enumerate(rows, first + 1):
        try:
            line = json.loads(answers.readline())
            same = line["row"] == number and line["application_ref"] == _reference(row)
            same = same and line.get("decision", {}).get("model", model) == model
        except (ValueError, KeyError, TypeError, AttributeError):
            same = False
        if not same:
            raise FileUnusable(f"{answers.name} holds other answers than to row {number}.")
        tally.kept += 1
        _count(number, line, tally)


def _lines(
    first: int, rows: Sequence[Row], answers: Sequence[dict[str, Any]], tally: Tally
) -> Iterator[bytes]:
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True), first + 1):
        _count(number, answer, tally)
        line = {"row": number, "application_ref": _reference(row), **answer}
        yield json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _count(number: int, answer: dict[str, Any], tally: Tally) -> None:
    if "decision" in answer:
        tally.decided += 1
        return
    problem = answer["problem"]
    errors = [FieldProblem(e["field"], e["type"], e["detail"]) for e in problem["errors"]]
    tally.refuse(number, errors or [FieldProblem("", problem["type"], problem["detail"])])


def _add(answers: IO[bytes], lines: Sequence[bytes]) -> None:
    answers.write(b"".join(lines))
    answers.flush()
    os.fsync(answers.fileno())


def _reference(row: Row) -> object:
    return None if isinstance(row, Refusal) else row.get("application_ref")
