"""Which policy of governance's own kinds applies to a model."""

from datetime import datetime

from audit.errors import FieldProblem
from governance.errors import NoGatePolicy, NoOversightPolicy, NoRetrainingPolicy
from governance.gate_policy import read_policy
from governance.oversight_policy import OversightPolicy
from governance.retraining_policy import RetrainingPolicy
from monitoring.policy import MonitoringPolicy
from registry.applicable import FOR_ALL_MODELS, policy_for
from registry.models import Policy, ScoringModel
from registry.queries import policies_in_force
from serving.errors import NoticeTextsMalformed
from serving.letters.texts import PART as EXPLANATION_LETTER
from serving.letters.texts import LetterPolicy
from serving.notices.application_texts import COUNTEROFFER, INCOMPLETENESS, ApplicationTexts
from serving.notices.due import texts_of
from serving.notices.texts import PART as ADVERSE_ACTION
from serving.serving_policy import ServingPolicy


def require_readable(policy: Policy) -> None:
    """Whoever is to follow the policy can read it.

    Raises GatePolicyMalformed, MonitoringPolicyMalformed, RetrainingPolicyMalformed, OversightPolicyMalformed,
    ServingPolicyMalformed, NoticeTextsMalformed or LetterPolicyMalformed.
    """
    match policy.kind:
        case Policy.Kind.GATE:
            read_policy(policy.body)
        case Policy.Kind.MONITORING:
            MonitoringPolicy.from_json(policy.body)
        case Policy.Kind.RETRAINING:
            RetrainingPolicy.from_json(policy.body)
        case Policy.Kind.OVERSIGHT:
            OversightPolicy.from_json(policy.body)
        case Policy.Kind.SERVING:
            ServingPolicy.from_json(policy.body)
        case Policy.Kind.NOTICE:
            _require_readable_notices(policy)


def _require_readable_notices(policy: Policy) -> None:
    known = (ADVERSE_ACTION, COUNTEROFFER, INCOMPLETENESS, EXPLANATION_LETTER)
    problems = [
        FieldProblem(name, "unexpected", f"No such part; there are {', '.join(known)}.")
        for name in sorted(set(policy.body).difference(known))
    ]
    further = [part for part in (COUNTEROFFER, INCOMPLETENESS) if part in policy.body]
    if further and ADVERSE_ACTION not in policy.body:
        detail = f"Is required: {' and '.join(further)} take the creditor and the channels from it."
        problems.append(FieldProblem(ADVERSE_ACTION, "missing", detail))
    if problems:
        raise NoticeTextsMalformed("The notice policy cannot be used.", errors=problems)
    if ADVERSE_ACTION in policy.body:
        texts_of(policy)
    for part in further:
        ApplicationTexts.from_json(policy.body, part)
    LetterPolicy.from_json(policy.body)


def gate_policy(model: ScoringModel, at: datetime) -> Policy:
    """Raises NoGatePolicy: without rules nothing passes."""
    policy = policy_for(Policy.Kind.GATE, model, at)
    if policy is None:
        raise NoGatePolicy(
            f"No gate policy named {model.name} or {FOR_ALL_MODELS} is approved and in force."
        )
    return policy


def retraining_policy(model: ScoringModel, at: datetime) -> Policy:
    """Raises NoRetrainingPolicy: without an approved envelope nothing is trained unattended."""
    policy = policy_for(Policy.Kind.RETRAINING, model, at)
    if policy is None:
        raise NoRetrainingPolicy(
            f"No retraining policy named {model.name} or {FOR_ALL_MODELS} is approved and in force."
        )
    return policy


def oversight_policy(model: ScoringModel, at: datetime) -> tuple[Policy, OversightPolicy]:
    """The policy and what it says. Raises NoOversightPolicy: without rules nothing has a due date."""
    policy = policy_for(Policy.Kind.OVERSIGHT, model, at)
    if policy is None:
        raise NoOversightPolicy(
            f"No oversight policy named {model.name} or {FOR_ALL_MODELS} is approved and in force."
        )
    return policy, OversightPolicy.from_json(policy.body)


def oversight_for_all(at: datetime) -> tuple[Policy, OversightPolicy] | None:
    """The oversight policy for all models, where it speaks of more than one of them: of people's roles."""
    policy = policies_in_force(at).filter(kind=Policy.Kind.OVERSIGHT, name=FOR_ALL_MODELS).first()
    return (policy, OversightPolicy.from_json(policy.body)) if policy else None
