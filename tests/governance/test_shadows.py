"""A version in the shadow scores what others decided, after the answer, once each, and decides nothing."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions.subjects import erase_subject
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from audit.store import content_store
from governance.actions.changes import approve_change
from governance.actions.requests import request_rollout
from governance.models import Incident
from governance.sweeps import open_incidents
from registry.actions.clearances import grant_clearance, revoke_clearance
from registry.models import Clearance
from registry.queries import live_clearance
from serving import scoring
from serving.actions import shadows
from serving.actions.deployments import end_deployment
from serving.actions.shadows import score_shadow
from serving.errors import DeploymentEnded, NothingToScore, VersionNotCleared
from serving.models import (
    Decision,
    Deployment,
    GuardRailBreach,
    ShadowPass,
    ShadowScore,
)
from serving.scoring import score_rows
from serving.tasks import forget_erased, score_shadows
from tests.governance.builders import a_champion, a_staged_version, assert_refused, last_entry, said
from tests.governance.test_api import post
from tests.governance.test_rollouts import rolled_out
from tests.serving.builders import BAD, GOOD, an_application, guard_rails


@pytest.fixture
def now(developer, validator, approver):
    guard_rails()
    return a_champion(developer, validator, approver)


@pytest.fixture
def candidate(now, developer, validator):
    return a_staged_version(developer, validator, model=now.model)


@pytest.fixture
def shadow(candidate, developer, approver):
    return rolled_out(candidate, developer, approver, 100, "shadow")


def decided(lending, model, n=6):
    kinds = (GOOD, BAD, {})
    return [
        post(lending, f"models/{model.name}/decisions", **an_application(**kinds[i % 3])).json()
        for i in range(n)
    ]


def test_it_scores_after_the_answer_and_nobody_is_told(now, candidate, shadow, lending):
    answers = decided(lending, now.model)
    assert not ShadowScore.objects.exists()

    score_shadows()

    assert {answer["role"] for answer in answers} == {"champion"}
    assert {answer["version"] for answer in answers} == {now.number}
    assert all("shadow" not in str(answer) for answer in answers)
    scores = {
        str(score.decision_id): score
        for score in ShadowScore.objects.select_related("decision__observation")
    }
    assert set(scores) == {answer["decision_id"] for answer in answers}
    packed = np.stack([np.frombuffer(s.decision.observation.packed) for s in scores.values()])
    alone = score_rows(candidate, packed)
    assert [s.pd for s in scores.values()] == pytest.approx(alone.pd.tolist())
    assert [s.margin for s in scores.values()] == pytest.approx(alone.margin.tolist())
    assert {bool(s.reason_groups) for s in scores.values() if s.outcome != "approved"} == {True}


def test_a_shadow_of_everything_takes_no_share(
    now, shadow, developer, validator, approver, lending
):
    other = a_staged_version(developer, validator, model=now.model)
    rolled_out(other, developer, approver, 50)

    decided(lending, now.model, 12)

    assert set(Decision.objects.values_list("role", flat=True)) <= {"champion", "canary"}
    assert not Decision.objects.filter(version=shadow.version).exists()


def test_it_is_cleared_to_score_in_the_shadow_alone(candidate, shadow):
    assert shadow.clearance.purpose == "score_shadow"
    assert live_clearance(candidate, "score_live", timezone.now()) is None


def test_a_pass_makes_one_entry_that_names_no_score(now, shadow, lending):
    decided(lending, now.model)

    score_shadows()

    [made] = ShadowPass.objects.all()
    entry = Entry.objects.get(event="serving.shadow.scored")
    assert made.entry == entry
    assert (made.scored, made.refused) == (6, 0)
    assert set(said(entry)) == {
        "deployment", "artefact_sha256", "scored", "refused", "first", "last", "decisions_sha256",
    }  # fmt: skip


def test_each_application_is_scored_once_however_often_it_is_looked_for(
    now, shadow, lending, monkeypatch
):
    monkeypatch.setattr(shadows, "MOST_AT_ONCE", 4)
    decided(lending, now.model, 6)

    score_shadows()
    score_shadows()
    decided(lending, now.model, 2)
    score_shadows()

    assert ShadowScore.objects.count() == Decision.objects.count() == 8
    assert [each.scored for each in ShadowPass.objects.order_by("pk")] == [4, 2, 2]
    with pytest.raises(NothingToScore):
        score_shadow(shadow.pk, by=service_account("monitor"))
    assert_refused("serving.shadow.scored", "nothing-to-score")


def test_a_pass_that_dies_in_the_middle_loses_nothing(now, shadow, lending, monkeypatch):
    decided(lending, now.model, 5)

    class Killed(BaseException):
        pass

    def dies(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(shadows, "_score", dies)
        with pytest.raises(Killed):
            score_shadows()
    assert not ShadowPass.objects.exists()
    assert not Entry.objects.filter(event="serving.shadow.scored").exists()

    score_shadows()

    assert ShadowScore.objects.count() == 5


def test_a_decision_that_commits_late_is_still_found(now, shadow, lending, clock):
    begun = timezone.now()
    clock(begun + timedelta(minutes=40))
    decided(lending, now.model, 3)
    score_shadows()
    clock(begun + timedelta(minutes=2))  # made before those, seen after them
    decided(lending, now.model, 1)
    clock(begun + timedelta(minutes=41))

    score_shadows()

    assert ShadowScore.objects.count() == 4


def test_its_share_is_a_sample_and_always_the_same_applications(
    now, candidate, developer, approver, lending
):
    rolled_out(candidate, developer, approver, 40, "shadow")
    decided(lending, now.model, 30)

    score_shadows()

    slots = set(Decision.objects.filter(shadow_scores__isnull=False).values_list("slot", flat=True))
    rest = set(Decision.objects.filter(shadow_scores=None).values_list("slot", flat=True))
    assert slots
    assert min(slots) >= 60 > max(rest)


def test_what_was_decided_before_it_began_is_not_scored(
    now, candidate, developer, approver, lending
):
    decided(lending, now.model, 3)
    rolled_out(candidate, developer, approver, 100, "shadow")

    score_shadows()

    assert not ShadowPass.objects.exists()


def test_an_ended_shadow_scores_nothing(now, shadow, lending, operator):
    decided(lending, now.model, 3)
    end_deployment(shadow.pk, "Seen enough.", by=operator)

    score_shadows()

    assert not ShadowScore.objects.exists()
    with pytest.raises(DeploymentEnded):
        score_shadow(shadow.pk, by=service_account("monitor"))


def test_only_the_monitor_lets_it_score_and_only_while_it_is_cleared(
    now, shadow, lending, operator, validator
):
    decided(lending, now.model, 3)
    with pytest.raises(NotPermitted):
        score_shadow(shadow.pk, by=operator)
    revoke_clearance(shadow.clearance, by=validator, reason="Unsound.")

    score_shadows()
    with pytest.raises(VersionNotCleared):
        score_shadow(shadow.pk, by=service_account("monitor"))

    assert not ShadowScore.objects.exists()


def test_a_shadow_that_does_not_load_ends_and_is_an_incident(now, candidate, shadow, lending):
    decided(lending, now.model, 3)
    stored = content_store().path("artefacts", candidate.artefact_id)
    aside = stored.rename(stored.with_suffix(".aside"))
    scoring.loaded.cache_clear()

    try:
        score_shadows()
    finally:
        aside.rename(stored)

    shadow.refresh_from_db()
    assert shadow.ended_at is not None
    assert GuardRailBreach.objects.get().deployment == shadow
    open_incidents()
    assert Incident.objects.get().kind == "guard_rail_breach"


def test_its_scores_go_with_the_person_and_only_then(now, shadow, lending, privacy_officer):
    decided(lending, now.model, 2)
    score_shadows()
    first, second = ShadowScore.objects.order_by("pk")
    with pytest.raises(IntegrityError), transaction.atomic():
        first.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        ShadowScore.objects.filter(pk=first.pk).update(pd=0.5)

    erase_subject(first.subject_id, by=privacy_officer, legal_basis="GDPR 17", reason="Asked for.")
    forget_erased()

    assert list(ShadowScore.objects.all()) == [second]
    assert said(last_entry())["shadow_scores"] == 1


def test_every_step_in_the_shadow_is_asked_for(candidate, developer, approver, validator):
    change = request_rollout(candidate, "shadow", 100, "Look first.", by=developer)
    assert not Deployment.objects.exists()
    with pytest.raises(IntegrityError, match="granted change request"):
        grant_clearance(
            candidate, Clearance.Purpose.SCORE_SHADOW, change.evidence_digest, [approver.pk], str(change.pk),
            by=validator,
        )  # fmt: skip

    approve_change(change.pk, "Read it.", by=approver)

    step = Deployment.objects.get()
    assert (step.role, step.share_percent) == ("shadow", 100)
    with pytest.raises(IntegrityError, match="granted change request"):
        grant_clearance(
            candidate, Clearance.Purpose.SCORE_LIVE, change.evidence_digest, [approver.pk], str(change.pk),
            by=validator,
        )  # fmt: skip


def test_a_step_up_from_the_shadow_takes_its_place(candidate, shadow, developer, approver):
    step = rolled_out(candidate, developer, approver, 10)

    shadow.refresh_from_db()
    assert shadow.ended_at is not None
    assert step.clearance.purpose == "score_live"
