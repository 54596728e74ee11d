"""Lines of the operational log, which many may read and nothing erases."""

import logging
import re
from types import TracebackType

# PostgreSQL quotes the row that it refuses: DETAIL and what follows it, up to the blank line that ends the message.
_QUOTED = re.compile(r"^(DETAIL|CONTEXT):.*(\n.+)*", re.MULTILINE)
_LEFT_OUT = r"\1: (left out: it may quote what applicants said)"


class WithoutRows(logging.Formatter):
    """Tracebacks without the rows that a database quotes in its errors."""

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return _QUOTED.sub(_LEFT_OUT, super().formatException(ei))
