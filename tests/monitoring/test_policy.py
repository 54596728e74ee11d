"""A monitoring policy is read strictly: every limit is there, and nothing else."""

from copy import deepcopy

import pytest

from monitoring.errors import MonitoringPolicyMalformed
from monitoring.policy import MonitoringPolicy, policy_problems
from tests.monitoring.builders import POLICY_BODY, a_policy_body


def leaves(table, path=()):
    for name, value in table.items():
        if isinstance(value, dict) and name != "attributes":
            yield from leaves(value, (*path, name))
        elif name != "attributes" and value is not None:
            yield (*path, name)


def test_a_policy_becomes_limits():
    policy = MonitoringPolicy.from_json(POLICY_BODY)

    assert policy.drift.ks_breach == 0.15
    assert policy.drift.persistence.needed == 2
    assert policy.fairness.limits.breach == 0.80
    assert [sorted(grouping.columns) for grouping in policy.groupings] == [["sex"], ["age"]]
    assert policy.performance.minimum_matured == 100


@pytest.mark.parametrize("path", list(leaves(POLICY_BODY)), ids=".".join)
def test_every_limit_is_required_and_named_when_it_is_missing(path):
    body = deepcopy(POLICY_BODY)
    table = body
    for step in path[:-1]:
        table = table[step]
    del table[path[-1]]

    with pytest.raises(MonitoringPolicyMalformed) as refused:
        MonitoringPolicy.from_json(body)

    assert [problem.field for problem in refused.value.errors] == [".".join(path)]


def test_a_misspelt_limit_cannot_be_ignored():
    problems = policy_problems(a_policy_body(drift={"ks_brech": 0.2}))

    assert [(problem.field, problem.type) for problem in problems] == [
        ("drift.ks_brech", "unexpected")
    ]


@pytest.mark.parametrize(
    ("section", "changes", "field"),
    [
        ("drift", {"ks_breach": "0.15"}, "drift.ks_breach"),
        ("drift", {"ks_breach": True}, "drift.ks_breach"),
        ("drift", {"ks_breach": 1.5}, "drift.ks_breach"),
        ("drift", {"minimum_current": 10.5}, "drift.minimum_current"),
        ("drift", {"ks_breach": 0.4}, "drift.ks_breach"),
        ("drift", {"tier_1_features": "dti"}, "drift.tier_1_features"),
        ("drift", {"persistence": {"needed": 4, "of": 3}}, "drift.persistence.needed"),
        ("fairness", {"air_watch": 0.7}, "fairness.air_breach"),
        ("fairness", {"minimum_shown": 200}, "fairness.minimum_shown"),
        ("fairness", {"attributes": {}}, "attributes"),
        ("fairness", {"attributes": {"sex": {"men": {"sex": "m"}}}}, "fairness.attributes.sex"),
        ("performance", {"observed_expected_low": 2}, "performance.observed_expected_low"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_its_place(section, changes, field):
    problems = policy_problems(a_policy_body(**{section: changes}))

    assert field in [problem.field for problem in problems]


def test_everything_wrong_is_named_at_once():
    body = a_policy_body(drift={"ks_breach": "high"}, fairness={"air_breach": 7})
    del body["performance"]

    fields = {problem.field for problem in policy_problems(body)}

    assert fields == {"drift.ks_breach", "fairness.air_breach", "performance"}


def test_an_empty_policy_allows_nothing():
    with pytest.raises(MonitoringPolicyMalformed):
        MonitoringPolicy.from_json({})


def test_no_list_of_tier_1_features_means_all_of_them():
    everything = MonitoringPolicy.from_json(POLICY_BODY).drift
    chosen = MonitoringPolicy.from_json(a_policy_body(drift={"tier_1_features": ["dti"]})).drift

    assert everything.is_tier_1("purpose")
    assert chosen.is_tier_1("dti")
    assert not chosen.is_tier_1("purpose")


def test_a_policy_may_say_in_so_many_words_that_no_groups_are_known():
    policy = MonitoringPolicy.from_json({**POLICY_BODY, "fairness": None})

    assert policy.fairness is None
    assert policy.groupings == ()


def test_a_policy_that_is_silent_about_groups_is_refused():
    body = {name: part for name, part in POLICY_BODY.items() if name != "fairness"}

    assert "fairness" in {problem.field for problem in policy_problems(body)}
