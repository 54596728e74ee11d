"""Which limits apply."""

from datetime import datetime

from monitoring.errors import NoMonitoringPolicy
from monitoring.policy import MonitoringPolicy
from registry import queries as registry
from registry.models import Dataset, Policy, ScoringModel


def policy_in_force(model: ScoringModel, at: datetime) -> tuple[Policy, MonitoringPolicy]:
    """The monitoring policy that bears the model's name, as a row and as limits.

    Raises NoMonitoringPolicy, or MonitoringPolicyMalformed where the one in force cannot be used.
    """
    policy = registry.policy_in_force(Policy.Kind.MONITORING, model.name, at)
    if policy is None:
        raise NoMonitoringPolicy(
            f"No monitoring policy named {model.name!r} is in force. Propose one of kind "
            "'monitoring' and have somebody else adopt it: without limits nothing can be judged."
        )
    return policy, MonitoringPolicy.from_json(policy.body)


def known_attributes(at: datetime) -> frozenset[str]:
    """Every protected column that a monitoring policy in force compares, or that a data set was split from."""
    names = {
        name
        for columns in Dataset.objects.values_list("description__protected_columns", flat=True)
        for name in columns or ()
    }
    policies = Policy.objects.filter(kind=Policy.Kind.MONITORING, status=Policy.Status.APPROVED)
    for policy in policies:
        if registry.is_in_force(policy, at):
            for grouping in MonitoringPolicy.from_json(policy.body).groupings:
                names |= grouping.columns
    return frozenset(names)
