"""What a decision rested on, as plain facts from the record: the JSON of an explanation, and what its letter words.

Equal records give equal facts: nothing of the clock or of who asks is in them. The counterfactuals are searched anew, by the
version that decided.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from audit.canonical import timestamp
from registry.applicable import FOR_ALL_MODELS, policy_for
from registry.contract import Feature
from registry.models import ModelVersion, Policy, ScoringModel
from registry.queries import baseline_rows
from registry.restrictions import problems_under
from serving import counterfactuals, in_service, scoring
from serving.answers import decision_answer
from serving.changeable import changes_of, fit_faults
from serving.errors import LetterPolicyMalformed, NoLetterPolicy
from serving.letters.texts import PART, LetterPolicy
from serving.lookups import table_of
from serving.models import Decision
from serving.policy import DecisionOutcome, DecisionPath

SCHEMA = "credence-explanation/1"


def letter_policy(model: ScoringModel, at: datetime) -> tuple[Policy, LetterPolicy] | None:
    """The policy whose letter applies to a model at that time. Raises LetterPolicyMalformed."""
    policy = policy_for(Policy.Kind.NOTICE, model, at)
    read = LetterPolicy.from_json(policy.body) if policy else None
    return (policy, read) if policy and read else None


def require_letter_policy(model: ScoringModel, at: datetime) -> tuple[Policy, LetterPolicy]:
    """Raises NoLetterPolicy or LetterPolicyMalformed."""
    found = letter_policy(model, at)
    if found is None:
        raise NoLetterPolicy(
            f"No notice policy named {model.name} or {FOR_ALL_MODELS} with {PART} is approved and in force."
        )
    return found


def facts_of(decision: Decision, at: datetime) -> dict[str, Any]:
    """The explanation of one decision (`select_related` observation, version, entry), by the policy in force at that time.

    Raises AlreadyErased, ArtefactRefused or LetterPolicyMalformed.
    """
    answer = decision_answer(decision)
    version = decision.version
    model: ScoringModel = version.model
    found = letter_policy(model, at)
    policy = found[0] if found else None
    return {
        "schema": SCHEMA,
        "decision_id": answer["decision_id"],
        "decided_at": answer["decided_at"],
        "outcome": answer["outcome"],
        "decision_path": answer["decision_path"],
        "model": {
            "name": model.name,
            "title": model.title,
            "version": version.number,
            "purpose": model.purpose,
            "artefact_sha256": answer["artefact_sha256"],
        },
        "score": {
            "pd": answer["pd"],
            "cut_off": answer["cut_off"],
            "grey_band": version.decision_policy.body["grey_band"],
            "margin": answer["margin"],
            "base_value": answer["explanation"]["base_value"],
            "output": answer["explanation"]["output"],
            "method": answer["explanation"]["method"],
            "baseline_id": decision.baseline_id,
        },
        "data": _data(decision, answer["explanation"]),
        "reasons": answer["reasons"],
        "counterfactuals": _counterfactuals(decision, found[1].changeable if found else {}, at),
        "policy": policy and {
            "name": policy.name,
            "version": policy.version,
            "sha256": policy.sha256,
            "jurisdiction": policy.jurisdiction,
        },
    }  # fmt: skip


def _data(decision: Decision, explanation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each feature with its value, where it came from, and how it mattered, the weightiest first."""
    contract = in_service.contract_of(decision.version)
    lookups = explanation["lookups"] or {"features": ()}
    looked_up = {one["feature"]: one for one in lookups["features"]}
    total = sum(abs(one["contribution"]) for one in explanation["attributions"])
    rows = [
        {
            "feature": one["feature"],
            "description": contract.by_name[one["feature"]].description,
            "unit": contract.by_name[one["feature"]].unit,
            "value": one["value"],
            "source": _source(
                contract.by_name[one["feature"]], decision, looked_up.get(one["feature"])
            ),
            "contribution": one["contribution"],
            "direction": _direction(one["contribution"]),
            "share": abs(one["contribution"]) / total if total else 0.0,
        }
        for one in explanation["attributions"]
    ]
    return sorted(rows, key=lambda row: -row["share"])


def _source(
    feature: Feature, decision: Decision, lookup: Mapping[str, Any] | None
) -> dict[str, Any]:
    if not feature.table or lookup is None:
        received_at = timestamp(decision.received_at)
        return {
            "kind": "application",
            "by": decision.client.get_username(),
            "received_at": received_at,
        }
    return {
        "kind": "feature_table",
        "table": table_of(lookup),
        "state": lookup["state"],
        "event_at": lookup["event_at"],
        "age_seconds": lookup["age_seconds"],
    }


def _direction(contribution: float) -> str:
    if contribution == 0:
        return "none"
    return "against" if contribution > 0 else "for"


def _counterfactuals(
    decision: Decision, declared: Mapping[str, Mapping[str, Any]], at: datetime
) -> dict[str, Any]:
    """What would have changed the result: `state` says why there is nothing, where there is nothing."""
    contract = in_service.contract_of(decision.version)
    changeable = [name for name in contract.names if name in declared]
    if decision.outcome == DecisionOutcome.APPROVED:
        return {"state": "not_needed", "changeable": changeable, "found": []}
    if decision.decision_path == DecisionPath.RESTRICTED:
        return {"state": "left_to_a_person", "changeable": changeable, "found": []}
    if not changeable:
        return {"state": "nothing_changeable", "changeable": [], "found": []}
    found = counterfactuals_of(decision, declared, at)
    return {
        "state": "found" if found else "none_found",
        "changeable": changeable,
        "found": [asdict(one) for one in found],
    }


def counterfactuals_of(
    decision: Decision, declared: Mapping[str, Mapping[str, Any]], at: datetime
) -> tuple[counterfactuals.Counterfactual, ...]:
    """Asked of the version that decided, within the use restrictions on it at that time.

    Raises ArtefactRefused or LetterPolicyMalformed.
    """
    version: ModelVersion = decision.version
    judge = scoring.loaded(in_service.bytes_of(version)).judge
    if faults := fit_faults(judge.contract, declared, f"{PART}.changeable"):
        raise LetterPolicyMalformed(
            f"What the policy says can change does not fit {version}.", errors=faults
        )
    limits = in_service.use_limits_on(version.pk, at)
    population = baseline_rows(version.baseline).packed
    return counterfactuals.find(
        judge,
        np.frombuffer(decision.observation.packed),
        changes_of(judge.contract, declared, population),
        population,
        lambda features: not problems_under(limits, features),
    )
