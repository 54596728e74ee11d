"""Artefacts: trained estimators as bytes, written and read without pickle.

A skops artefact is a zip of a schema and arrays. Its bytes differ from dump to dump (they hold
memory addresses and times), so `content_sha256` gives the digest of what the model is.
"""

import hashlib
import io
import json
import math
import pickletools
import zipfile
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from registry.errors import (
    ArtefactTruncated,
    ArtefactWithoutSchema,
    ContentNotCanonical,
    NotAnArtefact,
    PickleRefused,
    UntrustedTypes,
)

FORMAT = "skops"
LARGEST_UNPACKED = 512 * 1024 * 1024
DEEPEST = 60

_TREES = "sklearn.ensemble._hist_gradient_boosting"
_TRUSTED_NODES = frozenset(
    {
        # containers and plain values
        ("DictNode", "builtins.dict"),
        ("ListNode", "builtins.list"),
        ("TupleNode", "builtins.tuple"),
        ("TypeNode", "builtins.str"),
        ("JsonNode", "builtins.str"),
        ("DTypeNode", "numpy.dtype"),
        ("NdArrayNode", "numpy.ndarray"),
        ("NdArrayNode", "numpy.float64"),
        ("NdArrayNode", "numpy.uint64"),
        # logistic regression
        ("ObjectNode", "sklearn.pipeline.Pipeline"),
        ("ObjectNode", "sklearn.impute._base.SimpleImputer"),
        ("ObjectNode", "sklearn.preprocessing._data.StandardScaler"),
        ("ObjectNode", "sklearn.linear_model._logistic.LogisticRegression"),
        # histogram gradient boosting
        ("ObjectNode", f"{_TREES}.gradient_boosting.HistGradientBoostingClassifier"),
        ("ObjectNode", f"{_TREES}.binning._BinMapper"),
        ("ObjectNode", f"{_TREES}.predictor.TreePredictor"),
        ("ObjectNode", "sklearn.preprocessing._label.LabelEncoder"),
        ("ObjectNode", "sklearn._loss.loss.HalfBinomialLoss"),
        ("ObjectNode", "sklearn._loss.link.LogitLink"),
        ("ObjectNode", "sklearn._loss.link.Interval"),
        ("LossNode", "sklearn._loss._loss.CyHalfBinomialLoss"),
        ("RandomGeneratorNode", "numpy.random._generator.Generator"),
    }
)
"""Every kind of node that the artefacts of `registry.training` consist of, found by writing them."""

_BEYOND_SKOPS_DEFAULTS = ["numpy.dtype", f"{_TREES}.predictor.TreePredictor"]

_PICKLE_OPENINGS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_COMPRESSED_OPENINGS = (
    b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",  # zlib, as joblib's compress=True writes
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x5d\x00\x00",  # lzma
    b"\x04\x22\x4d\x18",  # lz4
    b"ZF",  # joblib before 0.10
)  # fmt: skip
_MACHINE_DEPENDENT = frozenset({"n_threads", "n_jobs", "verbose"})


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def dump(estimator: BaseEstimator, made_by: str = "") -> bytes:
    """The bytes of an artefact. Two dumps of one estimator differ; their content does not.

    `made_by` is kept as the comment of the zip, so that no two runs leave the same bytes.
    """
    sink = io.BytesIO(skops.io.dumps(estimator))
    with zipfile.ZipFile(sink, "a") as archive:
        archive.comment = made_by.encode()
    return sink.getvalue()


def load(data: bytes) -> BaseEstimator:
    """The estimator in an artefact.

    Nothing is created before the schema was read and every node in it found on the list above.
    Raises PickleRefused, ArtefactTruncated, ArtefactWithoutSchema, UntrustedTypes or, for anything
    else that is not an artefact of this registry, NotAnArtefact.
    """
    if untrusted := sorted(set(_nodes(_schema(data))) - _TRUSTED_NODES):
        names = ", ".join(f"{name} ({loader})" for loader, name in untrusted[:5])
        raise UntrustedTypes(f"The artefact contains types that are not trusted: {names}.")
    try:
        estimator = skops.io.loads(data, trusted=_BEYOND_SKOPS_DEFAULTS)
    except Exception as error:  # a damaged array fails anywhere inside skops or NumPy
        raise ArtefactTruncated("The artefact's schema names content that is damaged.") from error
    if not isinstance(estimator, Pipeline | HistGradientBoostingClassifier):
        raise NotAnArtefact(f"The artefact holds a {type(estimator).__name__}, not a model.")
    return estimator


def content_sha256(estimator: BaseEstimator) -> str:
    """Hex SHA-256 of what the estimator is: its type and every attribute in order of name.

    Arrays count by dtype, shape and values, structured arrays field by field, so that padding,
    memory order and the number of threads of the machine do not. Raises ContentNotCanonical for an
    attribute of a kind that no model of this registry has.
    """
    digest = hashlib.sha256()
    _feed(digest, estimator, 0)
    return digest.hexdigest()


def _schema(data: bytes) -> dict[str, Any]:
    if data.startswith(_PICKLE_OPENINGS):
        raise PickleRefused("The bytes are a pickle, which is never loaded. Upload a skops file.")
    if data.startswith(_COMPRESSED_OPENINGS):
        raise PickleRefused(
            "The bytes are compressed as joblib writes a pickle, which is never loaded."
            " Upload a skops file."
        )
    if not data.startswith(b"PK"):
        if _is_old_pickle(data):
            raise PickleRefused("The bytes are a pickle of an old protocol, which is never loaded.")
        raise NotAnArtefact("The bytes are not a skops artefact.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        if sum(member.file_size for member in archive.infolist()) > LARGEST_UNPACKED:
            raise NotAnArtefact("The artefact would unpack to more than 512 MiB.")
        if damaged := archive.testzip():
            raise ArtefactTruncated(f"The artefact's member {damaged} is damaged.")
        if "schema.json" not in archive.namelist():
            raise ArtefactWithoutSchema("The zip file has no skops schema.")
        schema = json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RecursionError) as error:
        raise ArtefactTruncated("The artefact is truncated or damaged.") from error
    if not isinstance(schema, dict):
        raise ArtefactWithoutSchema("The zip file's schema is not a skops schema.")
    return schema


def _is_old_pickle(data: bytes) -> bool:
    """Whether bytes without an opening of their own parse as a pickle; nothing in it is run."""
    try:
        return sum(1 for _ in pickletools.genops(data)) > 1
    except (ValueError, IndexError):
        return False


def _nodes(schema: object) -> Iterator[tuple[str, str]]:
    """Loader and full type name of every node of a schema."""
    pending = [schema]
    while pending:
        found = pending.pop()
        if isinstance(found, list):
            pending += found
        elif isinstance(found, dict):
            if "__loader__" in found or "__class__" in found:
                name = f"{found.get('__module__')}.{found.get('__class__')}"
                yield f"{found.get('__loader__')}", name
                if found.get("type", "numpy") != "numpy":
                    yield f"{found.get('__loader__')} of objects", name
            pending += found.values()


def _feed(digest: _Digest, value: object, depth: int) -> None:
    if depth > DEEPEST:
        raise ContentNotCanonical("The estimator is nested too deeply, or contains itself.")
    match value:
        case np.ndarray():
            _feed_array(digest, value)
        case np.generic():
            _feed_array(digest, np.asarray(value))
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
        case np.random.Generator():
            _feed_items(digest, "generator", dict(value.bit_generator.state), depth)
        case _:
            _feed_object(digest, value, depth)


def _feed_array(digest: _Digest, array: NDArray[Any]) -> None:
    if array.dtype.names:
        _token(digest, "records", f"{array.shape}{array.dtype.names}")
        for name in array.dtype.names:
            _feed_array(digest, array[name])
        return
    if array.dtype.hasobject:
        raise ContentNotCanonical("An array of objects has no canonical bytes.")
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
    kept = {key: item for key, item in attributes.items() if key not in _MACHINE_DEPENDENT}
    _feed_items(digest, name, kept, depth)


def _token(digest: _Digest, kind: str, text: str) -> None:
    encoded = text.encode()
    digest.update(f"{kind}:{len(encoded)}:".encode() + encoded)
