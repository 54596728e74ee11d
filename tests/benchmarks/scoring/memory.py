"""What a web worker holds after it served: `python -m tests.benchmarks.scoring.memory`.

Two workers, the champion of the benchmark, 4,000 decisions over 16 connections. Needs PostgreSQL, as the benchmark does. The last line
is one JSON object, MiB of each worker: `start` before the first decision, `served` after them.
"""

from __future__ import annotations

import json

from tests.benchmarks.audit.place import own_place
from tests.benchmarks.scoring.bank import open_bank
from tests.benchmarks.scoring.serving import held


def main() -> None:
    with own_place() as folder:
        figures = held(open_bank(folder))
    print(json.dumps({name: [round(mib) for mib in values] for name, values in figures.items()}))


if __name__ == "__main__":
    main()
