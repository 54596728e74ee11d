"""MLflow's description of a model, and its signature against a contract."""

import json
from typing import Any

import pytest

from registry.errors import TrackingMalformed
from registry.mlmodel import described, require_signature
from tests.registry.builders import CONTRACT

NAMES = [column.name for column in CONTRACT.columns]
MLMODEL = """
artifact_path: model
flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.skops}
  sklearn: {pickled_model: model.skops, serialization_format: skops, sklearn_version: 1.9.1}
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 8]}}]'
  outputs: null
"""


def columns(names: list[str], type: str = "double") -> tuple[dict[str, Any], ...]:
    return tuple({"name": name, "type": type} for name in names)


def tensor(width: int, dtype: str = "float64") -> tuple[dict[str, Any], ...]:
    return ({"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, width]}},)


def differences(inputs: tuple[dict[str, Any], ...]) -> list[tuple[str, str]]:
    with pytest.raises(TrackingMalformed) as refusal:
        require_signature(inputs, CONTRACT)
    return [(one.field, one.type) for one in refusal.value.errors]


def test_the_file_of_a_flavour_without_pickle_and_its_inputs_are_found() -> None:
    found = described(MLMODEL)

    assert (found.flavour, found.file) == ("sklearn", "model.skops")
    assert found.inputs[0]["tensor-spec"]["shape"] == [-1, 8]


@pytest.mark.parametrize(
    "text", ["", "a: [", "flavors: {pytorch: {}}", "flavors: []", json.dumps([1])]
)
def test_a_description_that_names_no_usable_file_is_refused(text: str) -> None:
    with pytest.raises(TrackingMalformed):
        described(text)


def test_a_signature_fits_by_its_names_in_order_or_by_its_width() -> None:
    require_signature(columns(NAMES), CONTRACT)
    require_signature(tensor(len(NAMES)), CONTRACT)


def test_every_difference_of_a_signature_is_named() -> None:
    assert differences(()) == [("signature", "missing")]
    assert differences(tensor(5)) == [("signature.shape", "differs")]
    assert differences(tensor(len(NAMES), "object")) == [("signature.dtype", "differs")]
    assert differences(columns(NAMES[::-1])) == [("signature", "differs")]
    assert differences(columns([*NAMES[1:], "zip"])) == [
        ("signature", "missing"), ("signature", "unknown"),
    ]  # fmt: skip
    assert differences(columns(NAMES, "string")) == [("signature", "differs")] * len(NAMES)
