"""A person about whom the log holds something, and requests about them."""

import uuid
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit import holdings, references
from audit.actions.erasures import decide_erasure_case, record_erasure_request
from audit.actions.holds import HoldOrder, place_hold
from audit.models import ErasureCase, LegalHold
from audit.person_requests import PersonRequest
from audit.vault import Private
from audit.weighing import weighed
from tests.audit.acts import some_entries


def a_known_person(by: User, reference: str = "customer-77") -> uuid.UUID:
    """Someone whom the bank named, with one private entry."""
    with transaction.atomic():
        subject_id = references.people_for("bank", [reference])[reference].subject_id
    some_entries(1, by=by, private=Private(subject_id, {"income": 1.0}))
    return subject_id


def a_request(**changes: Any) -> PersonRequest:
    fields: dict[str, Any] = {
        "correspondence": "DSR-2026-0042",
        "identity_check": "Called back on the number on file.",
        "received_on": timezone.now().date(),
        "client": "bank",
        "subject_ref": "customer-77",
    }
    return PersonRequest(**{**fields, **changes})


def a_case(by: User, **changes: Any) -> ErasureCase:
    return record_erasure_request(a_request(**changes), by=by)


def a_hold(by: User, **changes: Any) -> LegalHold:
    fields: dict[str, Any] = {
        "matter": "2026-117",
        "scope": "everything",
        "custodian": "Carla Counsel",
        "reason": "Suit about declined applications.",
        "review_on": timezone.now().date() + timedelta(days=180),
    }
    return place_hold(HoldOrder(**{**fields, **changes}), by=by)


def seen(case: ErasureCase, today: date | None = None) -> str:
    """What somebody who looks at the case now decides on."""
    facts = holdings.facts_about([case.subject_id])[0] if case.subject_id else holdings.nobody()
    return weighed(facts, today or timezone.now().date()).digest


def decided(case: ErasureCase, *, by: User) -> ErasureCase:
    return decide_erasure_case(case.pk, seen(case), by=by)
