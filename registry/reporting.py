"""What a client says of a run that it trains outside: judged, folded, and what follows from it.

Nothing here is measured on data that this service holds. Scores and labels are the client's own, so that everything
drawn from them is called reported, wherever it is shown.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from audit.errors import FieldProblem
from registry.errors import ReportConflicts
from registry.measures.calibration import calibration
from registry.measures.errors import NotMeasurable
from registry.measures.performance import performance, roc_curve

LONGEST_TEXT = 1000
MOST_POINTS = 200  # of a ROC curve that is kept
REPORTED = "reported_"  # before the name of a plot that was drawn from what the client said


@dataclass
class Reported:
    """Everything that was said of one run so far. `metrics`: (step, value) by name; `scores`: what `scored` made."""

    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    importance: dict[str, float] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, bodies: Iterable[Mapping[str, Any]]) -> "Reported":
        found = cls()
        for body in bodies:
            found.add(body)
        return found

    def add(self, body: Mapping[str, Any]) -> None:
        self.params |= body.get("params", {})
        self.tags |= body.get("tags", {})
        for point in body.get("metrics", ()):
            self.metrics.setdefault(point["name"], {})[point["step"]] = point["value"]
        for name in ("importance", "scores", "model"):
            if name in body:
                setattr(self, name, dict(body[name]))

    @property
    def last(self) -> dict[str, float]:
        """Of each metric the value at its largest step."""
        return {name: points[max(points)] for name, points in self.metrics.items()}

    def require_new(self, body: Mapping[str, Any]) -> None:
        """Raises ReportConflicts where the batch would say something else than was said. Tags may change."""
        problems = [
            _conflict(f"params.{name}")
            for name, value in body.get("params", {}).items()
            if self.params.get(name, value) != value
        ]
        for point in body.get("metrics", ()):
            said = self.metrics.get(point["name"], {}).get(point["step"], point["value"])
            if said != point["value"]:
                problems.append(_conflict(f"metrics.{point['name']}"))
        problems += [
            _conflict(name)
            for name in ("importance", "scores")
            if name in body and getattr(self, name) not in ({}, body[name])
        ]
        if problems:
            raise ReportConflicts(
                "This was reported before otherwise; see `errors`.", errors=problems
            )

    def as_json(self) -> dict[str, Any]:
        return {
            "params": self.params,
            "tags": self.tags,
            "metrics": {
                name: [{"step": step, "value": points[step]} for step in sorted(points)]
                for name, points in self.metrics.items()
            },
            "importance": self.importance,
            "scores": self.scores,
            "model": self.model,
        }


def problems_of(body: Mapping[str, Any]) -> list[FieldProblem]:
    """Everything wrong with the parameters, tags, metrics and importance of one batch."""
    found = [
        FieldProblem(
            f"params.{name}", "malformed", "Must be a text, a number, true or false, or null."
        )
        for name, value in body.get("params", {}).items()
        if not _is_plain(value)
    ]
    found += [
        FieldProblem(
            f"tags.{name}", "malformed", f"Must be a text of at most {LONGEST_TEXT} characters."
        )
        for name, value in body.get("tags", {}).items()
        if not isinstance(value, str) or len(value) > LONGEST_TEXT
    ]
    found += [
        FieldProblem(f"importance.{name}", "malformed", "Must be a finite number.")
        for name, value in body.get("importance", {}).items()
        if not _is_number(value)
    ]
    found += [
        FieldProblem(f"metrics.{point['name']}", "malformed", "Must be a finite number.")
        for point in body.get("metrics", ())
        if not _is_number(point["value"])
    ]
    return found


def scored(bad: ArrayLike, pd: ArrayLike, threshold: float, sample: str) -> dict[str, Any]:
    """What follows from n labels (1 where bad) and n probabilities of bad (0 to 1) that a client sent.

    `threshold`: the pd from which the confusion matrix calls an application bad. Raises NotMeasurable.
    """
    if not 0 < threshold < 1:
        raise NotMeasurable("The threshold is a probability between 0 and 1.")
    false_alarms, hits = roc_curve(bad, pd)
    keep = np.unique(np.linspace(0, hits.size - 1, min(hits.size, MOST_POINTS)).round().astype(int))
    return {
        "sample": sample,
        "performance": performance(bad, pd).as_json(),
        "calibration": calibration(bad, pd).as_json(),
        "roc": np.column_stack([false_alarms[keep], hits[keep]]).round(6).tolist(),
        "confusion": confusion(bad, pd, threshold),
    }


def confusion(bad: ArrayLike, pd: ArrayLike, threshold: float) -> dict[str, float]:
    """Counts of n applications by label (1 where bad) and by whether pd (0 to 1) reaches the threshold."""
    is_bad, called_bad = np.asarray(bad, dtype=bool), np.asarray(pd, dtype=float) >= threshold
    return {
        "threshold": threshold,
        "bad_called_bad": int((is_bad & called_bad).sum()),
        "bad_called_good": int((is_bad & ~called_bad).sum()),
        "good_called_bad": int((~is_bad & called_bad).sum()),
        "good_called_good": int((~is_bad & ~called_bad).sum()),
    }


def _conflict(name: str) -> FieldProblem:
    return FieldProblem(name, "conflict", "Was reported before with another value.")


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, bool) or _is_number(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
