"""Artefacts are read by content, never unpickled, and known by what they hold."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from registry import artefacts, training
from registry.artefacts.boosters import LightGBMModel, XGBoostModel
from registry.errors import (
    ArtefactTruncated,
    ArtefactWithoutSchema,
    ContentNotCanonical,
    NotAnArtefact,
    PickleRefused,
    UntrustedTypes,
)
from registry.snapshots import load_snapshot, to_parquet
from tests.registry.applicants import CONTRACT, a_frame

ROWS = load_snapshot(to_parquet(a_frame(), CONTRACT), CONTRACT)
MATRIX = CONTRACT.matrix(ROWS.packed)


@pytest.fixture(scope="module", params=training.ALGORITHMS)
def estimator(request: pytest.FixtureRequest) -> Any:
    return training.fit(MATRIX, ROWS.bad, request.param, {}, 7)


def test_an_artefact_comes_back_as_the_same_model(estimator: Any) -> None:
    again = artefacts.load(artefacts.dump(estimator))

    assert np.array_equal(again.predict_proba(MATRIX), estimator.predict_proba(MATRIX))  # type: ignore[attr-defined]
    assert artefacts.content_sha256(again) == artefacts.content_sha256(estimator)


def test_runs_leave_different_bytes_with_the_same_content(estimator: Any) -> None:
    first, second = (artefacts.dump(estimator, made_by=f"run {run}") for run in (1, 2))

    assert first != second
    assert b"run 1" in first
    assert artefacts.dump(artefacts.load(first), made_by="run 2").count(b"run ") == 1
    assert artefacts.content_sha256(artefacts.load(first)) == artefacts.content_sha256(
        artefacts.load(second)
    )


def test_one_changed_number_is_another_content() -> None:
    model: Any = training.fit(MATRIX, ROWS.bad, "logistic_regression", {}, 7)
    before = artefacts.content_sha256(model)

    model[-1].coef_[0, 0] = np.nextafter(model[-1].coef_[0, 0], 9)

    assert artefacts.content_sha256(model) != before


def test_one_changed_leaf_of_one_tree_is_another_content() -> None:
    model: Any = training.fit(MATRIX, ROWS.bad, "hist_gradient_boosting", {}, 7)
    before = artefacts.content_sha256(model)

    nodes = model._predictors[40][0].nodes
    nodes["value"][-1] = np.nextafter(nodes["value"][-1], 9)

    assert artefacts.content_sha256(model) != before


def test_another_parameter_is_another_content(estimator: Any) -> None:
    before = artefacts.content_sha256(estimator)
    changed = artefacts.load(artefacts.dump(estimator))
    final: Any = changed[-1] if hasattr(changed, "steps") else changed

    match final:
        case LightGBMModel():
            changed = LightGBMModel(final.text.replace("[lambda_l2: 0]", "[lambda_l2: 1]"))
        case XGBoostModel():
            final.document["learner"]["objective"]["reg_loss_param"]["scale_pos_weight"] = "2"
        case _:
            name = "max_iter" if hasattr(final, "max_iter") else "min_samples_leaf"
            setattr(final, name, getattr(final, name) + 1)

    assert artefacts.content_sha256(changed) != before


def test_memory_order_and_threads_are_not_content() -> None:
    model: Any = training.fit(MATRIX, ROWS.bad, "hist_gradient_boosting", {}, 7)
    before = artefacts.content_sha256(model)

    model._bin_mapper.n_threads += 3
    model._baseline_prediction = np.asfortranarray(model._baseline_prediction)

    assert artefacts.content_sha256(model) == before


def test_content_that_has_no_canonical_form_is_refused() -> None:
    model: Any = training.fit(MATRIX, ROWS.bad, "logistic_regression", {}, 7)

    for strange in (object(), np.array([object()]), Path()):
        model[-1].coef_ = strange
        with pytest.raises(ContentNotCanonical):
            artefacts.content_sha256(model)


class _Bomb:
    """A pickle that would leave a mark if it were ever loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_not_run(protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    with pytest.raises(PickleRefused):
        artefacts.load(pickle.dumps(_Bomb(mark), protocol))

    assert not mark.exists()


@pytest.mark.parametrize(
    "compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)]
)
def test_a_joblib_file_is_refused_by_content(compress: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    joblib.dump(_Bomb(tmp_path / "mark"), path, compress=compress)

    with pytest.raises(PickleRefused):
        artefacts.load(path.read_bytes())

    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_pickle_is_refused(squeeze: Any) -> None:
    with pytest.raises(PickleRefused):
        artefacts.load(squeeze(pickle.dumps([1])))


def test_a_truncated_artefact_is_refused(estimator: Any) -> None:
    data = artefacts.dump(estimator)

    for share in (0.3, 0.5, 0.97):
        with pytest.raises(ArtefactTruncated):
            artefacts.load(data[: int(share * len(data))])


@pytest.mark.parametrize("algorithm", ["logistic_regression", "random_forest"])
def test_a_truncated_or_damaged_zip_is_refused(algorithm: str) -> None:
    data = artefacts.dump(training.fit(MATRIX, ROWS.bad, algorithm, {}, 7))
    middle = len(data) // 2
    for damaged in (
        data[:-30],
        data[:middle],
        data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
    ):
        with pytest.raises(ArtefactTruncated):
            artefacts.load(damaged)


def test_a_zip_that_is_no_artefact_is_refused() -> None:
    with pytest.raises(ArtefactWithoutSchema):
        artefacts.load(a_zip({"notes.txt": b"hello"}))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00" * 100, b'{"a": 1}'])
def test_bytes_that_are_nothing_of_ours_are_refused(data: bytes) -> None:
    with pytest.raises(NotAnArtefact):
        artefacts.load(data)


def test_a_schema_that_is_no_object_is_refused() -> None:
    with pytest.raises(ArtefactWithoutSchema):
        artefacts.load(a_zip({"schema.json": b"[]"}))


@pytest.mark.parametrize("algorithm", ["hist_gradient_boosting", "gradient_boosting"])
def test_a_schema_without_its_arrays_is_refused(algorithm: str) -> None:
    data = artefacts.dump(training.fit(MATRIX, ROWS.bad, algorithm, {}, 7))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = archive.read("schema.json")

    with pytest.raises(ArtefactTruncated):
        artefacts.load(a_zip({"schema.json": schema}))


def test_models_of_other_types_are_refused_by_name() -> None:
    neighbours = KNeighborsClassifier().fit(np.nan_to_num(MATRIX), ROWS.bad)

    with pytest.raises(UntrustedTypes, match="KNeighborsClassifier"):
        artefacts.load(artefacts.dump(neighbours))


def test_a_trusted_part_that_is_no_model_is_refused() -> None:
    scaler = StandardScaler().fit(np.nan_to_num(MATRIX))

    with pytest.raises(NotAnArtefact, match="StandardScaler"):
        artefacts.load(skops.io.dumps(scaler))


def test_a_node_that_would_call_something_is_refused() -> None:
    data = artefacts.dump(LogisticRegression().fit(np.nan_to_num(MATRIX[:50, :1]), ROWS.bad[:50]))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    schema["content"]["content"]["C"] = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": "system",
    }

    with pytest.raises(UntrustedTypes, match=r"os\.system"):
        artefacts.load(a_zip({**members, "schema.json": json.dumps(schema).encode()}))


def test_an_artefact_that_would_unpack_beyond_bounds_is_refused() -> None:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros.npy", "w") as member,
    ):
        for _ in range(artefacts.LARGEST_UNPACKED // 2**20 + 1):
            member.write(bytes(2**20))

    with pytest.raises(NotAnArtefact, match="512 MiB"):
        artefacts.load(sink.getvalue())


def a_zip(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def a_pickled_array() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return sink.getvalue()


@pytest.mark.parametrize(
    "member",
    [
        pickle.dumps([1]),
        pickle.dumps([1], 0),
        gzip.compress(pickle.dumps([1])),
        a_pickled_array(),
    ],
    ids=["pickle", "old pickle", "compressed pickle", "array of objects"],
)
def test_a_pickle_is_refused_as_a_member_of_an_artefact(member: bytes) -> None:
    sink = io.BytesIO()
    sink.write(artefacts.dump(training.fit(MATRIX, ROWS.bad, "decision_tree", {}, 7)))
    with zipfile.ZipFile(sink, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.npy", member)

    with pytest.raises(PickleRefused, match=r"weights\.npy"):
        artefacts.load(sink.getvalue())


@pytest.mark.parametrize("data", [a_pickled_array(), b"\x28\xb5\x2f\xfd" + bytes(40)])
def test_an_array_of_objects_and_an_unknown_compression_are_refused(data: bytes) -> None:
    with pytest.raises(PickleRefused):
        artefacts.load(data)


def test_a_pickle_under_the_opening_of_a_model_text_is_no_model() -> None:
    with pytest.raises(NotAnArtefact):
        artefacts.load(b"tree\n" + pickle.dumps([1]))
    with pytest.raises(NotAnArtefact):
        artefacts.load(b"{" + pickle.dumps([1]))
