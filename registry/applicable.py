"""Which policy of a kind applies to a model: its own, else the one for all models."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Case, OuterRef, Q, QuerySet, Value, When

from audit.statements import Parameter
from registry.models import Policy, ScoringModel
from registry.queries import policies_in_force

FOR_ALL_MODELS = "default"


def policy_for(kind: Policy.Kind, model: ScoringModel, at: datetime) -> Policy | None:
    """The model's own policy of that kind, else the one for all models; None when neither is in force."""
    return policies_for(kind, [model], at).get(model.name)


def policies_for(
    kind: Policy.Kind, models: Sequence[ScoringModel], at: datetime
) -> dict[str, Policy]:
    """The same for many models, by their names; those for which none is in force are left out."""
    names = [FOR_ALL_MODELS, *(model.name for model in models)]
    newest = {
        policy.name: policy for policy in policies_in_force(at).filter(kind=kind, name__in=names)
    }
    chosen = {model.name: newest.get(model.name) or newest.get(FOR_ALL_MODELS) for model in models}
    return {name: policy for name, policy in chosen.items() if policy}


def applicable_policies(
    kind: Policy.Kind, model_name: OuterRef, at: datetime | Parameter
) -> QuerySet[Policy]:
    """The same inside another query, whose rows name a model: the policy that applies is the first."""
    own_first = Case(When(name=FOR_ALL_MODELS, then=Value(1)), default=Value(0))
    applying = policies_in_force(at).filter(Q(name=model_name) | Q(name=FOR_ALL_MODELS), kind=kind)
    return applying.order_by(own_first, "-version")
