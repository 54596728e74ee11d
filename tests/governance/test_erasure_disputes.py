"""A disputed request for erasure: nobody decides it alone, and two people settle it."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions.erasures import (
    DisputeMalformed,
    ErasureDecided,
    ErasureUndisputed,
    FactsChanged,
    decide_erasure_case,
    dispute_erasure_case,
    settle_erasure_case,
)
from audit.actions.retention import end_retention
from audit.actions.subjects import erase_subject
from audit.errors import ErasureDisputed, NotPermitted, UnderLegalHold
from audit.models import Entry, Erasure, ErasureCase, ErasureDispute
from audit.queries import service_account
from audit.weighing import ERASED_UNDER, KEPT_BY_LAW, KEPT_FOR_CLAIMS
from governance.actions.changes import approve_change, reject_change, withdraw_erasure
from governance.actions.erasures import ERASE, REFUSE, request_erasure
from governance.deciding import decide_change
from governance.errors import (
    AlreadyRequested,
    ApprovedAlready,
    ChangeMalformed,
    DeveloperCannotApprove,
    EvidenceChanged,
    RequesterCannotApprove,
)
from governance.models import ChangeRequest
from governance.queries.changes import changes_awaiting
from governance.sweeps import close_stale_changes
from tests.audit.people import a_case, a_hold, seen
from tests.conftest import a_person
from tests.governance.builders import WHY
from tests.governance.test_api import decide, get, post
from tests.monitoring.builders import a_monitored_champion, decided
from tests.monitoring.test_protected_values import person, supplied

pytestmark = pytest.mark.django_db


@pytest.fixture
def paul():
    """A second privacy officer: the first records requests."""
    return a_person("paul", "privacy officer")


@pytest.fixture
def cora():
    """A second legal counsel."""
    return a_person("cora", "legal counsel")


@pytest.fixture
def case(privacy_officer):
    """Of somebody whose decision must be kept by law, and about whom monitoring holds attributes as well."""
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person(0))
    return a_case(privacy_officer, client="", subject_ref="", subject_id=decision.subject_id)


@pytest.fixture
def disputed(case, privacy_officer):
    dispute_erasure_case(case.pk, "person", KEPT_BY_LAW, "The account never existed.", by=privacy_officer)  # fmt: skip
    return case


@pytest.fixture
def asked(disputed, privacy_officer):
    """By whoever recorded the request: to have everything erased."""
    return request_erasure(disputed.pk, ERASE, ERASED_UNDER, WHY, by=privacy_officer)


def test_a_disputed_request_is_decided_alone_by_nobody_on_any_way(disputed, paul, signed_in):
    looked = seen(disputed)

    with pytest.raises(ErasureDisputed):
        decide_erasure_case(disputed.pk, looked, by=paul)
    with pytest.raises(CommandError, match="disputed"):
        call_command("erasure", "--as", "paul", "decide", str(disputed.pk), "--yes")
    over_http = post(paul, f"erasure-cases/{disputed.pk}/decision", seen=looked)
    page = signed_in(paul).post(f"/audit/erasurecase/{disputed.pk}/decide/", {"seen": looked})

    assert over_http.json()["type"] == "/problems/erasure-disputed"
    assert page.status_code == 409
    disputed.refresh_from_db()
    assert disputed.state == "open"
    assert not Erasure.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 4


def test_two_people_have_everything_erased_over_http(case, privacy_officer, counsel, paul):
    told = post(
        counsel, f"erasure-cases/{case.pk}/dispute",
        disputed_by="person", ground=KEPT_BY_LAW, reason="The account never existed.",
    ).json()  # fmt: skip
    change = post(
        privacy_officer, "change-requests",
        kind="erasure", erasure_case=str(case.pk), terms={"outcome": ERASE, "ground": ERASED_UNDER}, rationale=WHY,
    )  # fmt: skip
    first = decide(counsel, change.json()["id"]).json()
    assert not Erasure.objects.exists()
    second = decide(paul, change.json()["id"]).json()

    assert told["dispute"]["ground"] == KEPT_BY_LAW
    assert told["would_be"]["outcome"] == "partially_erased"
    assert change.status_code == 201
    assert (first["state"], first["awaited"]) == ("open", ["governance.decide_erasure_privacy"])
    assert second["state"] == "granted"
    answer = get(paul, f"erasure-cases/{case.pk}").json()
    assert (answer["state"], answer["outcome"], answer["decided_by"]) == (
        "decided",
        "erased",
        "paul",
    )
    assert "We have erased what we held" in answer["letter"]
    assert {erasure.purpose for erasure in Erasure.objects.all()} == {"decision", "monitoring"}
    assert Entry.objects.get(event="audit.erasure.settled").actor_name == "paul"


@pytest.mark.parametrize(
    ("ground", "outcome", "says"),
    [
        (KEPT_BY_LAW, "retained_legal_obligation", "the law obliges us to keep it"),
        (KEPT_FOR_CLAIMS, "retained_legal_claims", "it is needed for legal claims"),
    ],
)
def test_two_people_refuse_on_a_ground_and_counsel_may_be_the_last(
    ground, outcome, says, disputed, counsel, cora, paul
):
    change = request_erasure(disputed.pk, REFUSE, ground, WHY, by=cora)
    approve_change(change.pk, WHY, by=paul)

    approve_change(change.pk, WHY, by=counsel)

    disputed.refresh_from_db()
    assert (disputed.outcome, disputed.is_restricted) == (outcome, True)
    assert says in disputed.letter
    assert {part["article"] for part in disputed.assessment["parts"]} == {ground}
    assert not Erasure.objects.exists()


def test_neither_who_asked_nor_who_recorded_decides_and_each_takes_one_seat(
    disputed, privacy_officer, counsel, cora, paul
):
    change = request_erasure(disputed.pk, ERASE, ERASED_UNDER, WHY, by=cora)

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=cora)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=privacy_officer)
    assert changes_awaiting(counsel) == changes_awaiting(paul) == [change]
    approve_change(change.pk, WHY, by=counsel)
    with pytest.raises(ApprovedAlready):
        approve_change(change.pk, WHY, by=counsel)
    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=a_person("carl", "legal counsel"))

    assert change.approvals.get().seat == "governance.decide_erasure_law"


def test_a_hold_placed_meanwhile_voids_the_request_and_forbids_erasing(
    asked, disputed, counsel, privacy_officer
):
    a_hold(counsel)

    with pytest.raises(EvidenceChanged):
        decide_change(asked.pk, "approve", WHY, by=counsel)

    asked.refresh_from_db()
    assert asked.state == "void"
    with pytest.raises(UnderLegalHold):
        request_erasure(disputed.pk, ERASE, ERASED_UNDER, WHY, by=privacy_officer)
    request_erasure(disputed.pk, REFUSE, KEPT_FOR_CLAIMS, WHY, by=privacy_officer)


def test_what_was_withdrawn_rejected_or_ran_out_leaves_the_dispute_and_is_asked_again(
    asked, disputed, privacy_officer, counsel, paul, monkeypatch
):
    with pytest.raises(AlreadyRequested):
        request_erasure(disputed.pk, REFUSE, KEPT_BY_LAW, WHY, by=paul)
    withdraw_erasure(asked.pk, "Wrong ground.", by=privacy_officer)
    second = request_erasure(disputed.pk, REFUSE, KEPT_BY_LAW, WHY, by=privacy_officer)
    reject_change(second.pk, "Not shown.", by=counsel)
    third = request_erasure(disputed.pk, ERASE, ERASED_UNDER, WHY, by=privacy_officer)
    later = timezone.now() + timedelta(days=15)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    close_stale_changes()

    states = (
        ChangeRequest.objects.filter(kind="erasure").order_by("id").values_list("state", flat=True)
    )
    assert list(states) == ["withdrawn", "rejected", "expired"]
    assert third.terms == {"outcome": ERASE, "ground": ERASED_UNDER}
    disputed.refresh_from_db()
    assert disputed.state == "open"
    with pytest.raises(ErasureDisputed):
        decide_erasure_case(disputed.pk, seen(disputed), by=paul)


def test_a_dispute_and_a_request_name_every_field_that_is_wrong(case, privacy_officer, paul):
    with pytest.raises(DisputeMalformed) as found:
        dispute_erasure_case(case.pk, "press", "GDPR Art. 99", " ", by=privacy_officer)
    assert [each.field for each in found.value.errors] == ["disputed_by", "ground", "reason"]
    with pytest.raises(ErasureUndisputed):
        request_erasure(case.pk, ERASE, ERASED_UNDER, WHY, by=privacy_officer)
    dispute_erasure_case(case.pk, "counsel", KEPT_FOR_CLAIMS, WHY, by=privacy_officer)
    with pytest.raises(ErasureDisputed):
        dispute_erasure_case(case.pk, "counsel", KEPT_FOR_CLAIMS, WHY, by=privacy_officer)

    for outcome, ground, field in (
        (ERASE, KEPT_BY_LAW, "ground"),
        (REFUSE, ERASED_UNDER, "ground"),
        ("forget", ERASED_UNDER, "outcome"),
    ):
        with pytest.raises(ChangeMalformed) as refused:
            request_erasure(case.pk, outcome, ground, WHY, by=paul)
        assert [each.field for each in refused.value.errors] == [field]
    answer = post(paul, "change-requests", kind="erasure", model="loans", rationale=WHY)
    assert {each["field"] for each in answer.json()["errors"]} == {"model", "erasure_case", "terms"}


def test_of_somebody_unknown_nothing_is_asked_to_be_erased(privacy_officer, counsel, paul):
    case = a_case(privacy_officer, subject_ref="nobody")
    dispute_erasure_case(case.pk, "person", ERASED_UNDER, "I am your customer.", by=counsel)

    with pytest.raises(ChangeMalformed):
        request_erasure(case.pk, ERASE, ERASED_UNDER, WHY, by=privacy_officer)
    change = request_erasure(case.pk, REFUSE, KEPT_BY_LAW, WHY, by=privacy_officer)
    for each in (counsel, paul):
        approve_change(change.pk, WHY, by=each)

    case.refresh_from_db()
    assert case.outcome == "refused_not_subject"
    with pytest.raises(ErasureDecided):
        dispute_erasure_case(case.pk, "person", ERASED_UNDER, WHY, by=counsel)


def test_while_a_dispute_is_open_the_end_of_retention_erases_nobody(disputed):
    with pytest.raises(ErasureDisputed):
        end_retention(disputed.subject_id, by=service_account("archiver"))


def test_a_dispute_is_recorded_and_settled_on_its_pages(
    case, privacy_officer, counsel, paul, signed_in
):
    page = f"/audit/erasurecase/{case.pk}"
    recorder, lawyer, officer = map(signed_in, (privacy_officer, counsel, paul))
    assert "/dispute/" in lawyer.get(f"{page}/change/").content.decode()
    lawyer.post(
        f"{page}/dispute/",
        {"disputed_by": "counsel", "ground": KEPT_FOR_CLAIMS, "reason": "A suit is coming."},
    )
    shown = officer.get(f"{page}/change/").content.decode()
    assert "A suit is coming." in shown
    assert "/decide/" not in shown
    recorder.post(
        f"{page}/settle/", {"outcome": REFUSE, "ground": KEPT_FOR_CLAIMS, "rationale": WHY}
    )
    first = ChangeRequest.objects.get(kind="erasure")
    taken_back = recorder.post(
        f"/governance/changerequest/{first.pk}/withdraw-erasure/", {"rationale": WHY}, follow=True
    )
    assert "was withdrawn" in taken_back.content.decode()
    recorder.post(
        f"{page}/settle/", {"outcome": REFUSE, "ground": KEPT_FOR_CLAIMS, "rationale": WHY}
    )
    change = ChangeRequest.objects.get(kind="erasure", state="open")
    assert (
        "A suit is coming."
        in lawyer.get(f"/governance/changerequest/{change.pk}/approve/").content.decode()
    )

    for client in (lawyer, officer):
        client.post(f"/governance/changerequest/{change.pk}/approve/", {"rationale": WHY})

    case.refresh_from_db()
    assert case.outcome == "retained_legal_claims"
    assert str(change.what) in officer.get(f"{page}/change/").content.decode()


# What follows goes around the request: the database refuses it to whoever writes.


def test_the_database_settles_a_dispute_only_by_a_request_that_two_people_granted(
    asked, disputed, counsel, paul
):
    approve_change(asked.pk, WHY, by=counsel)

    with pytest.raises(IntegrityError, match="two people"), transaction.atomic():
        ChangeRequest.objects.filter(pk=asked.pk).update(state="granted", decided_at=timezone.now())
    with pytest.raises(IntegrityError, match="dispute about this person"):
        settle_erasure_case(disputed.pk, ERASED_UNDER, seen(disputed), by=paul)
    with pytest.raises(IntegrityError, match="two people settle"):
        settle_erasure_case(disputed.pk, KEPT_BY_LAW, seen(disputed), by=paul)
    with pytest.raises(IntegrityError, match="dispute about this person"):
        erase_subject(disputed.subject_id, legal_basis=ERASED_UNDER, reason=WHY, by=paul)
    with pytest.raises(FactsChanged):
        settle_erasure_case(disputed.pk, KEPT_BY_LAW, "0" * 64, by=paul)

    assert not Erasure.objects.exists()
    assert ErasureCase.objects.get(pk=disputed.pk).state == "open"


def test_the_database_keeps_a_dispute_and_who_recorded_the_request(asked, disputed, case, paul):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ErasureDispute.objects.filter(case=case).update(ground=ERASED_UNDER)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ErasureDispute.objects.filter(case=case).delete()
    asked.pk, asked.made_by, asked._state.adding = None, paul, True
    with pytest.raises(IntegrityError, match="did not record"), transaction.atomic():
        asked.save(force_insert=True)
