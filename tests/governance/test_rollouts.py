"""A version decides a share of the applications only by a granted request, step by step, until one person ends it."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from audit.store import content_store
from governance.actions.changes import approve_change
from governance.actions.requests import request_rollout
from governance.actions.versions import suspend_version
from governance.deciding import decide_change
from governance.errors import (
    ChangeMalformed,
    DeveloperCannotApprove,
    EvidenceChanged,
    RequesterCannotApprove,
    ValidatorCannotApprove,
    WrongStage,
)
from governance.models import Approval, ChangeRequest
from registry.actions.restrictions import restrict_use
from registry.actions.versions import promote_to_champion
from registry.models import Clearance
from registry.queries import champion, live_clearance
from serving import scoring
from serving.actions.deployments import end_deployment
from serving.errors import NoClearedVersion, ReasonMissing
from serving.models import Decision, Deployment, LoadFailure
from serving.routing import slot
from tests.conftest import a_person
from tests.governance.builders import (
    WHY,
    a_champion,
    a_request,
    a_staged_version,
    read_and_approve,
)
from tests.governance.test_api import decide, get, post
from tests.registry.builders import a_model
from tests.serving.builders import an_application, guard_rails

STEP = "Ten of a hundred first."


@pytest.fixture(autouse=True)
def _guarded(db):
    guard_rails()


@pytest.fixture
def now(developer, validator, approver):
    return a_champion(developer, validator, approver)


@pytest.fixture
def candidate(now, developer, validator):
    return a_staged_version(developer, validator, model=now.model)


def rolled_out(version, by, approver, share=10, role="canary"):
    change = request_rollout(version, role, share, STEP, by=by)
    approve_change(change.pk, WHY, by=approver)
    return Deployment.objects.get(ended_at=None, version=version)


def reference(model, below=None, above=None):
    """An application's reference whose slot lies below, or at or above."""
    names = (f"A-{number}" for number in range(10_000))
    return next(
        name
        for name in names
        if (below is not None and slot(model.name, name) < below)
        or (above is not None and slot(model.name, name) >= above)
    )


def decided(lending, model, **where):
    body = {**an_application(), "application_ref": reference(model, **where)}
    return post(lending, f"models/{model.name}/decisions", **body).json()


def test_a_share_of_the_applications_goes_to_the_version_and_the_answer_says_so(
    now, candidate, developer, approver, validator, lending
):
    step = rolled_out(candidate, developer, approver)

    within, outside = decided(lending, now.model, below=10), decided(lending, now.model, above=10)
    again = decided(lending, now.model, below=10)

    candidate.refresh_from_db()
    assert (within["version"], within["role"]) == (candidate.number, "canary")
    assert again["version"] == candidate.number
    assert (outside["version"], outside["role"]) == (now.number, "champion")
    assert candidate.stage == "staging"
    assert champion(now.model) == now
    made = Decision.objects.get(pk=within["decision_id"])
    assert made.clearance == step.clearance
    assert parse(bytes(made.entry.body))["public"]["role"] == "canary"
    assert set(step.clearance.approver_ids) == {validator.pk, approver.pk}


def test_a_batch_is_split_and_answered_in_order(now, candidate, developer, approver, lending):
    rolled_out(candidate, developer, approver)
    where = [{"above": 10}, {"below": 10}, {"above": 50}, {"below": 5}]
    applications = [
        {**an_application(), "application_ref": reference(now.model, **each)} for each in where
    ]
    applications.insert(2, {"application_ref": applications[1]["application_ref"]})

    answer = post(
        lending, f"models/{now.model.name}/decisions/batch", applications=applications
    ).json()

    roles = [
        each["decision"]["role"] if "decision" in each else "refused" for each in answer["results"]
    ]
    assert roles == ["champion", "canary", "refused", "champion", "canary"]
    refused = Entry.objects.get(event="serving.applications.refused")
    assert "2" in str(parse(bytes(refused.body))["public"])


def test_each_step_is_a_request_and_takes_the_place_of_the_one_before(
    now, candidate, developer, approver
):
    first = rolled_out(candidate, developer, approver, 10, "challenger")
    second = rolled_out(candidate, developer, approver, 25)

    first.refresh_from_db()
    assert first.ended_at is not None
    assert second.share_percent == 25
    assert list(Clearance.objects.filter(kind="revocation").values_list("grant", flat=True)) == [
        first.clearance_id
    ]


def test_one_person_ends_it_and_the_champion_decides_all(
    now, candidate, developer, approver, operator, lending
):
    step = rolled_out(candidate, developer, approver)

    with pytest.raises(ReasonMissing):
        end_deployment(step.pk, " ", by=operator)
    with pytest.raises(NotPermitted):
        end_deployment(step.pk, "Enough.", by=developer)
    ended = post(operator, f"deployments/{step.pk}/end", reason="Approvals fell.")

    assert ended.status_code == 200
    assert decided(lending, now.model, below=10)["role"] == "champion"
    assert live_clearance(candidate, "score_live", timezone.now()) is None
    told = get(operator, f"models/{now.model.name}/deployments").json()["results"][0]
    assert (told["version"], told["ending_reason"]) == (candidate.number, "Approvals fell.")
    assert (
        post(operator, f"deployments/{step.pk}/end", reason="Again.")
        .json()["type"]
        .endswith("deployment-ended")
    )


def test_suspending_either_ends_it(now, candidate, developer, approver):
    step = rolled_out(candidate, developer, approver)
    suspend_version(candidate, "Odd reasons.", by=approver)

    step.refresh_from_db()
    assert step.ending_reason == "Odd reasons."
    assert live_clearance(candidate, "score_live", timezone.now()) is None


def test_becoming_the_champion_ends_it(now, candidate, developer, approver):
    step = rolled_out(candidate, developer, approver)
    read_and_approve(a_request(developer, candidate, "production").pk, by=approver)

    step.refresh_from_db()
    assert step.ended_at is not None
    assert champion(now.model) == candidate


def test_a_version_that_cannot_score_or_is_closed_leaves_its_share_to_the_champion(
    now, candidate, developer, approver, validator, lending
):
    rolled_out(candidate, developer, approver)
    restrict_use(candidate, "no_new_decisions", {}, "Reasons unclear.", by=validator)

    assert decided(lending, now.model, below=10)["role"] == "champion"


def test_a_damaged_version_leaves_its_share_and_a_fact(
    now, candidate, developer, approver, lending
):
    rolled_out(candidate, developer, approver)
    stored = content_store().path("artefacts", candidate.artefact_id)
    aside = stored.rename(stored.with_suffix(".aside"))
    scoring.loaded.cache_clear()
    if candidate.artefact_id == now.artefact_id:
        pytest.fail("The two versions share their bytes.")

    try:
        answer = decided(lending, now.model, below=10)
    finally:
        aside.rename(stored)

    assert answer["role"] == "champion"
    assert LoadFailure.objects.get().version == candidate


@pytest.mark.parametrize(
    ("role", "share", "fields"),
    [
        ("shadow", 101, {"share_percent"}),
        ("canary", 51, {"share_percent"}),
        ("boss", 0, {"role", "share_percent"}),
    ],
)
def test_a_step_is_a_known_role_and_at_most_half_unless_it_decides_nothing(
    role, share, fields, candidate, developer
):
    with pytest.raises(ChangeMalformed) as refused:
        request_rollout(candidate, role, share, STEP, by=developer)

    assert {each.field for each in refused.value.errors} == fields
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


def test_it_begins_in_staging_beside_a_champion(now, developer, validator):
    with pytest.raises(WrongStage):
        request_rollout(now, "canary", 10, STEP, by=developer)
    alone = a_staged_version(developer, validator)
    with pytest.raises(NoClearedVersion):
        request_rollout(alone, "canary", 10, STEP, by=developer)


def test_another_champion_voids_the_request(now, candidate, developer, validator, approver):
    change = request_rollout(candidate, "canary", 10, STEP, by=developer)
    a_champion(developer, validator, approver, model=now.model)

    with pytest.raises(EvidenceChanged):
        decide_change(change.pk, "approve", WHY, by=approver)

    change.refresh_from_db()
    assert change.state == "void"


def test_who_asked_built_or_cleared_staging_decides_nothing(
    candidate, developer, analyst, validator, approver
):
    change = request_rollout(candidate, "canary", 10, STEP, by=analyst)
    for person in (analyst, developer, validator):
        person.groups.add(*approver.groups.all())

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=analyst)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)
    with pytest.raises(ValidatorCannotApprove):
        approve_change(change.pk, WHY, by=validator)
    for person, why in ((analyst, "maker"), (developer, "maker"), (validator, "staging")):
        with pytest.raises(IntegrityError, match=why), transaction.atomic():
            Approval.objects.create(
                change_request=change, approver=person, decision="approve",
                seat="governance.decide_production", rationale=WHY, decided_at=timezone.now(), entry=change.entry,
            )  # fmt: skip


def test_tier_1_takes_a_second_validator(developer, validator, approver):
    now = a_champion(developer, validator, approver)
    model = a_model(tier=1)
    assert now.model != model
    vera = a_person("vera", "validator")
    first = a_staged_version(developer, validator, model=model)
    change = a_request(developer, first, "production")
    for person in (vera, approver):
        read_and_approve(change.pk, by=person)
    second = a_staged_version(developer, validator, model=model)

    step = request_rollout(second, "canary", 5, STEP, by=developer)
    approve_change(step.pk, WHY, by=approver)
    assert not Deployment.objects.exists()
    with pytest.raises(IntegrityError, match="two seats"), transaction.atomic():
        ChangeRequest.objects.filter(pk=step.pk).update(state="granted", decided_at=timezone.now())
    approve_change(step.pk, WHY, by=vera)

    assert Deployment.objects.get().share_percent == 5


def test_over_http_and_by_the_buttons(now, candidate, developer, approver, operator, signed_in):
    asked = post(
        developer, "change-requests",
        kind="rollout", model=now.model.name, version=candidate.number, rationale=STEP,
        terms={"role": "canary", "share_percent": 10},
    ).json()  # fmt: skip
    assert decide(approver, asked["id"]).json()["state"] == "granted"
    step = Deployment.objects.get()
    window = signed_in(operator).get(reverse("admin:serving_deployment_change", args=[step.pk]))
    signed_in(operator).post(
        reverse("serving_deployment_end", args=[step.pk]), {"reason": "Enough."}
    )
    signed_in(developer).post(
        reverse("registry_modelversion_request-rollout", args=[candidate.pk]),
        {"rationale": STEP, "role": "challenger", "share_percent": "20"},
    )

    step.refresh_from_db()
    assert "End rollout" in window.content.decode()
    assert step.ending_reason == "Enough."
    assert ChangeRequest.objects.get(state="open").terms == {
        "role": "challenger",
        "share_percent": 20,
    }


# What follows goes around the acts: the database refuses it to whoever writes.


@pytest.mark.parametrize(
    "changes", [{"share_percent": 1}, {"share_percent": 50}, {"role": "challenger"}]
)
def test_the_database_starts_only_what_was_granted(changes, now, candidate, developer, approver):
    step = rolled_out(candidate, developer, approver)
    Deployment.objects.filter(pk=step.pk).update(ended_at=timezone.now(), ending_reason="Over.")
    fields = {
        "model": now.model, "version": candidate, "role": "canary", "share_percent": 10,
        "clearance": step.clearance, "change_request_id": step.change_request_id, "started_at": timezone.now(),
    }  # fmt: skip

    with pytest.raises(IntegrityError, match="granted request"), transaction.atomic():
        Deployment.objects.create(**{**fields, **changes}, entry=candidate.entry)


@pytest.mark.parametrize(
    "changes",
    [{"share_percent": 50}, {"role": "challenger"}, {"ended_at": None, "ending_reason": ""}],
)
def test_the_database_keeps_a_step_as_it_was(changes, candidate, developer, approver, operator):
    step = rolled_out(candidate, developer, approver)
    if "ended_at" in changes:
        end_deployment(step.pk, "Over.", by=operator)

    with pytest.raises(IntegrityError), transaction.atomic():
        Deployment.objects.filter(pk=step.pk).update(**changes)


def test_a_share_is_not_the_champion_s_place(now, candidate, developer, approver):
    rolled_out(candidate, developer, approver)

    with pytest.raises(IntegrityError, match="granted request"):
        promote_to_champion(candidate, by=approver)

    assert champion(now.model) == now
