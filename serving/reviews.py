"""Named reads about reviews: what is open and until when, who may review, what became of them."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, F, Q, QuerySet

from audit import vault
from audit.months import months_after
from registry.models import Policy, ScoringModel
from serving.answers import decision_answer
from serving.errors import NoSuchReview
from serving.models import Decision, LateReview, Resolution, Review, ReviewStep
from serving.overrides import ReviewFigures
from serving.queries import decision_with
from serving.resolutions import corrections_of, resolutions_of, said_in, serving_rules

State = Review.State


def reviews() -> QuerySet[Review]:
    """All reviews, newest first."""
    rows = Review.objects.select_related("decision__version", "reviewer", "opened_by", "policy")
    return rows.prefetch_related("steps__by")


def open_reviews() -> QuerySet[Review]:
    """Those that run out of time first, first; those without a day last."""
    return reviews().filter(closed_at=None).order_by(F("due_on").asc(nulls_last=True), "pk")


def review_with(review_id: UUID) -> Review:
    """Raises NoSuchReview."""
    review = reviews().filter(pk=review_id).first()
    if review is None:
        raise NoSuchReview(f"There is no review {review_id}.")
    return review


def deadline(
    model: ScoringModel, received_on: date
) -> tuple[Policy | None, date | None, date | None]:
    """The policy that says by when a review ends, that day, and the day from which it is pressing; None without one."""
    policy, rules = serving_rules(model, "reviews")
    if not rules:
        return None, None, None
    due_on = months_after(received_on, int(rules["months"]))
    return policy, due_on, due_on - timedelta(days=rules["alert_days_before"])


def had_a_part(decision: Decision, person: User) -> bool:
    """Whether somebody asked for the decision or resolved it."""
    return (
        decision.client_id == person.pk
        or Resolution.objects.filter(decision=decision, decided_by=person).exists()
    )


def newly_late_reviews(today: date) -> QuerySet[Review]:
    """Open reviews whose day has passed, where nobody noticed it."""
    noticed = LateReview.objects.values("review")
    return open_reviews().filter(due_on__lt=today).exclude(pk__in=noticed)


def review_figures(model: ScoringModel, since: date, until: date, today: date) -> ReviewFigures:
    """The reviews received on these days, both included."""
    rows = Review.objects.filter(
        decision__model_name=model.name, received_on__gte=since, received_on__lte=until
    ).order_by()
    closed = rows.filter(closed_at__isnull=False)
    is_late = Q(closed_at=None, due_on__lt=today) | Q(closed_at__date__gt=F("due_on"))
    return ReviewFigures(
        received=rows.count(),
        results=dict(closed.values_list("state").annotate(Count("pk"))),
        open=rows.filter(closed_at=None).count(),
        late=rows.filter(is_late).count(),
    )


def said_about(review: Review) -> list[dict[str, Any]]:
    """Each step with what was said. Raises AlreadyErased.

    The edge that calls this checks that its reader may see what concerns applicants.
    """
    steps = review.steps.select_related("by", "entry")
    return [_step(step, vault.open_private(step.entry)) for step in steps]


def evidence_of(review: Review) -> dict[str, Any]:
    """What a reviewer looks at: the decision with its data, reasons and explanation, and all that was said since.

    That somebody looked is no part of it: it stays the same however often it is opened. Raises AlreadyErased.
    """
    decision = decision_with(review.decision_id)
    return {
        "decision": decision_answer(decision),
        "resolutions": [
            {
                "resolution_id": str(row.pk),
                "outcome": row.outcome,
                "decided_by": row.decided_by.get_username(),
                **said_in(row),
            }
            for row in resolutions_of(decision)
        ],
        "corrections": [
            {"decision_id": str(row.decision_id), "features": row.features, "outcome": row.decision.outcome}
            for row in corrections_of(decision)
        ],
        "steps": [step for step in said_about(review) if step["kind"] != ReviewStep.Kind.EVIDENCE_OPENED],
    }  # fmt: skip


def has_opened(review: Review, reader: User, shown_sha256: str) -> bool:
    """Whether the record says that they had exactly this evidence before their eyes."""
    return review.steps.filter(
        kind=ReviewStep.Kind.EVIDENCE_OPENED, by=reader, shown_sha256=shown_sha256
    ).exists()


def _step(step: ReviewStep, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "by": step.by.get_username(),
        "at": step.taken_at,
        "text": said.get("text", ""),
    }
