"""numba's compiler with a type that the type checker can follow."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile on first call, keep the machine code on disk and release the interpreter lock.

    Floating-point arithmetic keeps its written order (no fastmath): a row scores the same bits
    alone, in a batch, and in a replay. An installation that is read-only and has no cache folder
    (`NUMBA_CACHE_DIR`) compiles anew in each process.
    """
    try:
        return cast(Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return cast(Function, njit(nogil=True)(function))
