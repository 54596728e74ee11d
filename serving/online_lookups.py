"""Features that online stores hold, at the moment of the decision: what each says of whom, and how old that is."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from audit.canonical import timestamp
from audit.errors import FieldProblem
from registry import feature_tables
from registry.contract import Feature, FeatureContract
from registry.errors import OnlineStoreUnavailable
from registry.feast import Values, server_of
from registry.online_stores import OnlineValue, State, by_store, store_and_view
from registry.validators import Check

Held = Mapping[str, Mapping[str, Values]]
"""By store and by the reference of a person."""


def held_of(contract: FeatureContract, references: Sequence[str], client: str) -> Held:
    """What the contract's online stores hold of these people; nothing is asked where it names no store.

    A store in which people have the references of another system is not asked, and has no key.
    Raises OnlineStoreUnavailable or OnlineStoresMalformed.
    """
    if not contract.views:
        return {}
    known, held = feature_tables.online_stores(), {}
    for name, views in by_store(contract.views).items():
        if name not in known:
            raise OnlineStoreUnavailable(f"The online store {name} is not configured.")
        if known[name].client == client:
            wanted = [
                (store_and_view(view)[1], feature.name)
                for view in views
                for feature in contract.views[view]
            ]
            held[name] = server_of(known[name]).values_of(references, wanted)
    return held


def add_online(
    contract: FeatureContract,
    held: Held,
    reference: str,
    at: datetime,
    values: dict[str, Any],
    freshness: list[dict[str, Any]],
) -> list[FieldProblem]:
    """Put one person's values and their freshness beside those of the feature tables; what stands in the way.

    What is too old at that moment by the contract's time to live, or not held, is missing.
    """
    problems = []
    for table, wanted in contract.views.items():
        store, view = store_and_view(table)
        if store not in held:
            detail = f"{table} names people in the references of another system."
            problems += [FieldProblem(one.name, "other_client", detail) for one in wanted]
            continue
        for feature in wanted:
            one = held[store][reference][view, feature.name]
            ttl = timedelta(seconds=feature.ttl_seconds or 0)
            state = one.state_at(at, ttl)
            values[feature.name] = one.value if state == "fresh" else None
            freshness.append(_freshness(feature, state, one, at))
            check = contract.checks[feature.name]
            problem = _problem(feature, check, state, values[feature.name])
            problems += [problem] if problem else []
    return problems


def _freshness(feature: Feature, state: State, one: OnlineValue, at: datetime) -> dict[str, Any]:
    return {
        "feature": feature.name,
        "table": feature.table,
        "table_version": None,
        "state": state,
        "event_at": one.event_at and timestamp(one.event_at),
        "created_at": None,
        "age_seconds": one.event_at and (at - one.event_at).total_seconds(),
        "ttl_seconds": feature.ttl_seconds,
    }


def _problem(feature: Feature, check: Check, state: State, value: Any) -> FieldProblem | None:
    """What is wrong with a value of a store that nobody here checked when it was written."""
    match state:
        case "later":
            detail = f"What {feature.table} holds dates from a later moment than this one."
        case "stale":
            detail = f"What {feature.table} holds is older than its time to live."
        case "absent":
            detail = f"{feature.table} holds nothing about this person."
        case "fresh":
            return check(value)
    if state == "later" or feature.missing == "refused":
        return FieldProblem(feature.name, state, detail)
    return None
