"""MLflow's description of a model (the file MLmodel): where its bytes are, and what columns it takes.

Format: https://mlflow.org/docs/latest/ml/model/ (MLmodel, signature with inputs as a JSON list).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from audit.errors import FieldProblem
from registry.contract import FeatureContract
from registry.errors import TrackingMalformed

# Of each flavour that has a format without pickle the key that names its file.
FILE_KEYS = {"sklearn": "pickled_model", "lightgbm": "data", "xgboost": "data"}
NUMERIC = frozenset(
    {"double", "float", "float64", "float32", "integer", "long", "int64", "int32", "boolean"}
)


@dataclass(frozen=True)
class Described:
    """A model of MLflow: its flavour, the path of its file beside MLmodel, and its inputs as MLflow names them."""

    flavour: str
    file: str
    inputs: tuple[Mapping[str, Any], ...]


def described(text: str) -> Described:
    """Raises TrackingMalformed where it is no MLmodel of a flavour that has a format without pickle."""
    try:
        document = yaml.safe_load(text)
        flavours = document["flavors"]
        inputs = json.loads((document.get("signature") or {}).get("inputs") or "[]")
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrackingMalformed("The file MLmodel cannot be read.") from error
    for flavour, key in FILE_KEYS.items():
        found = flavours.get(flavour) if isinstance(flavours, dict) else None
        if isinstance(found, dict) and isinstance(found.get(key), str):
            return Described(flavour, found[key], tuple(inputs))
    raise TrackingMalformed(
        f"The model has none of the flavours {', '.join(FILE_KEYS)}. Log it with one of them, or name a file of the run"
        " with --artefact."
    )


def require_signature(inputs: tuple[Mapping[str, Any], ...], contract: FeatureContract) -> None:
    """Raises TrackingMalformed naming each difference between a signature and the columns of the contract.

    A signature of columns must name them in order; one of a tensor must be as wide. No signature is a difference.
    """
    columns = [column.name for column in contract.columns]
    if not inputs:
        problems = [FieldProblem("signature", "missing", "Log the model with a signature.")]
    elif inputs[0].get("type") == "tensor":
        problems = _tensor_problems(inputs[0], len(columns))
    else:
        problems = _column_problems(inputs, columns)
    if problems:
        raise TrackingMalformed(
            "The model's signature does not fit the data set's contract; see `errors`.",
            errors=problems,
        )


def _tensor_problems(tensor: Mapping[str, Any], width: int) -> list[FieldProblem]:
    spec = tensor.get("tensor-spec") or {}
    shape, kind = list(spec.get("shape") or ()), spec.get("dtype")
    problems = []
    if len(shape) != 2 or shape[1] != width:
        detail = f"The signature says {shape}, and the contract gives {width} columns."
        problems.append(FieldProblem("signature.shape", "differs", detail))
    if kind not in NUMERIC:
        problems.append(FieldProblem("signature.dtype", "differs", "Must be numbers."))
    return problems


def _column_problems(
    inputs: tuple[Mapping[str, Any], ...], columns: list[str]
) -> list[FieldProblem]:
    named = [str(one.get("name")) for one in inputs]
    problems = [
        FieldProblem("signature", "missing", f"It lacks the column {name}.")
        for name in columns
        if name not in named
    ]
    problems += [
        FieldProblem("signature", "unknown", f"The contract gives no column {name}.")
        for name in named
        if name not in columns
    ]
    if not problems and named != columns:
        problems.append(
            FieldProblem("signature", "differs", f"The order must be {', '.join(columns)}.")
        )
    problems += [
        FieldProblem("signature", "differs", f"The column {one.get('name')} must be of numbers.")
        for one in inputs
        if one.get("type") not in NUMERIC
    ]
    return problems
