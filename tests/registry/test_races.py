"""Two people at one instant: numbers stay unique, and there is exactly one champion."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import connection

from audit.errors import Refusal
from audit.models import Entry
from registry import queries
from registry.actions.runs import start_run
from registry.actions.versions import promote_to_champion, register_version
from registry.models import Dataset, ModelVersion, Policy, Run, ScoringModel
from tests.registry.builders import (
    CUT_OFF,
    a_clearance,
    a_dataset,
    a_model,
    a_policy,
    a_run,
    a_version,
    the_builder,
)

R = TypeVar("R")


def at_once(*acts: Callable[[], R]) -> list[R | Refusal]:
    """What each act returned, or why it was refused, when all begin together."""
    barrier = Barrier(len(acts))

    def go(act: Callable[[], R]) -> R | Refusal:
        try:
            barrier.wait()
            return act()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(go, acts))


def test_versions_registered_at_one_instant_get_different_numbers(own_database: str) -> None:
    builder, run = the_builder(), a_run()
    decision, library = a_policy("decision"), a_policy("reason_library")

    made = at_once(
        *[lambda: register_version(run, CUT_OFF, decision, library, by=builder) for _ in range(4)]
    )

    assert sorted(version.number for version in made if isinstance(version, ModelVersion)) == [
        1, 2, 3, 4,
    ]  # fmt: skip


def test_a_run_taken_at_one_instant_is_taken_by_one_worker(own_database: str) -> None:
    builder, run = the_builder(), a_run(status="queued")

    taken = at_once(*[lambda: start_run(run.pk, by=builder) for _ in range(4)])

    assert sum(isinstance(outcome, Run) for outcome in taken) == 1


def test_promotions_at_one_instant_leave_exactly_one_champion(own_database: str) -> None:
    builder, model = the_builder(), a_model()
    a_version(model, stage="production")
    candidates = [a_version(model, stage="staging") for _ in range(3)]
    for candidate in candidates:
        a_clearance(candidate)

    outcomes = at_once(*[_promotion(candidate, builder) for candidate in candidates])

    stages = sorted(ModelVersion.objects.filter(model=model).values_list("stage", flat=True))
    assert stages == ["archived", "archived", "archived", "production"]
    assert all(isinstance(outcome, ModelVersion) for outcome in outcomes)
    assert queries.champion(model) in candidates


def _promotion(version: ModelVersion, by: User) -> Callable[[], ModelVersion]:
    return lambda: promote_to_champion(version, by=by)


def test_what_is_done_twice_at_one_instant_is_done_once_and_never_a_fault(
    own_database: str,
) -> None:
    builder = the_builder()
    acts: list[Callable[[], object]] = [
        lambda: a_policy(name="twice", adopted=False),
        lambda: a_model("twice", by=builder),
        lambda: a_dataset(name="twice", by=builder),
    ]

    outcomes = [at_once(*[act] * 5) for act in acts]

    for rows, made in zip((Policy, ScoringModel, Dataset), outcomes, strict=True):
        refused = [outcome for outcome in made if isinstance(outcome, Refusal)]
        assert {refusal.status for refusal in refused} <= {409}
        assert rows.objects.filter(name="twice").count() == 5 - len(refused) >= 1
    assert ScoringModel.objects.filter(name="twice").count() == 1
    assert Dataset.objects.filter(name="twice").count() == 1
    versions = Policy.objects.filter(name="twice").values_list("version", flat=True)
    assert sorted(versions) == list(range(1, len(versions) + 1))
    assert Entry.objects.filter(event="audit.action_refused").count() == sum(
        isinstance(outcome, Refusal) for made in outcomes for outcome in made
    )
