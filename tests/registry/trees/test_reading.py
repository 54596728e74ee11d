"""Trees that a library would walk out of its memory are refused before it sees them; so is what is no sum of log-odds."""

import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from registry import artefacts
from registry.artefacts.boosters import LightGBMModel, XGBoostModel
from registry.errors import ExtraMissing, NotAnArtefact, ParamsRefused, TreesUnusable
from registry.training import fit, require_params
from registry.trees.tables import below_in_single, not_above_in_single

RNG = np.random.default_rng(3)
MATRIX = RNG.normal(size=(300, 3))
BAD = (MATRIX[:, 0] + RNG.normal(size=300) > 0).astype(np.int64)
LIGHTGBM: LightGBMModel = fit(MATRIX, BAD, "lightgbm", {"num_iterations": 3}, 1)
XGBOOST: XGBoostModel = fit(MATRIX, BAD, "xgboost", {"n_estimators": 3}, 1)
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(SINGLES, st.floats(-1, 1), st.integers(-3, 3))
@example(float(np.finfo(np.float32).min), 0.0, 0)
def test_a_double_splits_doubles_as_a_single_float_splits_singles(
    single: float, nudge: float, steps: int
) -> None:
    threshold = single + nudge * 1e-8 * abs(single)
    at, below = not_above_in_single([threshold])[0], below_in_single([single])[0]
    with np.errstate(over="ignore"):
        neighbour = np.nextafter(np.float32(single), np.float32(np.inf))
    probe = (float(np.float32(single)) + float(neighbour)) / 2
    for _ in range(abs(steps)):
        probe = float(np.nextafter(probe, np.inf if steps > 0 else -np.inf))

    for value in (probe, single, threshold, float(neighbour)):
        with np.errstate(over="ignore"):
            cast = np.float32(value)
        if np.isfinite(cast):
            assert (value <= at) == (np.float64(cast) <= threshold)
            assert (value <= below) == (cast < np.float32(single))


def changed(model: LightGBMModel, before: str, after: str) -> bytes:
    """The model text with one line changed, and the sizes of its trees put right."""
    assert before in model.text
    text = model.text.replace(before, after, 1)
    head, *trees = text.partition("\nend of trees\n")[0].split("Tree=")
    sizes = [len(f"Tree={tree}") for tree in trees]
    sizes[-1] += 1
    old = next(line for line in head.splitlines() if line.startswith("tree_sizes"))
    return text.replace(old, f"tree_sizes={' '.join(map(str, sizes))}", 1).encode()


def line(name: str) -> str:
    return next(found for found in LIGHTGBM.text.splitlines() if found.startswith(f"{name}="))


def one_more(name: str, value: str) -> tuple[str, str]:
    """The line of a field, and the same with its first number replaced."""
    before = line(name)
    return before, f"{name}={value} {before.partition(' ')[2]}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        one_more("left_child", "9999"),
        one_more("left_child", "0"),
        one_more("right_child", "-9999"),
        one_more("split_feature", "77"),
        one_more("split_feature", "-1"),
        one_more("leaf_value", "nan"),
        one_more("threshold", "nan"),
        one_more("decision_type", "1"),
        (line("leaf_value"), "leaf_value=1 2"),
        ("is_linear=0", "is_linear=1"),
        ("objective=binary sigmoid:1", "objective=binary sigmoid:2"),
        ("objective=binary sigmoid:1", "objective=regression"),
        ("num_class=1", "num_class=3"),
        ("num_class=1", "num_class=1\naverage_output"),
        ("num_leaves=", "num_leaves=9"),
    ],
)
def test_a_model_text_that_lightgbm_could_not_walk_safely_is_refused(
    before: str, after: str
) -> None:
    with pytest.raises(TreesUnusable):
        artefacts.load(changed(LIGHTGBM, before, after))


def test_a_model_text_whose_sizes_are_not_its_own_is_refused() -> None:
    with pytest.raises(TreesUnusable, match="sizes"):
        artefacts.load(LIGHTGBM.text.replace("shrinkage=0.1", "shrinkage=0.123", 1).encode())


def tree_field(name: str, value: Any) -> Any:
    def change(learner: Any) -> None:
        learner["gradient_booster"]["model"]["trees"][0][name][0] = value

    return change


def parameter(part: str, name: str, value: str) -> Any:
    def change(learner: Any) -> None:
        learner[part][name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        tree_field("left_children", 9999),
        tree_field("left_children", 0),
        tree_field("right_children", -7),
        tree_field("split_indices", 50),
        tree_field("split_type", 1),
        tree_field("split_conditions", "many"),
        parameter("objective", "name", "reg:squarederror"),
        parameter("gradient_booster", "name", "dart"),
        parameter("learner_model_param", "num_class", "3"),
        parameter("learner_model_param", "base_score", "[1E0]"),
        parameter("attributes", "best_iteration", "1"),
        lambda learner: learner.pop("objective"),
        lambda learner: learner["gradient_booster"]["model"]["trees"].clear(),
        lambda learner: learner["gradient_booster"]["model"]["trees"][0]["default_left"].pop(),
    ],
)
def test_a_document_that_xgboost_could_not_walk_safely_is_refused(change: Any) -> None:
    document = json.loads(artefacts.dump(XGBOOST))
    change(document["learner"])

    with pytest.raises(TreesUnusable):
        artefacts.load(json.dumps(document).encode())


@pytest.mark.parametrize(
    "data", [b"[1]", b"{}", b'{"learner": 3}', b"{" * 5000, b"tree\nversion=v4\n"]
)
def test_what_only_begins_like_a_booster_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnArtefact):
        artefacts.load(data)


def test_a_tree_of_scikit_learn_that_leads_nowhere_is_refused() -> None:
    model = DecisionTreeClassifier(max_depth=3).fit(MATRIX, BAD)
    state = model.tree_.__getstate__()
    state["nodes"]["left_child"][0] = 10_000
    model.tree_.__setstate__(state)

    with pytest.raises(TreesUnusable, match="leads to 10000"):
        artefacts.load(artefacts.dump(model))


@pytest.mark.parametrize(("library", "model"), [("lightgbm", LIGHTGBM), ("xgboost", XGBOOST)])
def test_without_its_library_a_model_is_refused_by_the_name_of_the_extra(
    library: str, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = artefacts.dump(model)
    monkeypatch.setitem(sys.modules, library, None)  # as Python does for what cannot be imported

    for attempt in (
        lambda: artefacts.load(data),
        lambda: require_params(library, {}),
        lambda: fit(MATRIX, BAD, library, {}, 1),
    ):
        with pytest.raises(ExtraMissing, match=rf"credence\[{library}\]"):
            attempt()


def test_a_calibration_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ParamsRefused) as refusal:
        require_params("random_forest", {"calibration": "venn", "max_features": 2})

    assert {problem.field for problem in refusal.value.errors} == {
        "params.calibration",
        "params.max_features",
    }


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost", "random_forest", "decision_tree"])
def test_boosters_and_forests_obey_the_declared_direction(algorithm: str) -> None:
    model = fit(MATRIX, BAD, algorithm, {}, 1, monotonic_cst=[-1, 0, 1])
    grid = np.repeat(MATRIX[:30], 15, axis=0)
    grid[:, 0] = np.tile(np.linspace(-3, 3, 15), 30)

    pd = model.predict_proba(grid)[:, 1].reshape(30, 15)

    assert (np.diff(pd, axis=1) <= 1e-12).all()
