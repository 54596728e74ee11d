"""Known-answer applicants of a version: who they are, and what a judge makes of them. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.canonical import plain
from registry.contract import FeatureContract
from serving.judging import Judge
from serving.replaying import Difference, differences, judged_document

MIXED = 13
Floats = NDArray[np.float64]


def applicants(contract: FeatureContract, baseline: Floats, seed: int) -> Floats:
    """(n, k) packed applicants from the (m, k) of a baseline, none of whom is a person.

    Most take each value from another row by chance; one has every smallest value, one every largest, and one leaves out
    whatever may be missing.
    """
    rows, width = baseline.shape
    picks = np.random.default_rng(seed).integers(0, rows, size=(MIXED, width))
    mixed = np.take_along_axis(baseline, picks, axis=0)
    may_miss = np.array([feature.missing == "allowed" for feature in contract.features])
    unknown = np.where(may_miss, np.nan, mixed[0])
    smallest, largest = np.fmin.reduce(baseline), np.fmax.reduce(baseline)
    return np.vstack([mixed, smallest, largest, unknown])


def answers(judge: Judge, packed: Floats) -> list[dict[str, Any]]:
    """What the judge makes of n packed applicants, as documents whose numbers are exact text."""
    contract = judge.contract
    judged = judge.judge([contract.unpack(row) for row in packed])
    documents = [
        judged_document(contract.names, one, judge.policy.cut_off, judge.scorer.method)
        for one in judged
    ]
    return [
        {name: plain(value) for name, value in document.items() if name != "packed"}
        for document in documents
    ]


def answered_otherwise(
    known: list[dict[str, Any]], found: list[dict[str, Any]]
) -> list[Difference]:
    """Where answers are not those that are known, by the number of the applicant."""
    return [
        one
        for number, (then, now) in enumerate(zip(known, found, strict=True))
        for one in differences(f"probe.{number}", then, now)
    ]
