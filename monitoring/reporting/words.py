"""Numbers and times as a reader of reports wants them."""

from datetime import datetime

from registry.measures.statistics import Interval

ABSENT = "\N{EN DASH}"


def percent(share: float | None, digits: int = 1) -> str:
    """0.1234 as 12.3 %."""
    return ABSENT if share is None else f"{share * 100:.{digits}f} %"


def points(difference: float, digits: int = 1) -> str:
    """0.05 as +5.0 points: percentage points, never per cent."""
    return f"{_signed(difference * 100, digits)} points"


def number(value: float | None, digits: int = 3) -> str:
    return ABSENT if value is None else _signed(value, digits).removeprefix("+")


def signed(value: float | None, digits: int = 2) -> str:
    return ABSENT if value is None else _signed(value, digits)


def p_value(value: float | None) -> str:
    if value is None:
        return ABSENT
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval(found: Interval | None, digits: int = 3, scale: float = 1.0) -> str:
    if found is None:
        return ABSENT
    return f"{found.low * scale:.{digits}f} to {found.high * scale:.{digits}f}"


def count(value: int) -> str:
    return f"{value:,}"


def counted(value: int, singular: str, plural: str = "") -> str:
    """3 decisions, 1 decision."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def moment(at: datetime) -> str:
    return f"{at:%-d %B %Y %H:%M} UTC"


def _signed(value: float, digits: int) -> str:
    # A minus sign, not a hyphen; and no sign on what rounds to nothing.
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return text
    return f"+{text}" if value > 0 else f"\N{MINUS SIGN}{text}"
