"""What would have changed the result: few changes, possible ones, and tested by the version itself."""

from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from serving.changeable import changes_of, declared_problems, fit_faults
from serving.counterfactuals import find
from serving.explainers.compiler import compile_scorer
from serving.judging import Judge
from serving.policy import DecisionPolicy
from serving.reasons import ReasonFinder, ReasonLibrary
from tests.registry.applicants import (
    CONTRACT,
    DECISION_BODY,
    REASON_BODY,
    a_frame,
    an_application,
)

DECLARED = {
    "dti": {"direction": "down", "step": 10, "minimum": 10, "maximum": 60},
    "income": {"direction": "up", "step": 20_000, "maximum": 150_000},
    "delinquencies": {"direction": "down"},
    "homeowner": {"direction": "up"},
    "purpose": {"categories": ["car", "education"]},
}
SMALL = {name: DECLARED[name] for name in ("dti", "income", "homeowner", "purpose")} | {
    "delinquencies": {"direction": "down", "maximum": 6}
}


@cache
def a_judge():
    """Boosted trees over the applicants of the tests, their baseline, and knock-out rule and grey band of the policy."""
    frame = a_frame()
    packed = CONTRACT.pack(
        [
            {name: _plain(row[name]) for name in CONTRACT.names}
            for row in frame.to_dict(orient="records")
        ]
    )
    model = HistGradientBoostingClassifier(
        max_iter=40, max_depth=3, early_stopping=False, random_state=0
    ).fit(CONTRACT.matrix(packed), frame["bad"].to_numpy())
    policy = DecisionPolicy.from_json(DECISION_BODY)
    pd = model.predict_proba(CONTRACT.matrix(packed))[:, 1]
    baseline = packed[pd < policy.cut_off][:200]
    library = ReasonLibrary.from_json(REASON_BODY)
    judge = Judge(
        CONTRACT,
        compile_scorer(model, CONTRACT.players, CONTRACT.matrix(baseline)),
        policy,
        ReasonFinder(CONTRACT, library, 0.0, 4),
        frozenset(),
        typical=np.median(baseline, axis=0),
    )
    return judge, baseline


def _plain(value):
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def found_for(features, declared=DECLARED, **options):
    judge, baseline = a_judge()
    [packed] = judge.contract.pack([features])
    return find(judge, packed, changes_of(CONTRACT, declared, baseline), baseline, **options)


def changed(features, one):
    return {**features, **{move.feature: move.after for move in one.moves}}


def outcome(features):
    [judged] = a_judge()[0].judge([features])
    return judged.ruling.outcome


def fewest_changes(features, declared):
    """The smallest number of changed features that approves, by trying every combination of every value."""
    judge, baseline = a_judge()
    [packed] = judge.contract.pack([features])
    options = {
        CONTRACT.names[change.position]: change.from_value(packed[change.position]).tolist()
        for change in changes_of(CONTRACT, declared, baseline)
    }
    for count in range(1, 4):
        for names in combinations(options, count):
            for values in product(*(options[name] for name in names)):
                row = packed.copy()
                for name, value in zip(names, values, strict=True):
                    row[CONTRACT.names.index(name)] = value
                if outcome(CONTRACT.unpack(row)) == "approved":
                    return count
    return None


POOR = [
    an_application(dti=45.0, income=30_000.0, delinquencies=2, homeowner=False),
    an_application(dti=60.0, income=18_000.0, delinquencies=5, homeowner=False, purpose="medical"),
    an_application(dti=30.0, income=24_000.0, delinquencies=1, homeowner=False, purpose="medical"),
    an_application(dti=25.0, income=60_000.0, delinquencies=12),
    an_application(dti=55.0, income=None, delinquencies=3, homeowner=False, purpose=None),
]


@pytest.mark.parametrize("features", POOR)
def test_no_smaller_number_of_changes_would_do(features):
    assert outcome(features) != "approved"

    found = found_for(features, SMALL)

    fewest = fewest_changes(features, SMALL)
    assert [len(one.moves) for one in found][:1] == ([fewest] if fewest else [])


def test_a_knock_out_rule_is_lifted_by_what_it_is_about():
    features = an_application(dti=10.0, income=200_000.0, delinquencies=12)

    found = found_for(features)

    assert [move.feature for move in found[0].moves] == ["delinquencies"]
    assert found[0].moves[0].after < 10


@given(
    st.fixed_dictionaries(
        {
            "dti": st.floats(0, 100),
            "income": st.none() | st.floats(0, 1_000_000),
            "delinquencies": st.integers(0, 20),
            "homeowner": st.booleans(),
            "purpose": st.sampled_from([None, "car", "education", "medical"]),
        }
    ),
    st.sets(st.sampled_from(sorted(DECLARED))),
)
@settings(max_examples=60, deadline=None)
def test_only_what_is_declared_changes_one_way_and_within_its_bounds(features, names):
    declared = {name: DECLARED[name] for name in names}

    for one in found_for(features, declared):
        assert 1 <= len(one.moves) <= 3
        assert outcome(changed(features, one)) == "approved"
        assert not CONTRACT.problems(changed(features, one))
        for move in one.moves:
            entry = declared[move.feature]
            assert move.before == features[move.feature] != move.after
            match entry.get("direction"):
                case "up":
                    assert move.after > move.before
                case "down":
                    assert move.after < move.before
                case None:
                    assert move.after in entry["categories"]
            if "step" in entry:
                assert move.after % entry["step"] == 0
                assert entry.get("minimum", 0) <= move.after <= entry.get("maximum", np.inf)


def test_each_says_the_pd_that_the_version_gives_it():
    judge, _ = a_judge()

    for one in found_for(POOR[0]):
        [judged] = judge.judge([changed(POOR[0], one)])
        assert (one.pd, one.margin) == (judged.pd, judged.margin)


def test_several_change_different_features_and_none_includes_another():
    sets = [{move.feature for move in one.moves} for one in found_for(POOR[0])]

    assert len(sets) > 1
    assert not any(a <= b for a, b in combinations(sets, 2))
    assert not any(b <= a for a, b in combinations(sets, 2))


def test_a_value_moves_no_further_than_it_must():
    [one] = found_for(POOR[2], {"income": {"direction": "up", "step": 1000}})
    [move] = one.moves

    assert outcome({**POOR[2], "income": move.after - 1000}) != "approved"


def test_equal_questions_have_equal_answers():
    assert found_for(POOR[1]) == found_for(POOR[1])


def test_nothing_declared_finds_nothing():
    assert found_for(POOR[0], {}) == ()


def test_what_the_service_would_not_take_is_no_counterfactual():
    allowed = found_for(POOR[0])

    told = found_for(POOR[0], accepted=lambda features: features["dti"] == POOR[0]["dti"])

    assert any("dti" in {move.feature for move in one.moves} for one in allowed)
    assert not any("dti" in {move.feature for move in one.moves} for one in told)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"direction": "sideways"}, "dti.direction"),
        ({}, "dti"),
        ({"direction": "up", "step": 0}, "dti.step"),
        ({"direction": "up", "steps": 1}, "dti.steps"),
        ({"direction": "up", "minimum": "low"}, "dti.minimum"),
        ({"categories": []}, "dti.categories"),
        ({"categories": ["car"], "direction": "up"}, "dti.categories"),
    ],
)
def test_a_declaration_that_says_nothing_usable_is_named(entry, field):
    problems = list(declared_problems({"dti": entry}, "changeable"))

    assert f"changeable.{field}" in {problem.field for problem in problems}


@pytest.mark.parametrize(
    ("declared", "field"),
    [
        ({"dti": {"direction": "down"}}, "dti.step"),
        ({"dti": {"categories": ["car"]}}, "dti.categories"),
        ({"dti": {"direction": "up", "step": 1, "minimum": 200}}, "dti.minimum"),
        ({"delinquencies": {"direction": "down", "step": 0.5}}, "delinquencies.step"),
        ({"homeowner": {"direction": "up", "step": 1}}, "homeowner.direction"),
        ({"purpose": {"direction": "any"}}, "purpose.categories"),
        ({"purpose": {"categories": ["yacht"]}}, "purpose.categories"),
    ],
)
def test_a_declaration_that_does_not_fit_the_contract_is_named(declared, field):
    assert not list(declared_problems(declared, "changeable"))

    faults = fit_faults(CONTRACT, declared, "changeable")

    assert [fault.field for fault in faults] == [f"changeable.{field}"]


def test_a_feature_of_another_model_is_no_fault():
    assert fit_faults(CONTRACT, {"postcode_years": {"direction": "up", "step": 1}}, "c") == []
