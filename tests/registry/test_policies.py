"""What the bodies of policies must hold."""

from typing import Any

import pytest

from registry.policies import body_problems, fit_problems
from tests.registry.applicants import CONTRACT, DECISION_BODY, REASON_BODY


def decision_faults(**changes: Any) -> list[str]:
    return [problem.field for problem in body_problems("decision", {**DECISION_BODY, **changes})]


def a_rule(**changes: Any) -> dict[str, Any]:
    return {**DECISION_BODY["knockout_rules"][0], **changes}


def fit_faults(rule: dict[str, Any]) -> list[str]:
    decision = {**DECISION_BODY, "knockout_rules": [rule]}
    return [problem.field for problem in fit_problems(CONTRACT, decision, REASON_BODY)]


def test_good_policies_have_no_problems() -> None:
    assert body_problems("decision", DECISION_BODY) == []
    assert body_problems("decision", {**DECISION_BODY, "grey_band": None}) == []
    assert body_problems("reason_library", REASON_BODY) == []
    assert fit_problems(CONTRACT, DECISION_BODY, REASON_BODY) == []


@pytest.mark.parametrize("kind", ["gate", "decision", "reason_library", "monitoring", "retraining"])
@pytest.mark.parametrize("body", [{}, None, [], "rules"])
def test_an_empty_policy_is_refused_because_no_rules_never_means_allowed(
    kind: str, body: object
) -> None:
    assert [problem.field for problem in body_problems(kind, body)] == ["body"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cut_off": 0}, "body.cut_off"),
        ({"cut_off": 1}, "body.cut_off"),
        ({"cut_off": "0.2"}, "body.cut_off"),
        ({"cut_off": True}, "body.cut_off"),
        ({"grey_band": {"from": 0.1}}, "body.grey_band"),
        ({"grey_band": {"from": 0.2, "to": 0.1}}, "body.grey_band"),
        ({"grey_band": {"from": 0.2, "to": 0.4}}, "body.grey_band"),
        ({"grey_band": {"from": "0.2", "to": 0.3}}, "body.grey_band"),
        ({"materiality_floor": -1}, "body.materiality_floor"),
        ({"max_reasons": 5}, "body.max_reasons"),
        ({"max_reasons": 0}, "body.max_reasons"),
        ({"max_reasons": 2.0}, "body.max_reasons"),
        ({"knockout_rules": None}, "body.knockout_rules"),
        ({"knockout_rules": ["dti"]}, "body.knockout_rules.0"),
        ({"knockout_rules": [{"feature": "dti"}]}, "body.knockout_rules.0.operator"),
        ({"knockout_rules": [a_rule(operator="!=")]}, "body.knockout_rules.0.operator"),
        ({"knockout_rules": [a_rule(feature=1)]}, "body.knockout_rules.0.feature"),
        ({"surprise": 1}, "body.surprise"),
    ],
)
def test_a_decision_policy_at_fault_is_refused_by_its_field(
    changes: dict[str, Any], field: str
) -> None:
    assert field in decision_faults(**changes)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"language": "", "groups": REASON_BODY["groups"]}, "body.language"),
        ({"language": "en", "groups": {}}, "body.groups"),
        ({"language": "en", "groups": {"a": "text"}}, "body.groups.a"),
        ({"language": "en", "groups": {"a": {"code": "R01", "statement": "s"}}}, "body.groups.a.missing_statement"),
        ({"language": "en", "groups": {"a": {"code": "R01", "statement": " ", "missing_statement": "m"}}}, "body.groups.a.statement"),
    ],
)  # fmt: skip
def test_a_reason_library_at_fault_is_refused_by_its_field(
    body: dict[str, Any], field: str
) -> None:
    assert [problem.field for problem in body_problems("reason_library", body)] == [field]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (a_rule(feature="age"), "decision_policy.knockout_rules.0.feature"),
        (a_rule(value=2.5), "decision_policy.knockout_rules.0.value"),
        (a_rule(value=21), "decision_policy.knockout_rules.0.value"),
        (a_rule(reason_group="luck"), "decision_policy.knockout_rules.0.reason_group"),
        (
            a_rule(feature="homeowner", operator=">", value=True),
            "decision_policy.knockout_rules.0.value",
        ),
        (
            a_rule(feature="purpose", operator="==", value="boat"),
            "decision_policy.knockout_rules.0.value",
        ),
    ],
)
def test_a_rule_that_does_not_fit_the_model_is_refused(rule: dict[str, Any], field: str) -> None:
    assert fit_faults(rule) == [field]


def test_a_reason_group_without_text_is_named() -> None:
    library = {"language": "en", "groups": {k: v for k, v in REASON_BODY["groups"].items() if k != "income"}}  # fmt: skip

    problems = fit_problems(CONTRACT, DECISION_BODY, library)

    assert [problem.field for problem in problems] == ["reason_library.groups.income"]
