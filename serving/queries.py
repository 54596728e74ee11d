"""Named reads: decisions, and what they were made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from django.db.models import CharField, Exists, OuterRef, QuerySet
from numpy.typing import NDArray

from audit.cases import restricted_people
from audit.errors import AlreadyErased
from audit.models import Erasure
from audit.purposes import DECISION
from audit.statements import CompiledQuery, Parameter
from registry.models import ModelVersion
from serving.errors import IdempotencyKeyReused, NoSuchDecision, NoSuchLetter
from serving.models import (
    ClientMinute,
    Decision,
    Deployment,
    ExplanationLetter,
    IdempotencyRecord,
    Observation,
    Outcome,
    ShadowScore,
)
from serving.policy import DecisionPath

IDS_PER_QUERY = 500


def decision_with(decision_id: UUID) -> Decision:
    """One decision with its observation, version and entry. Raises NoSuchDecision."""
    decisions = Decision.objects.select_related("version", "observation", "entry")
    decision = decisions.filter(pk=decision_id).first()
    if decision is None:
        raise NoSuchDecision(f"There is no decision {decision_id}.")
    return decision


def decisions_by_id(decision_ids: Sequence[UUID]) -> dict[UUID, Decision]:
    """Decisions with observation, version and entry; those that do not exist are left out."""
    found: dict[UUID, Decision] = {}
    for some in _batched(decision_ids):
        rows = Decision.objects.select_related("version", "observation", "entry")
        found |= rows.in_bulk(some)
    return found


def decided_on(decision_ids: Sequence[UUID]) -> dict[UUID, date]:
    """The day, in UTC, of each decision that exists and whose person was not erased."""
    days: dict[UUID, date] = {}
    for some in _batched(decision_ids):
        rows = Decision.objects.filter(pk__in=some, observation__isnull=False)
        days |= {pk: moment.date() for pk, moment in rows.values_list("pk", "decided_at")}
    return days


def erased_observations() -> QuerySet[Observation]:
    """Observations whose person was erased and that are still there."""
    erasures = Erasure.objects.filter(subject=OuterRef("subject_id"), purpose=DECISION.name)
    return Observation.objects.filter(Exists(erasures))


def erased_letters() -> QuerySet[ExplanationLetter]:
    """Letters whose person was erased and that are still there; nobody can read them."""
    erasures = Erasure.objects.filter(subject=OuterRef("subject_id"), purpose=DECISION.name)
    return ExplanationLetter.objects.filter(Exists(erasures))


def letters_about(decision: Decision) -> QuerySet[ExplanationLetter]:
    """The letters that explained a decision, the newest first, without what they say."""
    return ExplanationLetter.objects.filter(decision=decision).defer("sealed")


def newest_letter(decision: Decision, language: str | None) -> ExplanationLetter:
    """In that language, or in any. Raises NoSuchLetter, or AlreadyErased where it went with the person."""
    letters = ExplanationLetter.objects.filter(decision=decision)
    letter = (letters.filter(language=language) if language else letters).first()
    if letter is None and not Observation.objects.filter(pk=decision.pk).exists():
        raise AlreadyErased(f"The person whom decision {decision.pk} concerns was erased.")
    if letter is None:
        raise NoSuchLetter(
            f"No letter about decision {decision.pk} was issued in that language; POST issues one."
        )
    return letter


def subjects_of(decision_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whom each decision concerns."""
    subjects: dict[UUID, UUID] = {}
    for some in _batched(decision_ids):
        subjects |= dict(Decision.objects.filter(pk__in=some).values_list("pk", "subject_id"))
    return subjects


def outcome_days(decision_ids: Sequence[UUID]) -> set[tuple[UUID, date]]:
    """For which decisions an outcome is known as of which day."""
    days: set[tuple[UUID, date]] = set()
    for some in _batched(decision_ids):
        rows = Outcome.objects.filter(decision__in=some)
        days |= set(rows.values_list("decision_id", "observed_on"))
    return days


def answer_to(client: User, key: str, body_sha256: str) -> IdempotencyRecord | None:
    """What a client's key was answered with. Raises IdempotencyKeyReused for another body."""
    if not _USED_KEY.rows(client=client.pk, key=key):  # nearly always
        return None
    known = (
        IdempotencyRecord.objects.filter(client=client, key=key)
        .select_related("decision__version", "decision__observation", "decision__entry")
        .first()
    )
    if known is not None and known.body_sha256 != body_sha256:
        raise IdempotencyKeyReused("This Idempotency-Key came before with another body.")
    return known


def deployments_of(model_name: str) -> QuerySet[Deployment]:
    """Newest first."""
    return Deployment.objects.filter(model__name=model_name).select_related("version__model")


_USED_KEY = CompiledQuery(
    lambda: IdempotencyRecord.objects.filter(
        client=Parameter("client", User._meta.pk), key=Parameter("key", CharField())
    ).values_list("pk")
)


def request_counts_before(minute: int) -> QuerySet[ClientMinute]:
    """What limited clients asked for before that minute, since 1970, and is not on record yet."""
    return ClientMinute.objects.filter(minute__lt=minute).order_by("pk")


@dataclass(frozen=True)
class DecisionWindow:
    """n decisions of one model as columns, oldest first; erased and restricted persons are not among them.

    packed: (n, k) under the contract of `version_numbers`' versions, which share one; margin in
    log-odds, pd 0 to 1; bad: 1, 0 or NaN where not known; matured: whether that is final.
    """

    decision_ids: NDArray[np.object_]
    subject_ids: NDArray[np.object_]
    version_numbers: NDArray[np.int64]
    decided_at: NDArray[np.object_]
    outcomes: NDArray[np.object_]
    paths: NDArray[np.object_]
    packed: NDArray[np.float64]
    margin: NDArray[np.float64]
    pd: NDArray[np.float64]
    bad: NDArray[np.float64]
    matured: NDArray[np.bool_]
    reasons: list[list[str]]


def decisions_window(
    model_name: str,
    start: datetime,
    end: datetime,
    version: ModelVersion | None = None,
    most: int | None = None,
) -> DecisionWindow:
    """Decisions from `start` (inclusive) to `end` (exclusive), by their latest known outcome; the newest `most` of them.

    Where versions with several contracts decided in the window, those of the latest are returned:
    features of different contracts do not share columns.
    """
    decisions = Decision.objects.filter(
        ~Exists(restricted_people(OuterRef("subject_id"))),
        model_name=model_name,
        decided_at__gte=start,
        decided_at__lt=end,
    )
    if version is not None:
        decisions = decisions.filter(version=version)
    newest = decisions.order_by("-decided_at", "-pk").values_list("version__contract_sha256")
    rows = list(
        decisions.filter(observation__isnull=False, version__contract_sha256__in=newest[:1])
        .order_by("-decided_at", "-pk")
        .values_list(
            "pk",
            "subject_id",
            "version__number",
            "decided_at",
            "outcome",
            "decision_path",
            "observation__packed",
            "observation__margin",
            "observation__pd",
            "observation__reasons",
        )[:most]
    )
    rows.reverse()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 10
    begin = columns[3][0] if rows else start
    bad, matured = _known_outcomes(columns[0], model_name, begin, end)
    return DecisionWindow(
        decision_ids=np.array(columns[0], dtype=object),
        subject_ids=np.array(columns[1], dtype=object),
        version_numbers=np.array(columns[2], dtype=np.int64),
        decided_at=np.array(columns[3], dtype=object),
        outcomes=np.array(columns[4], dtype=object),
        paths=np.array(columns[5], dtype=object),
        packed=_unpacked(columns[6]),
        margin=np.array(columns[7], dtype=np.float64),
        pd=np.array(columns[8], dtype=np.float64),
        bad=bad,
        matured=matured,
        reasons=[[reason["reason_group"] for reason in reasons] for reasons in columns[9]],
    )


@dataclass(frozen=True)
class ShadowWindow:
    """n applications as a version in the shadow would have decided them, oldest first: whose they are, pd 0 to 1, outcomes.

    Restricted persons are not among them, nor erased ones, whose scores are deleted, nor applications that it would have refused.
    """

    subject_ids: NDArray[np.object_]
    pd: NDArray[np.float64]
    outcomes: NDArray[np.object_]


def shadow_window(step: Deployment, most: int) -> ShadowWindow:
    """The newest `most` that the step scored. Those that a use restriction left to a person are left out: a shadow applies none."""
    rows = list(
        ShadowScore.objects.filter(
            ~Exists(restricted_people(OuterRef("subject_id"))), deployment=step, problem=""
        )
        .exclude(decision__decision_path=DecisionPath.RESTRICTED.value)
        .order_by(
            "-decision_id"
        )  # by time, and by the index of the constraint that scores are made once
        .values_list("subject_id", "pd", "outcome")[:most]
    )
    rows.reverse()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 3
    return ShadowWindow(
        subject_ids=np.array(columns[0], dtype=object),
        pd=np.array(columns[1], dtype=np.float64),
        outcomes=np.array(columns[2], dtype=object),
    )


def _known_outcomes(
    decision_ids: Sequence[UUID], model_name: str, start: datetime, end: datetime
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    place = {decision_id: row for row, decision_id in enumerate(decision_ids)}
    bad = np.full(len(place), np.nan)
    matured = np.zeros(len(place), dtype=bool)
    known = Outcome.objects.filter(
        decision__model_name=model_name,
        decision__decided_at__gte=start,
        decision__decided_at__lt=end,
    ).order_by("observed_on", "pk")
    for decision_id, was_bad, was_matured in known.values_list("decision_id", "bad", "matured"):
        if decision_id in place:  # later rows overwrite earlier ones
            bad[place[decision_id]] = was_bad
            matured[place[decision_id]] = was_matured
    return bad, matured


def _batched(identifiers: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """As many at a time as one statement takes on either database."""
    for start in range(0, len(identifiers), IDS_PER_QUERY):
        yield identifiers[start : start + IDS_PER_QUERY]


def _unpacked(blobs: Sequence[bytes]) -> NDArray[np.float64]:
    if not blobs:
        return np.empty((0, 0))
    return np.frombuffer(b"".join(blobs), dtype=np.float64).reshape(len(blobs), -1)
