"""Makes scorers, in a process of its own where this one has no scikit-learn: `python -m serving.explainers.workshop`.

A web worker decides by plain tables. What reads an artefact and compares the tables with its library's own answers is
some 150 MiB, needed for a second and never given back; so a process that does not hold it starts another, hands it the
checked bytes, and takes back numbers. That process has no database, no key and no setting of the service.
"""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, cast

from audit.deferred import deferred
from audit.errors import Refusal
from serving.explainers import carrying
from serving.explainers.scores import Floats, Integers, Scorer, ScorerUnusable
from serving.explainers.trees import Room

if TYPE_CHECKING:
    from registry import artefacts
    from serving.explainers import compiler
else:
    artefacts = deferred("registry.artefacts")
    compiler = deferred("serving.explainers.compiler")

PATIENCE_SECONDS = 180.0  # the deepest forests take a minute
ROOT = Path(__file__).resolve().parents[2]
# Of the environment: where programs, libraries and compiled code are found, and how many threads they start.
_HANDED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "PYTHON", "NUMBA_", "OMP_", "OPENBLAS_", "MALLOC_")  # fmt: skip


@dataclass(frozen=True)
class Order:
    """An artefact whose digest and signature were checked, what it was registered as, and what its scorer is made against."""

    data: bytes
    registered_sha256: str
    players: Integers
    baseline: Floats
    room: Room


def scorer_for(order: Order) -> Scorer:
    """The scorer, the same to the bit wherever it is made.

    Raises ScorerUnusable or, made in this process, the refusal of reading the artefact.
    """
    return made_here(order) if "sklearn" in sys.modules else made_apart(order)


def made_here(order: Order) -> Scorer:
    """Raises ScorerUnusable or the refusal of reading the artefact."""
    estimator = artefacts.load_registered(order.data, order.registered_sha256)
    return compiler.compile_scorer(estimator, order.players, order.baseline, order.room)


def made_apart(order: Order) -> Scorer:
    """Raises ScorerUnusable, with the words of whatever refused it."""
    try:
        answer = _answered(order)
    except (OSError, ValueError) as problem:
        raise ScorerUnusable(f"The process that makes scorers failed: {problem}") from problem
    if "refused" in answer:
        raise ScorerUnusable(answer["refused"])
    scorer = cast(Scorer, answer["scorer"])
    # One row is scored, which loads the compiled loops: no applicant waits for that.
    _ = scorer.score(order.baseline[:1]).pd
    return scorer


def _answered(order: Order) -> dict[str, Any]:
    """What the process says, which is ended where it takes too long. Raises OSError, or ValueError where it says nothing."""
    process = subprocess.Popen(  # noqa: S603  our own module, and nothing that anybody sent
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    patience = Timer(PATIENCE_SECONDS, process.kill)
    patience.start()
    try:
        with process:  # which also waits for its end
            assert process.stdin is not None  # both are pipes
            assert process.stdout is not None
            with suppress(BrokenPipeError), process.stdin as orders:  # it ended: so does the answer
                carrying.write(orders, vars(order))
            answer: dict[str, Any] = carrying.read(process.stdout)
            return answer
    finally:
        patience.cancel()


def environment() -> dict[str, str]:
    """What the process is told of this one's surroundings."""
    return {name: value for name, value in os.environ.items() if name.startswith(_HANDED_ON)}


def main() -> None:
    """Answer the one order on standard input, on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    order = Order(**carrying.read(sys.stdin.buffer))
    answer: dict[str, object]
    try:
        answer = {"scorer": made_here(order)}
    except (Refusal, ScorerUnusable) as problem:
        answer = {"refused": str(problem)}
    with answers:
        carrying.write(answers, answer)


if __name__ == "__main__":
    main()
