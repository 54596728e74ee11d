"""Everything that is held about one person, as plain data: what they have a right to see (Art. 15 GDPR).

What the service does not know is said as such, with who knows it instead.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User

from audit import vault
from audit.canonical import timestamp
from audit.disclosures import disclosing
from audit.errors import AlreadyErased
from audit.holdings import facts_about
from audit.models import Entry, ErasureCase, EvidenceExport, SubjectSecret
from audit.purposes import DECISION, PURPOSES
from audit.weighing import Kept
from governance.models import AccessRequest
from governance.queries.accounts import roles_of
from monitoring.queries.protected_values import attributes_about
from registry.contract import FeatureContract
from registry.feature_tables import rows_about
from serving.events import Event as ServingEvent
from serving.lookups import table_of
from serving.models import Decision

SCHEMA = "credence-access/1"
UNKNOWN = {
    "legal_bases_and_consents": "Not recorded in this service. The bank states them in its privacy notice and in its letter.",
    "transfers": "This service sends nothing to third countries. What the bank itself transfers, its letter says.",
    "notices": "Notices that this service composed, and when they were sent, are among the other records. What the bank sent besides, its letter says.",
    "overrides_and_human_reviews": "Those made in this service are among the other records. Reviews that the bank made outside of it, its letter says.",
    "counterfactuals": "Those that were computed stand in the letters of explanation that the bank sent; such a letter can be asked for.",
    "inferred_attributes": "This service infers no attribute about you, such as ethnicity from a name.",
}
PROFILING = (
    "Each decision rests on a statistical model that estimates the probability that a credit is not repaid (profiling, "
    "Art. 4(4) GDPR). The estimate is compared with a cut-off, after fixed rules that may decide before it; near the "
    "cut-off a person decides. The margin is the estimate on the model's own scale (the logarithm of the odds of not "
    "repaying or, for models that average trees, its probability). Each contribution says by how much a datum moved the "
    "margin away from that of comparable applicants "
    "who were approved: above zero towards a refusal, below zero towards an approval. You may ask for a person to "
    "review a decision, state your view, and contest it (Art. 22(3) GDPR)."
)
REDACTIONS = (
    {
        "what": "Names of the bank's staff and of its suppliers' staff",
        "instead": "their roles",
        "reason": "Rights of others, Art. 15(4) GDPR",
    },
    {
        "what": "The data of the comparable applicants against whom contributions are measured",
        "instead": "the name of the comparison group (baseline_id) and the result of the comparison",
        "reason": "They are other people's personal data, Art. 15(4) GDPR",
    },
    {
        "what": "The model's formula and parameters",
        "instead": "the contribution of each of your data to the result, the cut-off and the reasons",
        "reason": "Trade secrets, Art. 15(4) and recital 63 GDPR; authority or court weigh them if you ask",
    },
)


def gathered(request: AccessRequest, *, reader: User, made_at: datetime) -> dict[str, Any]:
    """Everything about the person of a request. Raises NotPermitted, KeyMissing or PayloadUnreadable."""
    subject_id = request.subject_id
    about = {
        "schema": SCHEMA,
        "request": {
            "id": str(request.pk),
            "correspondence": request.correspondence,
            "received_on": str(request.received_on),
            "made_at": timestamp(made_at),
        },
        "identity": {
            "identifier_here": str(subject_id) if subject_id else None,
            "identity_check": request.identity_check,
            "names": "No name, address or reference of yours is kept in this service: only the identifier above.",
        },
    }
    return about | {
        "decisions": [*_decisions(subject_id)],
        "monitoring_attributes": _attributes(subject_id, reader),
        "feature_values": [*_feature_values(subject_id)],
        "other_records": [*_other_records(subject_id)],
        "earlier_requests": [*_earlier(request)],
        "recipients": _recipients(subject_id),
        "retention": _retention(subject_id),
        "profiling": PROFILING,
        "not_known_here": UNKNOWN,
        "redactions": [dict(redaction) for redaction in REDACTIONS],
    }


def _decisions(subject_id: UUID | None) -> Iterator[dict[str, Any]]:
    if subject_id is None:
        return
    decisions = Decision.objects.filter(subject_id=subject_id).order_by("pk")
    for decision in decisions.select_related("version__model", "client", "entry"):
        public = {
            "decision_id": str(decision.pk),
            "application_id": str(decision.application_id),
            "decided_at": timestamp(decision.decided_at),
            "model": decision.version.model.title,
            "model_name": decision.model_name,
            "version": decision.version.number,
            "policy_version": decision.policy_version,
            "decision_path": decision.decision_path,
            "baseline_id": decision.baseline_id,
            "entry_id": str(decision.entry_id),
        }
        try:
            yield public | _private(decision)
        except AlreadyErased:
            yield public | {
                "erased": "What this decision rested on was erased, and nobody can read it."
            }


def _private(decision: Decision) -> dict[str, Any]:
    payload = vault.open_private(decision.entry)
    source = f"sent by the lending system {decision.client.get_username()!r} with the application"
    contributions = payload["attributions"]
    looked_up = {one["feature"]: one for one in payload.get("lookups", {}).get("features", ())}
    return {
        "outcome": payload["outcome"],
        "data_used": [
            {
                "feature": name,
                "value": value,
                "contribution": contributions.get(name),
                "source": _table_source(looked_up[name]) if name in looked_up else source,
                "as_of": looked_up.get(name, {}).get("event_at") or payload["received_at"],
            }
            for name, value in payload["features"].items()
        ],
        "score": {
            "probability_of_default": payload["pd"],
            "margin": payload["margin"],
            "base_value": payload["base_value"],
            "cut_off": payload["cut_off"],
        },
        "reasons": payload["reasons"],
    }


def _table_source(lookup: dict[str, Any]) -> str:
    return f"looked up in the feature table {table_of(lookup)}"


def _feature_values(subject_id: UUID | None) -> Iterator[dict[str, Any]]:
    """What feature tables hold about the person, whether or not it was ever used."""
    if subject_id is None:
        return
    for row in rows_about(subject_id):
        contract = FeatureContract.from_json(row.table.features)
        yield {
            "table": str(row.table),
            "source": row.table.source,
            "holds_from": timestamp(row.event_at),
            "known_since": timestamp(row.created_at),
            "values": contract.unpack(np.frombuffer(row.packed)),
        }


def _attributes(subject_id: UUID | None, reader: User) -> list[dict[str, Any]]:
    if subject_id is None:
        return []
    return [
        {"supplied_at": timestamp(row.supplied_at), "values": row.values}
        for row in attributes_about(subject_id, reader=reader)
    ]


def _other_records(subject_id: UUID | None) -> Iterator[dict[str, Any]]:
    """What else the log holds under the person's keys, such as how the credit turned out."""
    for entry in Entry.objects.filter(key_id__in=_keys(subject_id)).order_by("pk"):
        if entry.event != ServingEvent.DECISION_MADE:
            yield {
                "event": entry.event,
                "recorded_at": timestamp(entry.occurred_at),
                "about": entry.subject_id,
                "content": vault.open_private(entry),
            }


def _earlier(request: AccessRequest) -> Iterator[dict[str, Any]]:
    if request.subject_id is None:
        return
    for asked in AccessRequest.objects.filter(subject_id=request.subject_id).exclude(pk=request.pk):
        yield {"kind": "access", "received_on": str(asked.received_on), "state": asked.state}
    for case in ErasureCase.objects.filter(subject=request.subject_id):
        yield {
            "kind": "erasure",
            "received_on": str(case.received_on),
            "state": case.state,
            "outcome": case.outcome,
            "is_restricted": case.is_restricted,
        }


def _recipients(subject_id: UUID | None) -> list[dict[str, Any]]:
    if subject_id is None:
        return []
    decisions = Decision.objects.filter(subject_id=subject_id).order_by()
    answered: list[dict[str, Any]] = [
        {
            "who": f"the lending system {name!r}",
            "what": "each decision with its explanation",
            "when": None,
        }
        for name in sorted(set(decisions.values_list("client__username", flat=True)))
    ]
    return answered + [
        {
            "who": f"{_role(export)}, in an evidence bundle for supervision or audit",
            "what": "decisions with the data they rested on",
            "when": timestamp(export.requested_at),
        }
        for export in disclosing(_keys(subject_id))
    ]


def _role(export: EvidenceExport) -> str:
    user = User.objects.filter(username=export.requested_by).first()
    return " and ".join(roles_of(user)) if user and roles_of(user) else "a process of the bank"


def _retention(subject_id: UUID | None) -> list[dict[str, Any]]:
    if subject_id is None:
        return []
    [facts] = facts_about([subject_id])
    return [_kept(kept) for kept in facts.kept if not kept.is_empty]


def _kept(kept: Kept) -> dict[str, Any]:
    on_request = "Until you ask for its erasure, and no longer than the decisions it belongs to."
    until = f"Until {kept.ends_on}." if kept.ends_on else "Until its period has begun and ended."
    return {
        "purpose": kept.purpose.name,
        "about": PURPOSES[kept.purpose.name].about,
        "record_classes": sorted({holding.record_class for holding in kept.holdings}),
        "records": sum(holding.records for holding in kept.holdings),
        "kept": until if kept.purpose.retained else on_request,
    }


def _keys(subject_id: UUID | None) -> list[UUID]:
    if subject_id is None:
        return []
    secrets = SubjectSecret.objects.filter(subject=subject_id, purpose=DECISION.name)
    return list(secrets.values_list("pk", flat=True))
