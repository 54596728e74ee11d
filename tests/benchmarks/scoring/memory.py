"""What a web worker holds after it served: `python -m tests.benchmarks.scoring.memory`.

Two workers, the champion of the benchmark, 400 decisions over 16 connections. Needs PostgreSQL, as the benchmark does. The last line
is one JSON object, MiB of each worker: `start` before the first decision, `served` after them.
"""

from __future__ import annotations

import json
import os

from tests.benchmarks.audit.place import own_place
from tests.benchmarks.scoring.bank import bodies, open_bank
from tests.benchmarks.scoring.serving import OURS, load, resident_mib, server


def main() -> None:
    with own_place() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.scoring.settings"
        token = open_bank(folder)
        with server() as (port, process):
            start = resident_mib(process.pid)
            load(port, OURS, token, bodies(400, seed=1), 0)
            figures = {"start": start, "served": resident_mib(process.pid)}
    print(json.dumps({name: [round(mib) for mib in values] for name, values in figures.items()}))


if __name__ == "__main__":
    main()
