"""The digest of what an estimator is, whatever bytes hold it."""

import hashlib
import math
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array

from registry.artefacts.boosters import LightGBMModel, XGBoostModel
from registry.errors import ContentNotCanonical

DEEPEST = 60
_MACHINE_DEPENDENT = frozenset({"n_threads", "n_jobs", "verbose"})
# What a loaded object makes anew from its other attributes.
_DERIVED = frozenset({("sklearn.isotonic.IsotonicRegression", "f_")})


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def content_sha256(estimator: BaseEstimator) -> str:
    """Hex SHA-256 of what the estimator is: its type and every attribute in order of name.

    Arrays count by dtype, shape and values, structured arrays field by field, so that padding,
    memory order and the number of threads of the machine do not. Of a LightGBM or XGBoost model its
    trees, objective and parameters count. Raises ContentNotCanonical for an
    attribute of a kind that no model of this registry has.
    """
    digest = hashlib.sha256()
    if isinstance(estimator, LightGBMModel | XGBoostModel):
        _feed(digest, [estimator.format, estimator.content()], 0)
    else:
        _feed(digest, estimator, 0)
    return digest.hexdigest()


def _feed(digest: _Digest, value: object, depth: int) -> None:
    if depth > DEEPEST:
        raise ContentNotCanonical("The estimator is nested too deeply, or contains itself.")
    match value:
        case np.ndarray():
            _feed_array(digest, value, depth)
        case np.generic():
            _feed_array(digest, np.asarray(value), depth)
        case None | bool() | int() | str():
            _token(digest, type(value).__name__, repr(value))
        case float():
            _token(digest, "float", "nan" if math.isnan(value) else repr(value))
        case np.dtype():
            _token(digest, "dtype", value.str)
        case list() | tuple():
            _token(digest, type(value).__name__, str(len(value)))
            for item in value:
                _feed(digest, item, depth + 1)
        case dict():
            _feed_items(digest, "dict", value, depth)
        case slice():
            _feed(digest, ["slice", value.start, value.stop, value.step], depth + 1)
        case np.random.RandomState():
            _feed_items(digest, "random state", dict(value.get_state(legacy=False)), depth)
        case partial() if value.func is check_array:
            _feed(digest, ["check_array", list(value.args), dict(value.keywords)], depth + 1)
        case type() if value is int or issubclass(value, np.generic):
            _token(digest, "type", value.__name__)
        case np.random.Generator():
            _feed_items(digest, "generator", dict(value.bit_generator.state), depth)
        case _:
            _feed_object(digest, value, depth)


def _feed_array(digest: _Digest, array: NDArray[Any], depth: int) -> None:
    if array.dtype.names:
        _token(digest, "records", f"{array.shape}{array.dtype.names}")
        for name in array.dtype.names:
            _feed_array(digest, array[name], depth)
        return
    if array.dtype.hasobject:
        if not all(isinstance(item, BaseEstimator) for item in array.flat):
            raise ContentNotCanonical("An array of objects has no canonical bytes.")
        _token(digest, "estimators", f"{array.shape}")
        for item in array.flat:
            _feed(digest, item, depth + 1)
        return
    # "<" and "=" are one order under two names; canonical is little-endian.
    canonical = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    _token(digest, "array", f"{canonical.dtype.str}{array.shape}")
    digest.update(canonical.tobytes())


def _feed_items(digest: _Digest, kind: str, items: dict[Any, Any], depth: int) -> None:
    _token(digest, kind, str(len(items)))
    for key in sorted(items):
        _feed(digest, key, depth + 1)
        _feed(digest, items[key], depth + 1)


def _feed_object(digest: _Digest, value: object, depth: int) -> None:
    """An object by its attributes; one of Cython by what it says it would be rebuilt from."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if not name.startswith("sklearn."):
        raise ContentNotCanonical(f"A {name} has no canonical content.")
    attributes = getattr(value, "__dict__", None)
    if attributes is None:
        rebuilt = value.__reduce__()
        attributes = dict(enumerate(rebuilt[1:])) if isinstance(rebuilt, tuple) else {}
    kept = {
        key: item
        for key, item in attributes.items()
        if key not in _MACHINE_DEPENDENT and (name, key) not in _DERIVED
    }
    _feed_items(digest, name, kept, depth)


def _token(digest: _Digest, kind: str, text: str) -> None:
    encoded = text.encode()
    digest.update(f"{kind}:{len(encoded)}:".encode() + encoded)
