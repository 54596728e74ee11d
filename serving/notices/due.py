"""Named reads about clocks: which run, since when, until when, and what stopped them.

One clock belongs to each decision that was not approved, and one to each application that came in incomplete. How many
days there are is said by the notice policy in force now; where there is none, nothing has a due date.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from registry.applicable import FOR_ALL_MODELS, policies_for, policy_for
from registry.models import Policy, ScoringModel
from serving.errors import NoNoticePolicy
from serving.models import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    ApplicationStatus,
    Decision,
    Notice,
    NoticeCount,
    NoticeDelivery,
    Resolution,
)
from serving.notices.clock import Running, Stop
from serving.notices.texts import PART, Clock, NoticeTexts
from serving.policy import DecisionOutcome

Status = ApplicationStatus.Status
COUNTEROFFER = "counteroffer"
Rows = QuerySet[Any]
"""Rows with annotations, which the types of Django do not know."""
Days = Callable[[Clock], int | None]
Cases = Callable[[Mapping[str, NoticeTexts], Days], list[When]]


@dataclass(frozen=True)
class Counts:
    """Clocks that passed their first alert day and are not late, and clocks that ran out, at `counted_at`; None before any look."""

    due_soon: int
    late: int
    counted_at: datetime | None


def texts_of(policy: Policy) -> NoticeTexts:
    """What a notice policy says of adverse action notices. Raises NoticeTextsMalformed."""
    return NoticeTexts.from_json(policy.body[PART], policy.jurisdiction, policy.legal_basis)


def notice_policy(model: ScoringModel, at: datetime) -> Policy:
    """Raises NoNoticePolicy: without approved words nothing is said, and without days nothing is due."""
    policy = policy_for(Policy.Kind.NOTICE, model, at)
    if policy is None or PART not in policy.body:
        raise NoNoticePolicy(
            f"No notice policy named {model.name} or {FOR_ALL_MODELS} with words for adverse action is approved and in force."
        )
    return policy


def texts_in_force(at: datetime) -> dict[str, NoticeTexts]:
    """By the names of the models that have a notice policy."""
    found = policies_for(Policy.Kind.NOTICE, list(ScoringModel.objects.all()), at)
    return {name: texts_of(policy) for name, policy in found.items() if PART in policy.body}


def without_notice_policy(at: datetime) -> list[str]:
    """Models that decide applications and of whose notices nothing is due, for want of a policy."""
    decided = Decision.objects.filter(model_name=OuterRef("name"))
    deciding = ScoringModel.objects.filter(Exists(decided))
    found = policies_for(Policy.Kind.NOTICE, list(deciding), at)
    known = {name for name, policy in found.items() if PART in policy.body}
    return sorted(model.name for model in deciding if model.name not in known)


def clock_of(decision: Decision, texts: NoticeTexts) -> Running:
    """The clock of one decision, whether it runs or not, and what stopped it first."""
    ended = _ended().order_by("at", "pk")
    row: Any = (
        _with_start(Decision.objects.filter(pk=decision.pk))
        .annotate(
            told_at=Subquery(_told().order_by("sent_at").values("sent_at")[:1]),
            refused_at=Subquery(_told_with_offer().order_by("sent_at").values("sent_at")[:1]),
            ended_by=Subquery(ended.values("status")[:1]),
            ended_at=Subquery(ended.values("at")[:1]),
            approved_at=Subquery(_approved().order_by("pk").values("approved_at")[:1]),
        )
        .get()
    )
    stops = [
        (row.approved_at, Stop.APPROVED),
        (row.told_at, Stop.NOTIFIED),
        (row.refused_at, Stop.NOTIFIED),
        (row.ended_at, Stop(row.ended_by) if row.ended_by else None),
    ]
    known = [(at, stop) for at, stop in stops if at is not None]
    at, stop = min(known, key=lambda each: each[0], default=(None, None))
    return replace(running(row, texts), stopped_by=stop, stopped_at=at)


def running(row: Any, texts: NoticeTexts) -> Running:
    """The clock of a decision that `waiting_decisions` read."""
    offered = row.offered_at is not None
    basis = COUNTEROFFER if offered else row.clock_basis
    clock = texts.clocks[COUNTEROFFER if offered else "notice"]
    return Running(basis, row.starts_at, clock)


def running_incomplete(row: Any, texts: NoticeTexts) -> Running:
    """The clock of an incomplete application that `waiting_applications` read."""
    return Running("incomplete", row.starts_at, texts.clocks["incomplete"])


def waiting_decisions(texts: Mapping[str, NoticeTexts], now: datetime) -> Rows:
    """Decisions whose applicant is still to be told, the soonest due first, each with `due_at` and `alert_at`."""
    told = (_told(), _told_with_offer(), _ended(), _approved())
    untold = _watched(texts, now).filter(*(~Exists(rows) for rows in told))
    open_now = _with_start(untold)
    return _with_ends(open_now, texts, _of_decision).order_by("due_at", "pk")


def offer_with_reasons_of(decision: Decision) -> ApplicationNotice | None:
    """The newest counteroffer issued with the reasons of the decision, or of a later one about the same application."""
    issued = ApplicationNotice.objects.filter(
        application_id=decision.application_id, reasons_of__gte=decision.pk
    )
    return issued.first()


def with_offer_issued(decisions: Rows) -> Rows:
    """With whether a counteroffer that gives their reasons was issued, whose delivery would tell of them."""
    issued = ApplicationNotice.objects.filter(
        application_id=OuterRef("application_id"), reasons_of__gte=OuterRef("pk")
    )
    found: Rows = decisions.annotate(offer_issued=Exists(issued))
    return found


def for_a_person(decisions: Rows) -> Rows:
    """Those of them that the score left to a person and that nobody decided yet."""
    decided = Resolution.objects.filter(decision=OuterRef("pk"))
    return decisions.filter(~Exists(decided), outcome=DecisionOutcome.REFERRED)


def waiting_applications(texts: Mapping[str, NoticeTexts], now: datetime) -> Rows:
    """Reports of incomplete applications whose applicant was told neither that nor a decision, with `due_at` and `alert_at`."""
    after = ApplicationStatus.objects.filter(
        application_id=OuterRef("application_id"), at__gte=OuterRef("at")
    ).filter(status__in=[Status.INCOMPLETENESS_NOTIFIED, *ApplicationStatus.ENDING])
    decided = Decision.objects.filter(
        application_id=OuterRef("application_id"), decided_at__gte=OuterRef("at")
    )
    watched = Q(pk__in=())
    for name, each in texts.items():
        watched |= Q(model_name=name, at__gte=now - timedelta(days=each.watched_days))
    open_now = ApplicationStatus.objects.filter(watched, status=Status.INCOMPLETE).filter(
        ~Exists(after), ~Exists(decided), ~Exists(_told_what_lacks())
    )
    annotated = open_now.annotate(starts_at=F("at"))
    return _with_ends(annotated, texts, _of_application).order_by("due_at", "pk")


def newly_late_decisions(now: datetime) -> Rows:
    """Decisions whose clock ran out, and of which no fact says so."""
    return waiting_decisions(texts_in_force(now), now).filter(due_at__lt=now, late_notice=None)


def newly_late_applications(now: datetime) -> Rows:
    return waiting_applications(texts_in_force(now), now).filter(due_at__lt=now, late_notice=None)


def passed_between(
    model_name: str, texts: NoticeTexts, day: int, since: datetime, until: datetime
) -> int:
    """How many clocks of a model that still run passed that day after `since` and by `until`."""
    gone = timedelta(days=day)
    span = {"starts_at__gt": since - gone, "starts_at__lte": until - gone}
    alone = {model_name: texts}
    decisions = waiting_decisions(alone, until).filter(
        _bases_with(texts, day), **span, decided_at__gte=since - gone
    )
    count = decisions.count()
    if day in texts.clocks["incomplete"].alert_days:
        count += waiting_applications(alone, until).filter(**span).count()
    return count


def counted(now: datetime) -> dict[str, tuple[int, int]]:
    """Of each model with a notice policy: how many clocks passed their first alert day and are not late, and how many ran out.

    Reads every decision that is watched: for the scheduled look. Pages and measures read what it left (`counts`).
    """
    texts = texts_in_force(now)
    found = dict.fromkeys(texts, (0, 0))
    for rows in (waiting_decisions(texts, now), waiting_applications(texts, now)):
        by_model = (
            rows.order_by()
            .values("model_name")
            .annotate(
                soon=Count("pk", filter=Q(alert_at__lte=now, due_at__gte=now)),
                late=Count("pk", filter=Q(due_at__lt=now)),
            )
        )
        for name, soon, late in by_model.values_list("model_name", "soon", "late"):
            found[name] = found[name][0] + soon, found[name][1] + late
    return found


def counts() -> Counts:
    """What the last look at the clocks found, of all models."""
    return Counts(
        **NoticeCount.objects.aggregate(
            due_soon=Sum("due_soon", default=0),
            late=Sum("late", default=0),
            counted_at=Min("counted_at"),
        )
    )


def notice_of(decision: Decision) -> Notice | None:
    return Notice.objects.select_related("policy", "entry").filter(decision=decision).first()


def _told() -> QuerySet[NoticeDelivery]:
    """Of the outer decision: notices sent, of it or of a later one about the same application."""
    return NoticeDelivery.objects.filter(
        notice__application_id=OuterRef("application_id"), notice__decision__gte=OuterRef("pk")
    )


def _told_with_offer() -> QuerySet[ApplicationNoticeDelivery]:
    """Of the outer decision: counteroffers sent with its reasons, or those of a later one about the same application.

    Combined like this nothing is due after 90 days: 12 CFR 1002.9(a)(1)(iv) with comment 9(a)(1)-6 of the Official
    Interpretations. One without reasons leaves the clock running.
    """
    return ApplicationNoticeDelivery.objects.filter(
        notice__application_id=OuterRef("application_id"), notice__reasons_of__gte=OuterRef("pk")
    )


def _told_what_lacks() -> QuerySet[ApplicationNoticeDelivery]:
    """Of the outer status: notices of what is missing, of it or of a later one of the same application, sent in time.

    One that is sent on or after its own answer-by day leaves the applicant no time to answer: 12 CFR 1002.9(c)(2).
    """
    return ApplicationNoticeDelivery.objects.filter(
        notice__application_id=OuterRef("application_id"),
        notice__kind=ApplicationNotice.Kind.INCOMPLETENESS,
        notice__status__gte=OuterRef("pk"),
        sent_at__date__lt=F("notice__answer_by"),
    )


def _ended() -> QuerySet[ApplicationStatus]:
    return ApplicationStatus.objects.filter(
        application_id=OuterRef("application_id"), status__in=ApplicationStatus.ENDING
    )


def _approved() -> Rows:
    """The outer decision itself, or a later one about the same application, where it was approved in the end, with `approved_at`."""
    same = Decision.objects.filter(
        application_id=OuterRef("application_id"), pk__gte=OuterRef("pk")
    )
    by_person = _stands(DecisionOutcome.APPROVED)
    by_score = Q(outcome=DecisionOutcome.APPROVED) & ~Exists(_stands(DecisionOutcome.DECLINED))
    approved_at = Coalesce(Subquery(by_person.values("decided_at")[:1]), "decided_at")
    return same.filter(by_score | Exists(by_person)).annotate(approved_at=approved_at)


def _stands(outcome: DecisionOutcome) -> QuerySet[Resolution]:
    """That a person decided so about the outer decision, and nobody otherwise since."""
    return Resolution.objects.filter(decision=OuterRef("pk"), superseded_by=None, outcome=outcome)


def _with_start(decisions: QuerySet[Decision]) -> Rows:
    """With since when the clock runs: the newest counteroffer, else the completed application, else its receipt.

    A counteroffer of which the bank tells by itself counts from `at`, as it is reported. One whose notice was issued
    here counts from the first delivery of that notice, and where it gives the reasons it never does: until it is
    delivered the decision's own days run on, and then nothing is due any more.
    """
    sent = ApplicationNoticeDelivery.objects.filter(
        notice__status=OuterRef("pk"), notice__reasons_of=None
    )
    first_sent = Subquery(sent.order_by("sent_at").values("sent_at")[:1])
    offers = ApplicationStatus.objects.filter(
        application_id=OuterRef("application_id"),
        status=Status.COUNTEROFFER,
        at__gte=OuterRef("decided_at"),
    ).annotate(told_at=Case(When(notice__isnull=True, then=F("at")), default=first_sent))
    told = offers.filter(told_at__isnull=False).order_by("-told_at")
    return decisions.annotate(
        offered_at=Subquery(told.values("told_at")[:1]),
        starts_at=Coalesce("offered_at", "completed_at", "received_at"),
    )


def _watched(texts: Mapping[str, NoticeTexts], now: datetime) -> QuerySet[Decision]:
    watched = Q(pk__in=())
    for name, each in texts.items():
        begin = now - timedelta(days=each.watched_days)
        watched |= Q(model_name=name, decided_at__gte=begin)
    adverse = ~Q(outcome=DecisionOutcome.APPROVED) | Exists(_stands(DecisionOutcome.DECLINED))
    return Decision.objects.filter(watched).filter(adverse)


def _bases_with(texts: NoticeTexts, day: int) -> Q:
    """Decisions whose clock has that alert day."""
    wanted = Q(pk__in=())
    if day in texts.clocks["notice"].alert_days:
        wanted |= Q(offered_at__isnull=True)
    if day in texts.clocks[COUNTEROFFER].alert_days:
        wanted |= Q(offered_at__isnull=False)
    return wanted


def _with_ends(rows: Rows, texts: Mapping[str, NoticeTexts], cases: Cases) -> Rows:
    found: Rows = rows.annotate(
        due_at=_after(cases(texts, lambda clock: clock.days)),
        alert_at=_after(cases(texts, lambda clock: min(clock.alert_days, default=None))),
    )
    return found


def _of_decision(texts: Mapping[str, NoticeTexts], days: Days) -> list[When]:
    return [
        When(Q(model_name=name, offered_at__isnull=basis == "notice"), then=_span(days(clock)))
        for name, each in texts.items()
        for basis, clock in each.clocks.items()
        if basis != "incomplete"
    ]


def _of_application(texts: Mapping[str, NoticeTexts], days: Days) -> list[When]:
    return [
        When(model_name=name, then=_span(days(each.clocks["incomplete"])))
        for name, each in texts.items()
    ]


def _span(days: int | None) -> Value:
    return Value(None if days is None else timedelta(days=days), output_field=DurationField())


def _after(cases: list[When]) -> "ExpressionWrapper[Any]":
    span = Case(*cases, default=None, output_field=DurationField())
    return ExpressionWrapper(F("starts_at") + span, output_field=DateTimeField())
