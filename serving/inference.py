"""The Open Inference Protocol, version 2: applications as tensors, decisions as tensors. Pure.

Each feature that an application brings is an input of its own, of shape [n] or [n, 1] for n applications. A missing
category is an empty text, a missing number NaN; an input that is left out is missing in every row.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from audit.errors import FieldProblem
from registry.contract import FeatureContract
from registry.features import Feature
from serving.errors import InferenceMalformed

REFERENCES = ("application_ref", "subject_ref")
TIMES = ("received_at", "completed_at")
DATATYPES = {"number": "FP64", "integer": "FP64", "boolean": "BOOL", "category": "BYTES"}
OUTPUTS = {
    "decision_id": "BYTES",
    "outcome": "BYTES",
    "pd": "FP64",
    "margin": "FP64",
    "base_value": "FP64",
    "explanation": "FP64",
    "reasons": "BYTES",
}


def inputs_of(contract: FeatureContract) -> list[dict[str, Any]]:
    """The inputs as model metadata names them; times may be left out."""
    texts = [_tensor(name, "BYTES") for name in (*REFERENCES, *TIMES)]
    return texts + [_tensor(each.name, DATATYPES[each.type]) for each in contract.given.features]


def outputs_of(contract: FeatureContract) -> list[dict[str, Any]]:
    """The outputs as model metadata names them; `explanation` has a column per feature, in the order of `parameters`."""
    return [
        {
            "name": name,
            "datatype": kind,
            "shape": [-1, len(contract.names)],
            "parameters": {"features": ",".join(contract.names)},
        }
        if name == "explanation"
        else _tensor(name, kind)
        for name, kind in OUTPUTS.items()
    ]


def applications_of(request: Mapping[str, Any], contract: FeatureContract) -> list[dict[str, Any]]:
    """The decision requests in an inference request. Raises InferenceMalformed naming every input that is wrong."""
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, Mapping) for one in inputs):
        raise InferenceMalformed("`inputs` must be a list of tensors.")
    kinds = {one["name"]: one["datatype"] for one in inputs_of(contract)}
    problems: list[FieldProblem] = []
    columns: dict[str, list[Any]] = {}
    for one in inputs:
        name = one.get("name")
        if not isinstance(name, str) or name not in kinds or name in columns:
            problems.append(
                FieldProblem(str(name)[:100], "unexpected", "No such input, or there twice.")
            )
            continue
        columns[name] = _values(name, kinds[name], one, problems)
    problems += [
        FieldProblem(name, "missing", "A decision needs this input.")
        for name in REFERENCES
        if name not in columns
    ]
    rows = {len(values) for values in columns.values()}
    if len(rows) > 1 and not problems:
        problems.append(
            FieldProblem("inputs", "malformed", "Inputs differ in how many rows they have.")
        )
    if problems:
        raise InferenceMalformed("The inputs are not those of the model.", errors=problems)
    return [_application(columns, row, contract) for row in range(rows.pop())]


def wanted_outputs(request: Mapping[str, Any]) -> list[str]:
    """The outputs asked for, all of them where none is named. Raises InferenceMalformed."""
    asked = request.get("outputs") or []
    if not isinstance(asked, list) or not all(isinstance(one, Mapping) for one in asked):
        raise InferenceMalformed("`outputs` must be a list.")
    names = [one.get("name") for one in asked]
    problems = [
        FieldProblem(str(name)[:100], "unexpected", "No such output.")
        for name in names
        if name not in OUTPUTS
    ]
    if problems:
        raise InferenceMalformed("The outputs are not those of the model.", errors=problems)
    return [str(name) for name in names] or list(OUTPUTS)


def tensors(decisions: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Outputs for n decisions, as their answers tell them."""
    return [_output(name, decisions) for name in names]


def _output(name: str, decisions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = len(decisions)
    tensor = {"name": name, "datatype": OUTPUTS[name], "shape": [rows]}
    match name:
        case "explanation":
            explained = [one["explanation"]["attributions"] for one in decisions]
            shape = [rows, len(explained[0])]
            return tensor | {
                "shape": shape,
                "data": [part["contribution"] for parts in explained for part in parts],
            }
        case "reasons":
            return tensor | {"data": [json.dumps(one["reasons"]) for one in decisions]}
        case "base_value":
            return tensor | {"data": [one["explanation"]["base_value"] for one in decisions]}
        case _:
            return tensor | {"data": [one[name] for one in decisions]}


def _tensor(name: str, datatype: str) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1]}


def _values(
    name: str, datatype: str, tensor: Mapping[str, Any], problems: list[FieldProblem]
) -> list[Any]:
    """The values of one input, flat, or none where it is wrong."""
    shape, data = tensor.get("shape"), tensor.get("data")
    if tensor.get("datatype") != datatype:
        problems.append(FieldProblem(name, "wrong_type", f"Must be of datatype {datatype}."))
        return []
    if not isinstance(data, list):
        problems.append(FieldProblem(name, "missing", "Must have its `data` in the JSON body."))
        return []
    flat = [part for row in data for part in (row if isinstance(row, list) else [row])]
    if shape not in ([len(flat)], [len(flat), 1]) or not flat:
        problems.append(
            FieldProblem(name, "malformed", "Must have the shape [n] or [n, 1], and n values.")
        )
        return []
    return flat


def _application(
    columns: Mapping[str, list[Any]], row: int, contract: FeatureContract
) -> dict[str, Any]:
    members = {
        name: columns[name][row]
        for name in (*REFERENCES, *TIMES)
        if columns.get(name, [""] * (row + 1))[row] != ""
    }
    features = {
        each.name: _value(each, columns[each.name][row]) if each.name in columns else None
        for each in contract.given.features
    }
    return {**members, "features": features}


def _value(feature: Feature, value: Any) -> Any:
    """The feature's value; what is not one is left as it is, for the contract to refuse by name."""
    if feature.type == "category":
        return None if value == "" else value
    if isinstance(value, float) and math.isnan(value):
        return None
    if feature.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)  # the protocol's FP64 has no other way of writing it
    return value
