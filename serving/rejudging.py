"""Judging decisions again from their record alone, whatever decides now."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import metadata
from typing import Any

import numpy as np

from audit.canonical import NotCanonical, digest_json, plain, timestamp
from audit.entries import parse
from audit.errors import AlreadyErased, NotStored
from audit.merkle import leaf_hash
from audit.models import Erasure
from audit.purposes import DECISION
from audit.store import content_store
from audit.vault import PayloadUnreadable, open_private
from registry.models import ModelVersion
from registry.provenance import packages_of
from registry.queries import contract_of_version, restrictions_on
from serving.errors import ArtefactRefused
from serving.explainers.scores import means_of
from serving.in_service import bytes_of
from serving.judging import Judgement
from serving.models import Decision, Observation
from serving.policy import left_to_a_person
from serving.replaying import Difference, differences, judged_document, restriction_differences
from serving.scoring import LoadedVersion, read_anew

SETTLING = timedelta(minutes=1)
"""At most this long before it is recorded, a decision asks what restricts its version."""
LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "llvmlite")


@dataclass(frozen=True)
class Comparison:
    """What came of judging one decision again. `impossible` says why it could not be done; `erased`, that the person was erased."""

    decision: Decision
    differences: tuple[Difference, ...] = ()
    impossible: str = ""
    erased: bool = False


class _Impossible(Exception):
    """The record cannot be judged again; the message says why."""


def rejudged(decisions: Sequence[Decision]) -> Iterator[Comparison]:
    """Each decision judged again, from artefacts that are read from the archive anew, one version and method at a time.

    Decisions come with version, observation and entry at hand; they are answered in that order.
    """
    groups: dict[tuple[int, str], list[Decision]] = {}
    for decision in decisions:
        method = decision.observation.method if hasattr(decision, "observation") else ""
        groups.setdefault((decision.version_id, method), []).append(decision)
    for (_, method), alike in groups.items():
        try:
            means = means_of(method) if method else None
            loaded = read_anew(bytes_of(alike[0].version), means)
        except (ArtefactRefused, ValueError) as refusal:
            for decision in alike:
                yield Comparison(decision, impossible=str(refusal))
            continue
        for decision in alike:
            yield _compared(decision, loaded)


def libraries() -> dict[str, str]:
    """Which libraries judge in this process."""
    found = {name: metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **found}


def trained_with(version: ModelVersion) -> dict[str, str] | None:
    """The same libraries as the version was trained with; None where its run left no word of them."""
    recorded = version.run.environment_sha256
    if not recorded:
        return None
    try:
        packages = packages_of(content_store().get("environments", recorded))
    except NotStored:
        return None
    return {name: packages[name] for name in ("python", *LIBRARIES) if name in packages}


def _compared(decision: Decision, loaded: LoadedVersion) -> Comparison:
    try:
        return Comparison(decision, tuple(_differences(decision, loaded)))
    except AlreadyErased:
        if Erasure.objects.filter(subject_id=decision.subject_id, purpose=DECISION.name).exists():
            return Comparison(decision, erased=True)
        return Comparison(decision, impossible="Its record is gone, and nobody was erased.")
    except (PayloadUnreadable, NotCanonical, _Impossible) as problem:
        return Comparison(decision, impossible=str(problem))


def _differences(decision: Decision, loaded: LoadedVersion) -> Iterator[Difference]:
    """1. Row and entry agree. 2. Observation and private part agree. 3. The archive is what the entry names. 4. Judge again.

    Raises AlreadyErased, PayloadUnreadable, NotCanonical or _Impossible.
    """
    entry = decision.entry
    said = parse(bytes(entry.body))
    public, private = said["public"], open_private(entry)
    try:
        seen = decision.observation
    except Observation.DoesNotExist:
        raise AlreadyErased(f"What decision {decision.pk} was made of is gone.") from None
    if not len(seen.packed) == len(seen.attributions) == 8 * len(loaded.judge.contract.names):
        raise _Impossible("What was kept has another length than the contract.")
    # 1
    row, sealed = _row(decision), {**public, "subject": said["subject"]["id"]}
    sealed |= {"decided_at": said["occurred_at"], "leaf_hash": leaf_hash(bytes(entry.body)).hex()}
    yield from differences("entry", {name: sealed.get(name) for name in row}, row)
    # 2
    held = plain(_held(decision, seen, loaded))
    yield from differences("private", {name: private.get(name) for name in held}, held)
    # 3
    archived = _archived(decision.version)
    yield from differences("archive", {name: public.get(name) for name in archived}, archived)
    # 4
    yield from _judged_otherwise(decision, seen, loaded, public.get("restricted_by", []))


def _judged_otherwise(
    decision: Decision, seen: Observation, loaded: LoadedVersion, restricted_by: list[int]
) -> Iterator[Difference]:
    judge = loaded.judge
    [judgement] = judge.judge([_features(seen, loaded)])
    if isinstance(judgement, Judgement) and restricted_by:
        judgement = replace(judgement, ruling=left_to_a_person(judgement.ruling))
    found = judged_document(
        judge.contract.names, judgement, judge.policy.cut_off, judge.scorer.method
    )
    recorded = _recorded(decision, seen, judge.contract.names)
    if not isinstance(judgement, Judgement):
        recorded = {"outcome": decision.outcome}
    yield from differences("judged", recorded, found)
    around = [
        {row.pk for row in restrictions_on(decision.version_id, at) if row.kind == "refer_all"}
        for at in (decision.decided_at - SETTLING, decision.decided_at)
    ]
    yield from restriction_differences(restricted_by, around[0] & around[1], around[0] | around[1])


def _features(seen: Observation, loaded: LoadedVersion) -> dict[str, Any]:
    try:
        return loaded.judge.contract.unpack(np.frombuffer(seen.packed))
    except (ValueError, IndexError, OverflowError) as problem:
        raise _Impossible("What was packed cannot be read under the contract.") from problem


def _row(decision: Decision) -> dict[str, Any]:
    """What the decision's row says in its own columns and its entry in the clear."""
    return {
        "subject": str(decision.pk),
        "decided_at": timestamp(decision.decided_at),
        "leaf_hash": bytes(decision.entry.leaf_hash).hex(),
        "model": decision.model_name,
        "version": decision.version.number,
        "artefact_sha256": decision.artefact_sha256,
        "baseline_id": decision.baseline_id,
        "clearance": decision.clearance_id,
        "role": decision.role,
        "decision_path": decision.decision_path,
        "policy_version": decision.policy_version,
        "clock_basis": decision.clock_basis,
    }


def _held(decision: Decision, seen: Observation, loaded: LoadedVersion) -> dict[str, Any]:
    """What row and observation say, and the private part of the entry too."""
    return {
        "application_id": decision.application_id,
        "received_at": decision.received_at,
        "completed_at": decision.completed_at,
        "outcome": decision.outcome,
        "pd": seen.pd,
        "margin": seen.margin,
        "cut_off": seen.cut_off,
        "base_value": seen.base_value,
        "features": _features(seen, loaded),
        "attributions": dict(
            zip(loaded.judge.contract.names, np.frombuffer(seen.attributions).tolist(), strict=True)
        ),
        **_reasoning(seen),
        "lookups": seen.lookups,
    }


def _archived(version: ModelVersion) -> dict[str, Any]:
    """What the version judges by, its digests made anew. Those of artefact and baseline were compared when they were read."""
    return {
        "artefact_sha256": version.artefact_id,
        "baseline_id": version.baseline_id,
        "contract_sha256": contract_of_version(version).sha256,
        "decision_policy": digest_json(version.decision_policy.body),
        "reason_library": digest_json(version.reason_library.body),
        "policy_version": version.decision_policy.version,
    }


def _recorded(decision: Decision, seen: Observation, names: Sequence[str]) -> dict[str, Any]:
    return {
        "packed": dict(zip(names, np.frombuffer(seen.packed).tolist(), strict=True)),
        "method": seen.method,
        "base_value": seen.base_value,
        "margin": seen.margin,
        "pd": seen.pd,
        "cut_off": seen.cut_off,
        "additivity_gap": seen.additivity_gap,
        "attributions": dict(zip(names, np.frombuffer(seen.attributions).tolist(), strict=True)),
        "outcome": decision.outcome,
        "decision_path": decision.decision_path,
        **_reasoning(seen),
    }


def _reasoning(seen: Observation) -> dict[str, Any]:
    return {
        "reasons": seen.reasons,
        "key_factors": seen.key_factors,
        "reason_check": seen.reason_check,
    }
