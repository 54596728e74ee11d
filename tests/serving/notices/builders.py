"""Notice policies and decided applications with a clock, for tests of any floor."""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.errors import Refusal
from registry.actions.policies import adopt_policy, propose_policy
from registry.models import ModelVersion, Policy
from registry.queries import policy_with
from serving.actions.decisions import decide
from serving.actions.notices import issue_notice, record_delivery
from serving.models import Decision, Notice, NoticeDelivery
from tests.registry.builders import the_builder, the_checker
from tests.serving.builders import BAD, an_application

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "notice.json"


def the_example() -> dict[str, Any]:
    """The example of the documentation, which is also the demo's."""
    example: dict[str, Any] = json.loads(EXAMPLE.read_text())
    return example


def a_notice_policy(
    name: str = "default", *, without: Collection[str] = (), **changes: Any
) -> Policy:
    """The example, with changes of what it says of adverse action and without some of its parts, in force."""
    example = the_example()
    body = {part: said for part, said in example["body"].items() if part not in without}
    policy = propose_policy(
        "notice",
        name,
        {**body, "adverse_action": {**body["adverse_action"], **changes}},
        by=the_builder(),
        rationale=example["rationale"],
        jurisdiction=example["jurisdiction"],
        legal_basis=example["legal_basis"],
    )
    adopt_policy(policy, by=the_checker(), rationale="Read and agreed.")
    return policy_with(policy.pk)


def decided_days_ago(
    version: ModelVersion,
    days: float,
    by: User,
    *,
    features: dict[str, Any] | None = None,
    application_ref: str | None = None,
    received_only: bool = False,
) -> Decision:
    """An application that was complete so many days ago and is decided now: declined, unless its features say otherwise."""
    moment = (timezone.now() - timedelta(days=days)).isoformat()
    times = (
        {"received_at": moment}
        if received_only
        else {"received_at": moment, "completed_at": moment}
    )
    document = an_application(application_ref, **(BAD if features is None else features))
    decision = decide(version.model.name, {**document, **times}, by=by)
    assert not isinstance(decision, Refusal), decision
    return decision


def sent(decision: Decision, by: User, at: datetime | None = None) -> NoticeDelivery:
    """The notice of the decision, issued where it was not yet, and sent."""
    if not Notice.objects.filter(decision=decision).exists():
        issue_notice(decision.pk, by=by)
    moment = (at or timezone.now()).isoformat()
    return record_delivery(decision.pk, {"channel": "mail", "sent_at": moment}, by=by)
