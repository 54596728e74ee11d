"""What the log costs, and how fast a stranger checks it: `python -m tests.benchmarks.audit [appending] [verifying]`.

Needs PostgreSQL: DATABASE_URL, or one that answers on loopback. Makes databases and folders of its own and removes them.
Each part runs in a process of its own, so that neither inherits the other's memory. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys

PARTS = ("appending", "verifying")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", help=f"one or more of {', '.join(PARTS)}; all by default"
    )
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := sorted(set(chosen) - set(PARTS)):
        parser.error(f"There is no part {', '.join(unknown)}.")
    figures: dict[str, float] = {}
    for part in chosen:
        figures |= _run(part)
    print(json.dumps(figures))
    return 0


def _run(part: str) -> dict[str, float]:
    """The figures of one part; what it prints on the way is shown as it comes."""
    measure = f"import json; from tests.benchmarks.audit.{part} import measure; print(json.dumps(measure()))"
    command = [sys.executable, "-W", "ignore", "-u", "-c", measure]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line
            print(line, end="", flush=True)
    if process.returncode:
        raise SystemExit(f"The part {part} failed.")
    figures: dict[str, float] = json.loads(last)
    return figures


if __name__ == "__main__":
    sys.exit(main())
