"""What a decision costs, explained, signed and kept: `python -m tests.benchmarks.scoring [explaining] [serving]`.

Needs PostgreSQL: DATABASE_URL, or one that answers on loopback. Makes a database and folders of its own and removes
them. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys

PARTS = ("explaining", "serving")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; both by default")
    parser.add_argument("--rounds", type=int, default=5, help="of the service and the references")
    parser.add_argument("--day", type=int, default=50_000, help="decisions of the day")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.parts) - set(PARTS)):
        parser.error(f"There is no part {', '.join(unknown)}.")
    parts = chosen.parts or list(PARTS)
    figures: dict[str, float] = {}
    if "explaining" in parts:
        command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.explaining"]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures |= json.loads(said.stdout.splitlines()[-1])
    if "serving" in parts:
        from tests.benchmarks.scoring.serving import measure

        figures |= measure(chosen.rounds, chosen.day)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
