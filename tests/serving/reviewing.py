"""Decisions, resolutions and reviews for tests, made by the acts themselves."""

from typing import Any

from django.contrib.auth.models import User

from registry.models import ModelVersion, Policy
from serving.actions.resolutions import PersonsWord, resolve_decision
from serving.actions.reviews import (
    acknowledge_review,
    assign_review,
    open_review,
    open_review_evidence,
)
from serving.models import Decision, Resolution, Review
from tests.registry.builders import a_policy
from tests.serving.builders import BAD, GOOD, a_decision

GREY = {"dti": 58.0}
"""Between the grey band's ends: the decision is left to a person."""
WHY = "Looked at the payslips and the account."
GROUNDS = "The late payments are my brother's, who has the same name."


def an_approval(version: ModelVersion, **options: Any) -> Decision:
    return a_decision(version, **GOOD, **options)


def a_decline(version: ModelVersion, **options: Any) -> Decision:
    return a_decision(version, **BAD, **options)


def a_referral(version: ModelVersion, **options: Any) -> Decision:
    return a_decision(version, **GREY, **options)


def own(*statements: str) -> list[dict[str, str]]:
    return [{"statement": statement} for statement in statements]


def approved(code: str = "") -> PersonsWord:
    return PersonsWord("approved", WHY, code)


def declined(code: str = "", *statements: str) -> PersonsWord:
    return PersonsWord("declined", WHY, code, own(*(statements or ("Income not shown",))))


def overridden(decision: Decision, by: User) -> Resolution:
    """Turned round by a person, without a review."""
    word = approved("low_side") if decision.outcome == "declined" else declined("high_side")
    return resolve_decision(decision.pk, word, by=by)


def a_review(decision: Decision, by: User, **options: Any) -> Review:
    return open_review(decision.pk, GROUNDS, by=by, **options)


def an_assigned_review(decision: Decision, by: User, reviewer: User, **options: Any) -> Review:
    review = a_review(decision, by, **options)
    acknowledge_review(review.pk, by=by)
    return assign_review(review.pk, reviewer, by=by)


def a_read_review(decision: Decision, by: User, reviewer: User, **options: Any) -> Review:
    """Assigned, and its evidence opened by the reviewer."""
    review = an_assigned_review(decision, by, reviewer, **options)
    open_review_evidence(review.pk, by=reviewer)
    review.refresh_from_db()
    return review


def a_serving_policy(**parts: Any) -> Policy:
    body = {
        "overrides": {"watch": 0.05, "breach": 0.1},
        "reviews": {"months": 1, "alert_days_before": 7},
    }
    return a_policy("serving", body | parts, name="default")
