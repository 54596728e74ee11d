"""The baseline: applicants approved closest to the cut-off."""

import pickle

import numpy as np
import pytest

from registry import baselines
from registry.baselines import BaselineRows
from registry.errors import BaselineDamaged, BaselineTooSmall

PD = np.linspace(0.0, 0.99, 100)
ROW_IDS = np.array([f"r{number:03}" for number in range(100)])
PACKED = np.arange(200.0).reshape(100, 2)


def chosen(cut_off: float, rows: int, fewest: int = 5) -> BaselineRows:
    return baselines.choose(ROW_IDS, PACKED, PD, cut_off, rows, fewest)


def test_the_approved_closest_to_the_cut_off_are_chosen() -> None:
    rows = chosen(0.505, 10)

    assert rows.row_ids.tolist() == [f"r{number:03}" for number in range(50, 40, -1)]
    assert rows.packed[:, 0].tolist() == [2.0 * number for number in range(50, 40, -1)]
    assert rows.band["pd_from"] == pytest.approx(0.41)
    assert rows.band["pd_to"] == pytest.approx(0.50)
    assert rows.band["requested_rows"] == 10


def test_whoever_is_at_the_cut_off_is_declined_and_not_in_the_baseline() -> None:
    assert chosen(float(PD[50]), 10).row_ids[0] == "r049"


def test_where_fewer_are_approved_all_are_taken_and_the_band_says_so() -> None:
    rows = chosen(0.205, 500)

    assert len(rows.pd) == 21
    assert "all 21" in rows.band["rule"]
    assert "fewer than the 500" in rows.band["rule"]


def test_too_few_approved_is_refused_by_name() -> None:
    with pytest.raises(BaselineTooSmall, match="approves 3"):
        chosen(0.025, 500)


def test_ties_fall_in_the_order_of_row_ids_whatever_the_order_of_rows() -> None:
    order = np.random.default_rng(3).permutation(100)
    same = np.full(100, 0.1)

    rows = baselines.choose(ROW_IDS[order], PACKED[order], same, 0.2, 6, 5)

    assert rows.row_ids.tolist() == [f"r{number:03}" for number in range(6)]


def test_a_baseline_comes_back_from_its_bytes_and_equal_rows_make_equal_bytes() -> None:
    rows = chosen(0.505, 10)

    again = baselines.load(baselines.dump(rows))

    assert np.array_equal(again.packed, rows.packed)
    assert again.band == rows.band
    assert baselines.dump(again) == baselines.dump(rows)


def test_another_cut_off_is_another_baseline_even_over_the_same_rows() -> None:
    assert baselines.dump(chosen(0.505, 10)) != baselines.dump(chosen(0.504, 10))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps([1])])
def test_bytes_that_are_no_baseline_are_refused(data: bytes) -> None:
    with pytest.raises(BaselineDamaged):
        baselines.load(data)


def test_a_truncated_baseline_is_refused() -> None:
    with pytest.raises(BaselineDamaged):
        baselines.load(baselines.dump(chosen(0.505, 10))[:-40])
