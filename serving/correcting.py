"""An application as it was decided, with data put right, and everything that is wrong with that."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from audit.errors import AlreadyErased, FieldProblem
from registry.contract import FeatureContract
from registry.requests import feature_problems
from serving.applications import Application
from serving.errors import CorrectionMalformed
from serving.in_service import contract_of
from serving.models import Decision, Observation


def features_of(decision: Decision) -> dict[str, Any]:
    """What the decision was made of. Raises AlreadyErased."""
    try:
        packed = decision.observation.packed
    except Observation.DoesNotExist:
        raise AlreadyErased(f"The person whom {decision} concerns was erased.") from None
    return dict(contract_of(decision.version).unpack(np.frombuffer(packed)))


def corrected_application(
    original: Decision,
    corrected: Mapping[str, Any],
    contract: FeatureContract,
    barred: Collection[str],
    now: datetime,
) -> tuple[Application, dict[str, Any] | None]:
    """The application of a decision under the contract of who decides now, and how fresh what was looked up is.

    What the contract looks up keeps the value that it had, unless it is corrected. The application was complete when
    its data were right: days for the notice count from `now`. Its references are the vault's to know, and empty here.
    Raises AlreadyErased, or CorrectionMalformed with every name at fault.
    """
    before = features_of(original)
    features = {name: value for name, value in before.items() if name in contract.by_name}
    right = {**features, **corrected}
    problems = feature_problems(right, contract, barred)
    known = [name for name in corrected if name in contract.by_name]
    if not corrected:
        problems.append(FieldProblem("features", "missing", "Name what is to be put right."))
    elif not problems and all(before.get(name) == corrected[name] for name in known):
        detail = "This is the value that the decision was made with."
        problems += [FieldProblem(name, "unchanged", detail) for name in known]
    if problems:
        raise CorrectionMalformed(
            "The data cannot be put right like that; see `errors`.", errors=problems
        )
    application = Application("", "", original.received_at, now, right)
    return application, _freshness(original, corrected, contract)


def _freshness(
    original: Decision, corrected: Mapping[str, Any], contract: FeatureContract
) -> dict[str, Any] | None:
    lookups = original.observation.lookups
    if lookups is None or not contract.looked_up:
        return None
    kept = [
        one
        for one in lookups["features"]
        if one["feature"] in contract.by_name and one["feature"] not in corrected
    ]
    return {**lookups, "features": kept}
