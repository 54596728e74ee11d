"""The rows and the entry of one decision, inside the deciding act that inserts them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit.action import record
from audit.ids import uuid7
from audit.keys import EntryKey
from audit.vault import Private, Secret
from serving.judged import JudgedApplication
from serving.models import Decision, Observation
from serving.receipts import signed_receipt
from serving.routing import slot
from serving.scoring import LiveVersion


@dataclass(frozen=True, slots=True)
class Recorder:
    """What an act records all its decisions with: who decided, for whom, and what signs entries and receipts."""

    live: LiveVersion
    by: User
    producer: EntryKey

    def recorded(
        self, row: JudgedApplication, person: Secret, application_id: UUID
    ) -> tuple[Decision, Observation]:
        """The rows of one decision, not yet inserted, with its entry."""
        reasoning = row.judgement.reasoning
        decision = _decision(self, row, person, application_id, reasoning)
        return decision, _observation(self.live, row, decision, reasoning)


def _decision(
    recorder: Recorder,
    row: JudgedApplication,
    person: Secret,
    application_id: UUID,
    reasoning: dict[str, Any],
) -> Decision:
    live, producer = recorder.live, recorder.producer
    version, application, judgement = live.loaded.version, row.application, row.judgement
    completed = application.completed_at is not None
    restricted: dict[str, Any] = {"restricted_by": live.referring} if live.referring else {}
    decision = Decision(
        id=uuid7(),
        model_name=version.model.name,
        version=version,
        artefact_sha256=version.artefact_id,
        clearance_id=live.clearance_id,
        role=live.role,
        slot=slot(version.model.name, application.application_ref),
        outcome=judgement.ruling.outcome,
        decision_path=judgement.ruling.path,
        baseline_id=version.baseline_id,
        policy_version=version.decision_policy.version,
        client=recorder.by,
        subject_id=person.subject_id,
        application_id=application_id,
        received_at=application.received_at,
        completed_at=application.completed_at,
        clock_basis=Decision.ClockBasis.COMPLETED_AT
        if completed
        else Decision.ClockBasis.RECEIVED_AT,
    )
    decision.entry = record(
        subject=decision,
        private=Private(
            person.subject_id,
            _private_part(live, row, application_id) | reasoning,
            secret=person,
        ),
        signed_by=producer,
        model=decision.model_name,
        version=version.number,
        artefact_sha256=decision.artefact_sha256,
        contract_sha256=version.contract_sha256,
        baseline_id=decision.baseline_id,
        clearance=live.clearance_id,
        role=decision.role,
        slot=decision.slot,
        decision_path=decision.decision_path,
        decision_policy=version.decision_policy.sha256,
        policy_version=decision.policy_version,
        reason_library=version.reason_library.sha256,
        method=live.loaded.judge.scorer.method,
        clock_basis=decision.clock_basis,
        **restricted,
    )
    decision.decided_at = decision.entry.occurred_at
    decision.key_id, decision.signature = signed_receipt(
        decision.entry, decision.decided_at, producer
    )
    return decision


def _private_part(
    live: LiveVersion, row: JudgedApplication, application_id: UUID
) -> dict[str, Any]:
    judge, judgement, application = live.loaded.judge, row.judgement, row.application
    lookups = {} if row.lookups is None else {"lookups": row.lookups}
    return {
        "application_id": application_id,
        "received_at": application.received_at,
        "completed_at": application.completed_at,
        "outcome": judgement.ruling.outcome,
        "pd": judgement.pd,
        "margin": judgement.margin,
        "cut_off": judge.policy.cut_off,
        "base_value": judgement.base_value,
        "features": judge.contract.unpack(judgement.packed),
        "attributions": dict(
            zip(judge.contract.names, judgement.attributions.tolist(), strict=True)
        ),
        **lookups,
    }


def _observation(
    live: LiveVersion, row: JudgedApplication, decision: Decision, reasoning: dict[str, Any]
) -> Observation:
    judgement = row.judgement
    observation = Observation(
        decision_id=decision.pk,
        subject_id=decision.subject_id,
        packed=judgement.packed.tobytes(),
        attributions=judgement.attributions.tobytes(),
        method=live.loaded.judge.scorer.method,
        base_value=judgement.base_value,
        margin=judgement.margin,
        pd=judgement.pd,
        cut_off=live.loaded.judge.policy.cut_off,
        additivity_gap=judgement.additivity_gap,
        lookups=row.lookups,
        **reasoning,
        judge_us=row.judge_us,
    )
    # The decision holds it and not the other way about: what holds each other is left to the garbage collector.
    Observation._meta.get_field("decision").remote_field.set_cached_value(decision, observation)
    return observation
