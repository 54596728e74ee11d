"""LightGBM and XGBoost models in their own formats, read by our own parser before their library sees them.

Both libraries are extras: without one, its models are refused by the name of the extra.
"""

import importlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator

from registry.errors import ArtefactTruncated
from registry.extras import required
from registry.trees import lightgbm_text, xgboost_json
from registry.trees.tables import Floats, TreeModel

_MADE_BY = "made_by: "
_PANDAS = "\npandas_categorical:"
_PARAMETER = re.compile(r"^\[([a-z_0-9]+): ?(.*)\]$", re.MULTILINE)
_OF_THE_MACHINE = frozenset(
    {"num_threads", "verbosity", "device_type", "gpu_platform_id", "gpu_device_id", "gpu_device_id_list",
     "num_machines", "machines", "local_listen_port", "time_out", "machine_list_filename", "data", "valid"}
)  # fmt: skip


class _Booster(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn ships no types
    """A model of another library with the face of a fitted classifier of good (0) and bad (1)."""

    format: ClassVar[str]
    trees: TreeModel
    n_features_in_: int

    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.array([0, 1])

    @abstractmethod
    def decision_function(self, matrix: Floats) -> Floats:
        """(n,) log-odds of bad by the library itself, for matrix (n, p)."""

    def predict_proba(self, matrix: Floats) -> Floats:
        """(n, 2) probabilities of good and bad."""
        pd = expit(self.decision_function(matrix))
        return np.column_stack([1 - pd, pd])


class LightGBMModel(_Booster):
    """A LightGBM model by its text. Raises TreesUnusable or ExtraMissing."""

    format = "lightgbm"
    opening = b"tree\n"

    def __init__(self, text: str) -> None:
        self.text = text
        self.trees, self.n_features_in_ = lightgbm_text.trees_in(text)
        self._native = required("lightgbm").Booster(model_str=text)

    def decision_function(self, matrix: Floats) -> Floats:
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        margin = self._native.predict(rows, raw_score=True, num_threads=1)
        return np.asarray(margin, dtype=np.float64)

    def dump(self, made_by: str) -> bytes:
        """The text with a line for the run before its last one, where LightGBM reads nothing."""
        before, last, rest = self._plain.rpartition(_PANDAS)
        line = f"\n{_MADE_BY}{made_by}\n" if made_by else ""
        return f"{before}{line}{last}{rest}".encode()

    def content(self) -> list[Any]:
        """Everything down to the end of the trees, and the parameters that are not the machine's."""
        trees, _, rest = self._plain.partition("\nend of trees\n")
        params = {
            name: value for name, value in _PARAMETER.findall(rest) if name not in _OF_THE_MACHINE
        }
        return [trees, params]

    @cached_property
    def _plain(self) -> str:
        return re.sub(rf"\n{_MADE_BY}.*\n", "", self.text)


class XGBoostModel(_Booster):
    """An XGBoost model by its JSON document. Raises TreesUnusable or ExtraMissing."""

    format = "xgboost"
    opening = b"{"

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.trees, self.n_features_in_ = xgboost_json.trees_in(document)
        self._native = required("xgboost").Booster({"nthread": 1})
        self._native.load_model(bytearray(json.dumps(document).encode()))

    def decision_function(self, matrix: Floats) -> Floats:
        margin = self._native.inplace_predict(
            np.ascontiguousarray(matrix, dtype=np.float32),
            predict_type="margin",
            missing=np.nan,
            validate_features=False,
        )
        return np.asarray(margin, dtype=np.float64)

    def dump(self, made_by: str) -> bytes:
        """The document with the run among the learner's attributes."""
        attributes = self._attributes | ({"made_by": made_by} if made_by else {})
        learner = self.document["learner"] | {"attributes": attributes}
        document = self.document | {"learner": learner}
        return json.dumps(document, separators=(",", ":")).encode()

    def content(self) -> dict[str, Any]:
        """The learner without the run; the version of the library that wrote it is not the model."""
        return {**self.document["learner"], "attributes": self._attributes}

    @property
    def _attributes(self) -> dict[str, str]:
        attributes = self.document["learner"].get("attributes", {})
        return {name: value for name, value in attributes.items() if name != "made_by"}


def load_lightgbm(data: bytes) -> LightGBMModel:
    """Raises ArtefactTruncated, TreesUnusable or ExtraMissing."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ArtefactTruncated("LightGBM's model text is not UTF-8.") from None
    if "\nend of parameters\n" not in text or _PANDAS not in text:
        raise ArtefactTruncated("LightGBM's model text ends too early.")
    with _said_by("lightgbm.basic", "LightGBMError"):
        return LightGBMModel(text)


def load_xgboost(data: bytes) -> XGBoostModel:
    """Raises ArtefactTruncated, TreesUnusable or ExtraMissing."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise ArtefactTruncated("XGBoost's JSON is truncated or damaged.") from None
    with _said_by("xgboost.core", "XGBoostError"):
        return XGBoostModel(document)


@contextmanager
def _said_by(module: str, error: str) -> Iterator[None]:
    """What the library says of a model that it cannot read, in our refusal. Raises ExtraMissing without it."""
    library = module.partition(".")[0]
    required(library)
    try:
        yield
    except getattr(importlib.import_module(module), error) as problem:
        raise ArtefactTruncated(f"{library} cannot read the model: {problem}") from None
