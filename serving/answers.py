"""The answers about a decision, made from the record: the same now and years later."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from audit.canonical import timestamp
from audit.errors import AlreadyErased, Refusal
from serving.explainers.scores import output_of
from serving.in_service import contract_of
from serving.models import Decision, Observation, Replay
from serving.receipts import Receipt, leaf_hash_text
from serving.replaying import Difference

SEES_VALUES = "serving.view_observation"


def decision_answer(decision: Decision) -> dict[str, Any]:
    """The full answer, from rows that are at hand (`select_related` observation, version, entry).

    Raises AlreadyErased when the person was erased: the explanation is gone with them.
    """
    try:
        seen = decision.observation
    except Observation.DoesNotExist:
        raise AlreadyErased(
            f"The person whom decision {decision.pk} concerns was erased."
        ) from None
    return {
        "decision_id": str(decision.pk),
        "model": decision.model_name,
        "version": decision.version.number,
        "artefact_sha256": decision.artefact_sha256,
        "role": decision.role,
        "outcome": decision.outcome,
        "decision_path": decision.decision_path,
        "pd": seen.pd,
        "margin": seen.margin,
        "cut_off": seen.cut_off,
        "policy_version": decision.policy_version,
        "explanation": _explanation(decision, seen),
        "reasons": seen.reasons,
        "key_factors": seen.key_factors,
        "clock": {
            "basis": decision.clock_basis,
            "starts_at": timestamp(decision.completed_at or decision.received_at),
        },
        "receipt": receipt_answer(decision),
        "decided_at": timestamp(decision.decided_at),
    }


def refusal_answer(refusal: Refusal) -> dict[str, Any]:
    """The error of one row of a batch: problem details without the request's own members."""
    return {
        "type": f"/problems/{refusal.type}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "errors": [
            {"field": problem.field, "type": problem.type, "detail": problem.detail}
            for problem in refusal.errors
        ],
    }


def _explanation(decision: Decision, seen: Observation) -> dict[str, Any]:
    values = contract_of(decision.version).unpack(np.frombuffer(seen.packed))
    contributions = np.frombuffer(seen.attributions).tolist()
    return {
        "method": seen.method,
        "output": output_of(seen.method),
        "baseline_id": decision.baseline_id,
        "base_value": seen.base_value,
        "attributions": [
            {"feature": name, "value": value, "contribution": contribution}
            for (name, value), contribution in zip(values.items(), contributions, strict=True)
        ],
        "additivity_gap": seen.additivity_gap,
        "lookups": seen.lookups,
        "reason_check": seen.reason_check,
    }


def receipt_answer(decision: Decision) -> dict[str, Any]:
    """The receipt, which outlives the erasure of the person."""
    return Receipt(
        entry_id=str(decision.entry_id),
        leaf_hash=leaf_hash_text(decision.entry),
        key_id=decision.key_id,
        signature=bytes(decision.signature),
    ).as_json()


def replay_answer(
    row: Replay, differences: Iterable[Difference], with_values: bool
) -> dict[str, Any]:
    """What a replay came to; what was recorded and found only for whoever may see what applicants said."""
    return {
        "decision_id": str(row.decision_id),
        "result": row.result,
        "differences": [
            {
                "field": one.field,
                "apart": one.apart,
                "recorded": one.recorded if with_values else None,
                "found": one.found if with_values else None,
            }
            for one in differences
        ],
        "reason": row.reason,
        "libraries": row.packages,
        "replayed_at": timestamp(row.replayed_at),
        "entry_id": str(row.entry_id),
    }
