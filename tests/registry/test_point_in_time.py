"""What counts as known at a moment: hand-worked, and against an oracle that asks the question another way."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.contract import FeatureContract
from registry.point_in_time import Known, Source, features_at, newest_known

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = FeatureContract.from_json(
    {
        "features": [
            {"name": "score", "type": "number", "missing": "allowed"},
            {"name": "grade", "type": "category", "categories": ["a", "b"]},
        ]
    }
)
SOURCE = Source(1, "bureau", 2, "lending", TABLE, timedelta(days=10))


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def a_row(
    event: float, created: float | None = None, score: float | None = 1.0, number: int = 1
) -> Known:
    packed = TABLE.pack([{"score": score, "grade": "b"}])[0]
    return Known(day(event), day(event if created is None else created), number, packed.tobytes())


def score_at(rows: list[Known], at: float) -> float | None:
    return features_at(SOURCE, ["score"], rows, day(at)).values["score"]


def test_the_newest_value_that_had_happened_counts() -> None:
    rows = [a_row(3, score=3.0), a_row(1, score=1.0), a_row(5, score=5.0)]

    assert [score_at(rows, at) for at in (0.5, 1, 2, 3, 4.9, 5)] == [None, 1.0, 1.0, 3.0, 3.0, 5.0]


def test_a_value_that_came_late_counts_from_when_it_was_known() -> None:
    rows = [a_row(1, score=1.0), a_row(2, created=6, score=2.0)]

    assert [score_at(rows, at) for at in (2, 5.9, 6)] == [1.0, 1.0, 2.0]


def test_a_correction_of_the_same_event_counts_once_it_is_known() -> None:
    rows = [a_row(1, created=4, score=9.0, number=2), a_row(1, score=1.0, number=1)]

    assert [score_at(rows, at) for at in (3, 4)] == [1.0, 9.0]


def test_of_two_rows_known_at_one_moment_the_one_that_came_last_counts() -> None:
    rows = [a_row(1, score=2.0, number=8), a_row(1, score=1.0, number=7)]

    assert score_at(rows, 1) == 2.0


def test_a_value_lives_as_long_as_its_table_says_and_no_longer() -> None:
    row = a_row(1)

    assert newest_known([row], day(11), SOURCE.ttl) is row
    assert newest_known([row], day(11) + timedelta(microseconds=1), SOURCE.ttl) is None


def test_an_older_value_never_stands_in_for_one_that_is_not_known() -> None:
    rows = [a_row(1, score=1.0), a_row(2, score=None)]

    answer = features_at(SOURCE, ["score", "grade"], rows, day(3))

    assert answer.values == {"score": None, "grade": "b"}
    assert answer.row is rows[1]


def test_nobody_is_known_without_rows() -> None:
    answer = features_at(SOURCE, ["score", "grade"], [], day(3))

    assert answer.values == {"score": None, "grade": None}
    assert answer.row is None


def oracle(rows: list[Known], at: datetime, ttl: timedelta) -> int | None:
    """The number of the row that counts, by sorting a frame and reading its last line."""
    frame = pd.DataFrame(
        {
            "event": pd.Series([r.event_at for r in rows], dtype="datetime64[us, UTC]"),
            "created": pd.Series([r.created_at for r in rows], dtype="datetime64[us, UTC]"),
            "number": [r.number for r in rows],
        }
    )
    at_ = pd.Timestamp(at)
    frame = frame[(frame["event"] <= at_) & (frame["created"] <= at_)]
    frame = frame.sort_values(["event", "created", "number"])
    if frame.empty or at_ - frame["event"].iloc[-1] > pd.Timedelta(ttl):
        return None
    return int(frame["number"].iloc[-1])


moments = st.integers(0, 12)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(moments, st.integers(0, 6)), max_size=12),
    moments,
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_it_agrees_with_an_oracle_whatever_the_order_of_the_rows(pairs, at, ttl_days, shuffle):
    rows = [a_row(event, event + late, number=n) for n, (event, late) in enumerate(pairs)]
    expected = oracle(rows, day(at), timedelta(days=ttl_days))
    shuffle.shuffle(rows)

    found = newest_known(rows, day(at), timedelta(days=ttl_days))

    assert (None if found is None else found.number) == expected


def test_numbers_come_out_as_the_very_bits_that_went_in() -> None:
    values = [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308]

    found = [score_at([a_row(1, score=value)], 1) for value in values]

    assert np.array(found).tobytes() == np.array(values).tobytes()
