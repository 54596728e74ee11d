"""Calendar months, as privacy law counts them (Reg. (EEC, Euratom) 1182/71, Art. 3). Pure."""

import calendar
from datetime import date

ANSWER_MONTHS = 1
EXTENDED_MONTHS = 3


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where that month is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
