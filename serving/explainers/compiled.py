"""numba's compiler with a type that the type checker can follow."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np import linalg

Function = TypeVar("Function", bound=Callable[..., object])


def _refuse() -> None:
    raise ImportError


# As it loads, numba imports scipy.linalg (15 MiB) to learn whether compiled code could call it. Ours does not.
_asked, linalg.ensure_blas = linalg.ensure_blas, _refuse
try:
    import_module("numba.np.arraymath")
finally:
    linalg.ensure_blas = _asked


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


def inlined(function: Function) -> Function:
    """Compile into each compiled caller: arrays are not counted in and out at every call."""
    return cast(Function, njit(inline="always")(function))


def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    """Ask the processor for the cache line of array[place], which is needed soon. Changes no value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        held = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(held.data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        call = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        builder.call(call, [address, number(0), number(3), number(1)])  # to read, into all caches
        return context.get_dummy_value()

    return types.none(array, place), generate


prefetch = cast(Callable[..., None], intrinsic(_prefetch))
