import pytest

from serving.policy import DecisionOutcome, DecisionPolicy, KnockoutRule, PolicyUnusable, decide

BODY = {
    "cut_off": 0.2,
    "grey_band": {"from": 0.15, "to": 0.2},
    "knockout_rules": [
        {"feature": "bankrupt", "operator": "==", "value": True, "reason_group": "bankruptcy"},
        {"feature": "dti", "operator": ">", "value": 0.6, "reason_group": "obligations"},
    ],
    "materiality_floor": 0.01,
    "max_reasons": 4,
}
POLICY = DecisionPolicy.from_json(BODY)
CLEAN = {"bankrupt": False, "dti": 0.3}


@pytest.mark.parametrize(
    ("pd", "outcome", "path"),
    [
        (0.0, "approved", "score"),
        (0.1499999, "approved", "score"),
        (0.15, "referred", "grey_band"),
        (0.1999999, "referred", "grey_band"),
        (0.2, "declined", "score"),
        (1.0, "declined", "score"),
    ],
)
def test_the_probability_of_bad_decides_at_exact_borders(pd, outcome, path):
    ruling = decide(pd, CLEAN, POLICY)

    assert (ruling.outcome, ruling.path, ruling.knockouts) == (outcome, path, ())


def test_a_knockout_rule_declines_the_best_of_scores():
    ruling = decide(0.001, {"bankrupt": True, "dti": 0.3}, POLICY)

    assert (ruling.outcome, ruling.path) == ("declined", "knockout")
    assert [rule.feature for rule in ruling.knockouts] == ["bankrupt"]


def test_every_knockout_rule_that_holds_is_named_in_order():
    ruling = decide(0.9, {"bankrupt": True, "dti": 0.7}, POLICY)

    assert [rule.feature for rule in ruling.knockouts] == ["bankrupt", "dti"]


def test_a_missing_value_is_never_knocked_out():
    assert decide(0.1, {"bankrupt": None, "dti": None}, POLICY).outcome == DecisionOutcome.APPROVED


@pytest.mark.parametrize(
    ("operator", "holding", "failing"),
    [(">", 6, 5), (">=", 5, 4), ("<", 4, 5), ("<=", 5, 6), ("==", 5, 6)],
)
def test_operators_compare_as_they_read(operator, holding, failing):
    rule = KnockoutRule("years", operator, 5, "employment")

    assert rule.holds({"years": holding})
    assert not rule.holds({"years": failing})


@pytest.mark.parametrize("absent", BODY)
def test_a_policy_without_one_of_its_limits_is_refused_rather_than_read_as_none(absent):
    body = {name: value for name, value in BODY.items() if name != absent}
    if absent == "grey_band":
        assert DecisionPolicy.from_json(body).grey_band is None
        return

    with pytest.raises(PolicyUnusable, match=absent):
        DecisionPolicy.from_json(body)
