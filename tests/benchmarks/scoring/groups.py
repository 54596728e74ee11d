"""What a decision costs by how many are decided together: `python -m tests.benchmarks.scoring.groups`.

One process, no web server: the champion of the benchmark decides 1, 4, 8 and 64 at a time by the product's own act. Needs
PostgreSQL, as the benchmark does. The last line is one JSON object, milliseconds of the processor for each decision:
`python_ms_N` of this process, `postgresql_ms_N` of the one that serves its connection.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.benchmarks.audit.place import own_place
from tests.benchmarks.scoring.bank import MODEL, bodies, open_bank

SIZES = (1, 4, 8, 64)
DECISIONS = 1_024  # of each size, and as many before the first, for what is made on first use


def main() -> None:
    with own_place() as folder:
        open_bank(folder)
        figures = measure()
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


def measure() -> dict[str, float]:
    from django.db import connection

    _decide(8, seed=1)
    backend = connection.connection.info.backend_pid
    figures: dict[str, float] = {}
    for size in SIZES:
        before = time.process_time(), _processor_seconds(backend)
        _decide(size, seed=size + 1)
        after = time.process_time(), _processor_seconds(backend)
        figures[f"python_ms_{size}"] = (after[0] - before[0]) * 1000 / DECISIONS
        figures[f"postgresql_ms_{size}"] = (after[1] - before[1]) * 1000 / DECISIONS
    return figures


def _decide(size: int, seed: int) -> None:
    from audit.context import circumstances
    from serving.actions.decisions import Asked, decide, decide_several
    from tests.serving.builders import the_client

    client = the_client()
    rows = [json.loads(body) for body in bodies(DECISIONS, seed)]
    for first in range(0, DECISIONS, size):
        some = rows[first : first + size]
        if size == 1:
            decide(MODEL, some[0], by=client)
        else:
            decide_several(MODEL, [Asked(row, None, circumstances()) for row in some], by=client)


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
