"""The retention schedule that this installation follows."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from audit.errors import Refusal
from audit.retention import BadSchedule, Schedule, parse_schedule


class ScheduleUnusable(Refusal):
    """The file named by CREDENCE_RETENTION cannot be read, or is no retention schedule."""

    status = 503


def retention_schedule() -> Schedule:
    """Raises ScheduleUnusable, with every fault of the file."""
    return _read(Path(settings.CREDENCE_RETENTION))


@lru_cache(maxsize=8)
def _read(path: Path) -> Schedule:
    try:
        return parse_schedule(path.read_text())
    except (OSError, UnicodeDecodeError) as problem:
        raise ScheduleUnusable(f"The retention schedule {path} cannot be read: {problem}") from None
    except BadSchedule as problem:
        raise ScheduleUnusable(f"{path}: {problem}") from None
