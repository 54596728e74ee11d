"""Libraries that are imported when something of them is first asked for. Pure.

A web worker reaches the modules that read data files and measure models, and most workers never do either: pandas,
pyarrow and scipy.stats would be some 120 MiB in each.

    if TYPE_CHECKING:
        import pandas as pd
    else:
        pd = deferred("pandas")
"""

from importlib import import_module
from typing import Any


class _Deferred:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # who looks at every object there is asks for none of it
            raise AttributeError(name)
        return getattr(import_module(self._name), name)


def deferred(name: str) -> Any:
    """Stands for the module of that name. Threads that ask first at the same time wait for one import."""
    return _Deferred(name)
