"""Time left and time gone, in words. Pure."""

from datetime import date, datetime, timedelta


def in_words(span: timedelta) -> str:
    """The two largest units: "3 d 4 h", "4 h 20 min", "12 min"."""
    minutes = int(span.total_seconds() // 60)
    days, hours = minutes // (24 * 60), minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def time_left(due_at: datetime, now: datetime) -> str:
    """In words: "4 h 20 min left", or "2 h 0 min late"."""
    left = due_at - now
    return f"{in_words(left)} left" if left >= timedelta(0) else f"{in_words(-left)} late"


def age(since: datetime, now: datetime) -> str:
    """In words: "12 min ago", or "just now" within the first minute."""
    gone = now - since
    return f"{in_words(gone)} ago" if gone >= timedelta(minutes=1) else "just now"


def days_left(due_on: date, today: date) -> str:
    """In words: "12 days left", "due today", or "3 days late"."""
    days = (due_on - today).days
    if days == 0:
        return "due today"
    unit = "day" if abs(days) == 1 else "days"
    return f"{days} {unit} left" if days > 0 else f"{-days} {unit} late"
