"""The service under load: its web server and sequencer, the references beside it, everything on."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.audit.place import own_place
from tests.benchmarks.scoring.bank import MODEL, bodies, open_bank

WORKERS = 2
CONNECTIONS = 16
ROUNDS = 5
SECONDS = 3.0
DAY = 50_000
PER_BATCH = 100
DECISIONS = 4_000  # before memory is read
OURS = f"/api/v1/models/{MODEL}/decisions"
ROOT = Path(__file__).resolve().parents[3]


def measure(rounds: int = ROUNDS, day: int = DAY) -> dict[str, float]:
    with own_place() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.scoring.settings"
        _make_reference_table()
        print("Training and approving the model ...", file=sys.stderr)
        token = open_bank(folder)
        with sequencer(), server() as (port, _):
            figures = _compared(port, token, rounds)
            figures |= _day(port, token, day)
        figures["rss_mib_per_worker"] = max(held(token)["served"])
    return {name: round(value, 3) for name, value in figures.items()}


def held(token: str) -> dict[str, list[float]]:
    """MiB of each worker of the product alone, with no reference beside it: `start` before its first decision, `served` after 4,000."""
    with product(), server() as (port, process):
        start = resident_mib(process.pid)
        load(port, OURS, token, bodies(DECISIONS, seed=20_000), 0)
        return {"start": start, "served": resident_mib(process.pid)}


@contextmanager
def product() -> Iterator[None]:
    """Within the block servers have the product's own settings: shap and what it needs are not the product's memory."""
    before = os.environ["DJANGO_SETTINGS_MODULE"]
    os.environ["DJANGO_SETTINGS_MODULE"] = "governance.settings"
    try:
        yield
    finally:
        os.environ["DJANGO_SETTINGS_MODULE"] = before


def _make_reference_table() -> None:
    from django.db import connection

    from tests.benchmarks.scoring.references import Reference

    with connection.schema_editor() as editor:
        editor.create_model(Reference)
    connection.close()


def _compared(port: int, token: str, rounds: int) -> dict[str, float]:
    """The contenders take turns, so that the machine's changes of speed meet all of them; ratios are taken inside a round."""
    contenders = {
        "r1": ("/r1/", ""),
        "decisions": (OURS, token),
        "r2": ("/r2/", ""),
        "floor": ("/floor/", ""),
    }
    for path, some_token in contenders.values():  # what is made on first use is not measured
        load(port, path, some_token, bodies(400, seed=10_000), 0)
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for name, (path, some_token) in contenders.items():
            some = bodies(40_000 if name == "floor" else 12_000, seed=turn + 1)
            seen[name].append(load(port, path, some_token, some, SECONDS))
        print(
            f"round {turn + 1}: "
            + ", ".join(f"{name} {runs[-1]['per_s']:,.0f}/s" for name, runs in seen.items()),
            flush=True,
        )
    rates = {name: [run["per_s"] for run in runs] for name, runs in seen.items()}

    def ratio(other: str) -> float:
        return statistics.median(
            ours / theirs for ours, theirs in zip(rates["decisions"], rates[other], strict=True)
        )

    return {
        **{f"{name}_per_s": statistics.median(values) for name, values in rates.items()},
        "vs_r1": ratio("r1"),
        "vs_r2": ratio("r2"),
        **{
            name: statistics.median(run[name] for run in seen["decisions"])
            for name in ("p50_ms", "p95_ms", "p99_ms")
        },
    }


def _day(port: int, token: str, count: int) -> dict[str, float]:
    """A day of decisions, decided and sealed: one by one, and a hundred at a time."""
    begun = time.perf_counter()
    load(port, OURS, token, bodies(count, seed=100), 0)
    _await_sealed()
    single = time.perf_counter() - begun
    rows = [json.loads(body) for body in bodies(count, seed=101)]
    batches = [
        json.dumps({"applications": rows[start : start + PER_BATCH]}).encode()
        for start in range(0, count, PER_BATCH)
    ]
    begun = time.perf_counter()
    said = load(port, f"{OURS}/batch", token, batches, 0, expected=200, connections=4)
    _await_sealed()
    return {
        "day_of_decisions_s": single,
        "day_of_decisions_batch_s": time.perf_counter() - begun,
        "batch_decisions_per_s": said["per_s"] * PER_BATCH,
    }


def load(
    port: int,
    path: str,
    token: str,
    some: list[bytes],
    seconds: float,
    *,
    expected: int = 201,
    connections: int = CONNECTIONS,
) -> dict[str, float]:
    task = {
        "port": port,
        "path": path,
        "token": token,
        "seconds": seconds,
        "expected": expected,
        "connections": connections,
    }
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.scoring.load"],
        input=b"\n".join([json.dumps(task).encode(), *some]),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    answer: dict[str, float] = json.loads(said.stdout)
    return answer


def _await_sealed() -> None:
    from django.db import connection

    from audit.models import Outbox

    while Outbox.objects.exists():
        time.sleep(0.05)
    connection.close()


@contextmanager
def server() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-W", "ignore", "-m", "granian", "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)),
        *("--blocking-threads", "16", "--log-level", "warning", "governance.wsgi:application"),
    ]
    # As in deploy/: several threads that each start threads of OpenMP wait for each other, scikit-learn's most of all.
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        try:
            _await_answer(port)
            yield port, process
        finally:
            process.terminate()


def _await_answer(port: int) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("The web server does not answer.")


@contextmanager
def sequencer() -> Iterator[None]:
    command = [sys.executable, "-W", "ignore", "manage.py", "sequence"]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.terminate()


def resident_mib(parent: int) -> list[float]:
    """Resident memory of the server's workers."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [_rss(child) for child in children]


def _rss(process: str) -> float:
    lines: Any = Path(f"/proc/{process}/status").read_text().splitlines()
    resident = next(line for line in lines if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1024
