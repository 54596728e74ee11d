"""Nobody approves a new champion without having seen who would be decided otherwise."""

import pytest
from django.db import IntegrityError, transaction

from audit.canonical import digest_json
from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from governance.actions.changes import approve_change, reject_change
from governance.actions.evidence import open_comparison
from governance.errors import ComparisonNotOpened, NothingToCompare
from governance.models import Approval, EvidenceView
from registry.queries import champion
from tests.conftest import a_person
from tests.governance.builders import WHY, a_champion, a_request, a_staged_version
from tests.governance.test_api import decide, get

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(developer, validator, approver):
    """A second version asked into production, where the first is the champion."""
    now = a_champion(developer, validator, approver)
    version = a_staged_version(developer, validator, model=now.model)
    return a_request(developer, version, "production")


def test_approving_unseen_is_refused_and_nothing_changes(asked, approver):
    with pytest.raises(ComparisonNotOpened, match="has not opened"):
        approve_change(asked.pk, WHY, by=approver)

    asked.refresh_from_db()
    assert asked.state == "open"
    assert champion(asked.version.model).number == 1
    assert not Approval.objects.filter(change_request=asked).exists()
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


def test_opening_it_is_on_record_with_what_was_shown_and_opens_the_way(asked, approver):
    comparison = open_comparison(asked.pk, by=approver)

    view = EvidenceView.objects.get()
    entry = parse(bytes(view.entry.body))
    assert (view.viewer, view.part) == (approver, "comparison")
    assert view.evidence_digest == asked.evidence_digest
    assert view.shown_sha256 == digest_json(comparison.as_json())
    assert entry["event"] == "governance.evidence.opened"
    assert entry["public"]["shown_sha256"] == view.shown_sha256
    approve_change(asked.pk, WHY, by=approver)
    assert champion(asked.version.model) == asked.version


def test_everybody_opens_it_for_themselves(asked, approver):
    open_comparison(asked.pk, by=a_person("andrea", "approver"))

    with pytest.raises(ComparisonNotOpened):
        approve_change(asked.pk, WHY, by=approver)


def test_what_was_seen_for_another_request_does_not_count(asked, approver, developer):
    open_comparison(asked.pk, by=approver)
    reject_change(asked.pk, "Not yet.", by=approver)
    again = a_request(developer, asked.version, "production")

    with pytest.raises(ComparisonNotOpened):
        approve_change(again.pk, WHY, by=approver)


def test_the_first_champion_is_compared_with_nothing(developer, validator, approver):
    version = a_staged_version(developer, validator)
    change = a_request(developer, version, "production")

    with pytest.raises(NothingToCompare):
        open_comparison(change.pk, by=approver)

    assert not EvidenceView.objects.exists()
    approve_change(change.pk, WHY, by=approver)
    assert champion(version.model) == version


def test_only_who_decides_opens_it_on_record(asked, developer):
    with pytest.raises(NotPermitted):
        open_comparison(asked.pk, by=developer)

    assert not EvidenceView.objects.exists()


def test_over_http_every_applicant_is_counted_once_and_the_decision_follows(asked, approver):
    unseen = decide(approver, asked.pk)
    shown = get(approver, f"change-requests/{asked.pk}/comparison")
    seen = decide(approver, asked.pk)

    body = shown.json()
    assert (unseen.status_code, unseen.json()["type"]) == (409, "/problems/comparison-not-opened")
    assert (body["champion"], body["candidate"]) == (1, 2)
    assert sum(swap["n"] for swap in body["swaps"]) == body["n"] > 0
    assert sum(float(swap["share"]) for swap in body["swaps"]) == pytest.approx(1, abs=1e-3)
    assert seen.status_code == 201
    assert digest_json(body) == EvidenceView.objects.get().shown_sha256


def test_the_page_of_the_approval_opens_it(asked, approver, signed_in):
    browser = signed_in(approver)
    address = f"/governance/changerequest/{asked.pk}/approve/"

    page = browser.get(address)
    answer = browser.post(address, {"rationale": WHY})

    assert "newly approved" in page.content.decode()
    assert answer.status_code == 302
    assert champion(asked.version.model) == asked.version


def test_the_database_keeps_what_was_seen(asked, approver):
    open_comparison(asked.pk, by=approver)

    for write in (
        lambda: EvidenceView.objects.update(evidence_digest="0" * 64),
        EvidenceView.objects.all().delete,
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
