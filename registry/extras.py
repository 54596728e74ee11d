"""Libraries of other models, which an installation may do without."""

import importlib
from typing import Any

from registry.errors import ExtraMissing


def required(extra: str) -> Any:
    """The library of an extra. Raises ExtraMissing."""
    try:
        return importlib.import_module(extra)
    except ImportError:
        raise ExtraMissing(
            f"{extra} is not installed here: install the service with its extra, credence[{extra}]."
        ) from None
