"""scikit-learn's estimators as skops files: a zip of a schema and arrays.

The types that a schema may name are listed here; a list of trees that a node array describes is walked
by our own reader before scikit-learn sees a row.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import skops.io
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline

from registry.errors import (
    ArtefactTruncated,
    ArtefactWithoutSchema,
    NotAnArtefact,
    UntrustedTypes,
)
from registry.trees.scikit import TREES, trees_of

FORMAT = "skops"
LARGEST_UNPACKED = 512 * 1024 * 1024
OPENING = b"PK"

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
        # ... and its native categories: a reordering of columns whose only function is check_array
        ("ObjectNode", "sklearn.compose._column_transformer.ColumnTransformer"),
        ("ObjectNode", "sklearn.preprocessing._encoders.OrdinalEncoder"),
        ("ObjectNode", "sklearn.preprocessing._function_transformer.FunctionTransformer"),
        ("PartialNode", "functools.partial"),
        ("FunctionNode", "sklearn.utils.validation.check_array"),
        ("SliceNode", "builtins.slice"),
        ("TypeNode", "numpy.float64"),
        ("TypeNode", "builtins.int"),
        # linear models fitted by descent
        ("ObjectNode", "sklearn.linear_model._stochastic_gradient.SGDClassifier"),
        # trees, forests and gradient boosting
        ("NdArrayNode", "numpy.int64"),
        ("NdArrayNode of objects", "numpy.ndarray"),
        ("TreeNode", "sklearn.tree._tree.Tree"),
        ("ObjectNode", "sklearn.tree._classes.DecisionTreeClassifier"),
        ("ObjectNode", "sklearn.tree._classes.DecisionTreeRegressor"),
        ("ObjectNode", "sklearn.tree._classes.ExtraTreeClassifier"),
        ("ObjectNode", "sklearn.ensemble._forest.RandomForestClassifier"),
        ("ObjectNode", "sklearn.ensemble._forest.ExtraTreesClassifier"),
        ("ObjectNode", "sklearn.ensemble._gb.GradientBoostingClassifier"),
        ("ObjectNode", "sklearn.dummy.DummyClassifier"),
        ("RandomStateNode", "numpy.random.mtrand.RandomState"),
        # calibration
        ("ObjectNode", "sklearn.calibration.CalibratedClassifierCV"),
        ("ObjectNode", "sklearn.calibration._CalibratedClassifier"),
        ("ObjectNode", "sklearn.calibration._SigmoidCalibration"),
        ("ObjectNode", "sklearn.isotonic.IsotonicRegression"),
    }
)
"""Every kind of node that the artefacts of `registry.training` consist of, found by writing them."""

_BEYOND_SKOPS_DEFAULTS = [
    "numpy.dtype",
    "functools.partial",
    "sklearn.utils.validation.check_array",
    "sklearn.tree._tree.Tree",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    f"{_TREES}.predictor.TreePredictor",
]
_MODELS = (Pipeline, LogisticRegression, SGDClassifier, CalibratedClassifierCV, *TREES)


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
    Raises ArtefactTruncated, ArtefactWithoutSchema, UntrustedTypes, TreesUnusable or, for anything
    else that is not an artefact of this registry, NotAnArtefact.
    """
    if untrusted := sorted(set(_nodes(_schema(data))) - _TRUSTED_NODES):
        names = ", ".join(f"{name} ({loader})" for loader, name in untrusted[:5])
        raise UntrustedTypes(f"The artefact contains types that are not trusted: {names}.")
    try:
        estimator = skops.io.loads(data, trusted=_BEYOND_SKOPS_DEFAULTS)
    except Exception as error:  # a damaged array fails anywhere inside skops or NumPy
        raise ArtefactTruncated("The artefact's schema names content that is damaged.") from error
    if not isinstance(estimator, _MODELS):
        raise NotAnArtefact(f"The artefact holds a {type(estimator).__name__}, not a model.")
    _require_walkable(estimator)
    return estimator


def _require_walkable(estimator: BaseEstimator) -> None:
    """Reads every tree, which raises TreesUnusable where scikit-learn would leave its memory."""
    match estimator:
        case Pipeline():
            _require_walkable(estimator[-1])
        case CalibratedClassifierCV():
            for member in estimator.calibrated_classifiers_:
                _require_walkable(member.estimator)
        case _ if isinstance(estimator, TREES):
            trees_of(estimator)


def _schema(data: bytes) -> dict[str, Any]:
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
