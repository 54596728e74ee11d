"""What remembering costs: the product's own write path against a plain one-row INSERT of the same bytes.

Plain is how a Django service inserts a row, and this one most of its tables' rows: `Model.objects.create()`. The same processes
and connections do both, in paired rounds of random order, with a live sequencer. Both hold their transaction open for 1 ms before
COMMIT, as a stand-in for network storage; without the pause the same ratio is `append_ratio_cpu_N`. `append_ratio_statement_N` is
against a bare prepared statement with binary parameters, the fastest way that Python has: the way of `audit.statements.insert_rows`,
by which entries and the rows of decisions and of the vault are written.
"""

import json
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.audit.place import own_place

ROOT = Path(__file__).resolve().parents[3]
ORIGIN = "credence.test/benchmark"
WRITERS = (1, 8, 16)
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "9"))
SECONDS = 1.0
PAUSE_S = 0.001
ENTRY_BYTES = 1024
# The sequencer's own measure: more entries than it is asked for, offered evenly by acts of many entries.
OFFERED_PER_S = 5250
ENTRIES_PER_ACT = 20
SUSTAINED_SECONDS = 15.0


class Event(StrEnum):
    MEASURED = "benchmark.measured"


@dataclass(frozen=True)
class Task:
    """What a writer is to do: which way, from when, for how long."""

    way: str
    begin: float
    seconds: float
    pause: float
    per_second: float = 0.0  # entries of this writer; 0 is as fast as it can


def measure() -> dict[str, float]:
    with own_place():
        _open_log()
        with writers(max(WRITERS)) as pipes, sequencer():
            return _ratios(pipes) | _sustained(pipes)


def _open_log() -> None:
    from django.contrib.auth.models import Group, Permission, User
    from django.db import connection

    from audit.actions.keys import open_log

    keeper = User.objects.create_user("keeper")
    role = Group.objects.create(name="keeper of the benchmark")
    role.permissions.set(Permission.objects.filter(content_type__app_label="audit"))
    keeper.groups.add(role)
    open_log(ORIGIN, by=keeper)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)"
        )
    connection.close()


def _ratios(pipes: list[Connection]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for pause, prefix in ((PAUSE_S, "append_ratio"), (0.0, "append_ratio_cpu")):
        for count in WRITERS:
            rates: dict[str, list[float]] = {"ours": [], "plain": [], "statement": []}
            for _ in range(ROUNDS):
                for way in random.sample(list(rates), len(rates)):
                    rates[way].append(_rate(pipes[:count], way, pause))
            figures |= {
                f"{prefix}_{count}": _compared(rates, "plain", f"{prefix}_{count}"),
                f"{prefix}_statement_{count}": _compared(
                    rates, "statement", f"{prefix}_statement_{count}"
                ),
            }
    return figures


def _compared(rates: dict[str, list[float]], baseline: str, name: str) -> float:
    """The median of the rounds' ratios."""
    ratios = [ours / other for ours, other in zip(rates["ours"], rates[baseline], strict=True)]
    print(
        f"{name}: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}); "
        f"ours {statistics.median(rates['ours']):,.0f}/s, {baseline} {statistics.median(rates[baseline]):,.0f}/s",
        flush=True,
    )
    return round(statistics.median(ratios), 3)


def _rate(pipes: list[Connection], way: str, pause: float) -> float:
    """Transactions per second of all these writers together."""
    begin = time.time() + 0.1
    for pipe in pipes:
        pipe.send(Task(way, begin, SECONDS, pause))
    rate = sum(pipe.recv() for pipe in pipes) / SECONDS
    _await_sealed()  # what one way left to do must not weigh on the other
    return rate


def _sustained(pipes: list[Connection]) -> dict[str, float]:
    """How many entries a second the sequencer seals while eight writers write on the same cores, and how late."""
    begin, at_once = time.time() + 0.2, pipes[:8]
    for pipe in at_once:
        pipe.send(Task("many", begin, SUSTAINED_SECONDS, PAUSE_S, OFFERED_PER_S / len(at_once)))
    written = sum(pipe.recv() for pipe in at_once) * ENTRIES_PER_ACT
    _await_sealed()
    sealed, lag = _sealed_between(begin + 1, begin + SUSTAINED_SECONDS)
    print(
        f"sequencer: {written / SUSTAINED_SECONDS:,.0f} entries/s written, {sealed:,.0f}/s sealed; lag to the signed head "
        f"p50 {np.percentile(lag, 50):.2f} s, p99 {np.percentile(lag, 99):.2f} s",
        flush=True,
    )
    return {
        "sequencer_entries_per_s": round(sealed),
        "sequencer_lag_p99_s": round(float(np.percentile(lag, 99)), 3),
    }


def _sealed_between(begin: float, end: float) -> tuple[float, Any]:
    """Entries per second that came under a signed head in that time, and how long each had waited since it was made."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT size, extract(epoch FROM signed_at) FROM audit_checkpoint ORDER BY size"
        )
        sizes, signed = np.array(cursor.fetchall(), dtype=float).T
        cursor.execute(
            "SELECT index, extract(epoch FROM occurred_at) FROM audit_leaf JOIN audit_entry ON audit_entry.id = entry_id "
            "WHERE occurred_at >= to_timestamp(%s) AND occurred_at < to_timestamp(%s)",
            [begin, end],
        )
        indices, made = np.array(cursor.fetchall(), dtype=float).T
    connection.close()
    within = (signed >= begin) & (signed < end)
    first, last = sizes[within][0], sizes[within][-1]
    rate = (last - first) / (signed[within][-1] - signed[within][0])
    return rate, signed[np.searchsorted(sizes, indices, side="right")] - made


def _await_sealed() -> None:
    """Until all that was committed is under a signed head."""
    from django.db import connection

    from audit.queries import head_size, is_waiting, last_waiting, published_size

    up_to = last_waiting(ORIGIN)
    while is_waiting(ORIGIN, up_to) or published_size(ORIGIN) < head_size(ORIGIN):
        time.sleep(0.05)
    connection.close()


@contextmanager
def sequencer() -> Iterator[None]:
    """The product's own process, as an operator starts it."""
    command = [sys.executable, "-W", "ignore", "manage.py", "sequence"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _await_sealed()  # it is up once it has sealed the entries that opened the log
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def writers(count: int) -> Iterator[list[Connection]]:
    """Processes with one connection each, that wait for what to do."""
    from audit import keys

    keys.producer()  # read once, before the processes part
    context, pipes, processes = multiprocessing.get_context("fork"), [], []
    for _ in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=_write, args=(theirs,), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    try:
        yield pipes
    finally:
        for process in processes:
            process.kill()
            process.join()


def _write(pipe: Connection) -> None:
    from django.contrib.auth.models import User
    from django.db import connection

    by = User.objects.get(username="keeper")
    connection.ensure_connection()
    details = _details_of_1_kib(by)
    ways: dict[str, Callable[[float], None]] = {
        "ours": lambda pause: _append(by, details, 1, pause),
        "many": lambda pause: _append(by, details, ENTRIES_PER_ACT, pause),
        "plain": _plain(by, details),
        "statement": _statement(by, details),
    }
    while True:
        task: Task = pipe.recv()
        pipe.send(_carry_out(task, ways[task.way]))


def _carry_out(task: Task, once: Callable[[float], None]) -> int:
    """How many transactions were committed in the time."""
    end, done = task.begin + task.seconds, 0
    gap = ENTRIES_PER_ACT / task.per_second if task.per_second else 0.0
    time.sleep(max(0.0, task.begin - time.time()))
    while time.time() < end:
        if gap:
            time.sleep(max(0.0, task.begin + done * gap - time.time()))
        once(task.pause)
        done += 1
    return done


def _append(by: Any, details: dict[str, Any], count: int, pause: float) -> None:
    """What an act does with what it records, between BEGIN and COMMIT: make, sign, insert; the trigger fills the outbox."""
    from django.db import transaction

    from audit.writing import insert_entries, make_entry

    with transaction.atomic(durable=True):
        insert_entries([make_entry(_said(by, details)) for _ in range(count)])
        if pause:
            time.sleep(pause)


def _plain(by: Any, details: dict[str, Any]) -> Callable[[float], None]:
    """The same bytes, one row, by Django's mapper."""
    from django.db import models, transaction

    class Plain(models.Model):
        body = models.BinaryField()

        class Meta:
            app_label, db_table, managed = "audit", "plain", False

    body = _body_of_1_kib(by, details)

    def once(pause: float) -> None:
        with transaction.atomic(durable=True):
            Plain.objects.create(body=body)
            if pause:
                time.sleep(pause)

    return once


def _statement(by: Any, details: dict[str, Any]) -> Callable[[float], None]:
    """The same bytes, one row, in the fastest way that Python has: a prepared statement with binary parameters."""
    from django.db import connection, transaction

    from audit.writing import server_cursor

    body = _body_of_1_kib(by, details)

    def once(pause: float) -> None:
        with transaction.atomic(durable=True):
            with connection.wrap_database_errors, server_cursor() as cursor:
                cursor.execute("INSERT INTO plain (body) VALUES (%b)", [body])
            if pause:
                time.sleep(pause)

    return once


def _body_of_1_kib(by: Any, details: dict[str, Any]) -> bytes:
    from audit.writing import make_entry

    body = bytes(make_entry(_said(by, details)).body)
    assert len(body) == ENTRY_BYTES
    return body


def _said(by: Any, details: dict[str, Any]) -> Any:
    from audit.writing import Said

    return Said(
        Event.MEASURED, by, ("benchmark.thing", "0190a3c2-7a41-7000-8000-000000000000"), details
    )


def _details_of_1_kib(by: Any) -> dict[str, Any]:
    """Public details as a decision has them, filled up until the entry has 1 KiB."""
    from audit.writing import make_entry

    details = {
        "model": "mortgages", "version": 3, "artefact_sha256": "0" * 64, "contract_sha256": "1" * 64, "clearance": 17,
        "baseline_id": "b-0001", "role": "champion", "decision_path": "score", "policy_version": 4, "filling": "",
    }  # fmt: skip
    short = ENTRY_BYTES - len(make_entry(_said(by, details)).body)
    return details | {"filling": "x" * short}


if __name__ == "__main__":
    print(json.dumps(measure()))
