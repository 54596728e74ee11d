"""One month and three, as a calendar has them."""

from datetime import date

import pytest

from audit.months import months_after


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 21), 1, date(2026, 12, 21)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 1, 15), -25, date(2023, 12, 15)),
    ],
)
def test_the_same_day_of_the_month_or_its_last(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected
