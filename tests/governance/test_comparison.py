"""Nobody approves a new champion without having seen who would be decided otherwise."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction

from audit.canonical import digest_json
from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from governance.actions.changes import approve_change, reject_change, request_adoption
from governance.actions.evidence import open_comparison, open_part
from governance.errors import ComparisonNotOpened, NothingToCompare
from governance.models import Approval, EvidenceView
from governance.opening import part_shown
from governance.roles import ROLES
from monitoring.queries.reports import FAIRNESS_PERMISSION
from registry.queries import champion
from tests.conftest import a_person
from tests.governance.builders import WHY, a_champion, a_request, a_staged_version, said
from tests.governance.test_api import decide, get
from tests.monitoring.builders import a_monitoring_policy, known_rows
from tests.registry.builders import CONTRACT, DECISION_BODY, a_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(developer, validator, approver):
    """A second version asked into production, where the first is the champion."""
    now = a_champion(developer, validator, approver)
    version = a_staged_version(developer, validator, model=now.model)
    return a_request(developer, version, "production")


@pytest.fixture
def stricter(developer, validator, approver, analyst):
    """A request for a version with a lower cut-off than the champion's; sex and age are known and compared."""
    now = a_champion(developer, validator, approver)
    body = {**DECISION_BODY, "cut_off": 0.2, "grey_band": {"from": 0.15, "to": 0.2}}
    strict = a_policy("decision", body)
    version = a_staged_version(developer, validator, model=now.model, decision_policy=strict)
    a_monitoring_policy(version)
    known_rows(version, by=analyst)
    return a_request(developer, version, "production")


def test_the_groups_that_flip_are_told_and_what_was_read_for_it_is_on_record(stricter, approver):
    comparison = open_comparison(stricter.pk, by=approver)

    shown = comparison.as_json()
    declined = next(swap["n"] for swap in shown["swaps"] if swap["title"] == "newly declined")
    sexes = [each for each in shown["groups"] if each["attribute"] == "sex"]
    other = next(each for each in sexes if not each["is_control"])
    assert declined > 0
    assert sum(each["n"] for each in sexes) == shown["n"]
    assert sum(each["newly_declined"] for each in sexes) == declined
    assert other["air_difference"] == pytest.approx(
        other["candidate_air"] - other["champion_air"], abs=2e-4
    )
    assert other["air_difference_low"] < other["air_difference"] < other["air_difference_high"]
    entry = said(EvidenceView.objects.get().entry)
    assert entry["protected_columns_read"] == ["age", "sex"]
    assert entry["protected_people_read"] == shown["n"]


def test_every_newly_declined_applicant_has_a_first_reason(stricter, approver):
    shown = open_comparison(stricter.pk, by=approver).as_json()

    declined = next(swap["n"] for swap in shown["swaps"] if swap["title"] == "newly declined")
    assert sum(reason["n"] for reason in shown["reasons"]) == declined
    assert {reason["reason_group"] for reason in shown["reasons"]} <= CONTRACT.reason_groups | {""}


def test_without_a_declared_amount_the_comparison_says_so(stricter, approver):
    amount = open_comparison(stricter.pk, by=approver).as_json()["amount"]

    assert amount["bands"] == []
    assert "loan_amount" in amount["note"]


def test_without_a_monitoring_policy_no_group_is_compared_and_that_is_said(asked, approver):
    shown = open_comparison(asked.pk, by=approver).as_json()

    assert shown["groups"] == []
    assert "No monitoring policy" in shown["groups_note"]


def test_whoever_may_not_see_fairness_reports_cannot_open_it(stricter, approver):
    roles = [name for name, held in ROLES.items() if "governance.open_evidence" in held]
    assert all(FAIRNESS_PERMISSION in ROLES[role] for role in roles)
    Group.objects.get(name="approver").permissions.remove(
        Permission.objects.get(codename="view_fairness_report")
    )

    with pytest.raises(NotPermitted):
        open_comparison(stricter.pk, by=approver)

    assert not EvidenceView.objects.exists()


def test_whoever_does_not_decide_is_shown_no_groups(stricter, developer, signed_in):
    page = signed_in(developer).get(
        f"/registry/modelversion/{stricter.version_id}/request-production/"
    )

    text = page.content.decode()
    assert "newly declined" in text
    assert "is shown where the comparison is opened for a decision" in text
    assert "sex: women" not in text


def test_the_page_draws_who_flips_and_which_ratios_move(stricter, approver, signed_in):
    page = signed_in(approver).get(f"/governance/changerequest/{stricter.pk}/approve/")

    text = page.content.decode()
    assert 'alt="Shares newly approved and newly declined' in text
    assert 'alt="Adverse impact ratios under the champion' in text
    assert "sex: women" in text


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
    assert sum(swap["share"] for swap in body["swaps"]) == pytest.approx(1, abs=1e-3)
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


def test_other_parts_are_opened_on_record_as_well(asked, approver):
    report = get(approver, f"change-requests/{asked.pk}/evidence/gate_report")
    measured = get(approver, f"change-requests/{asked.pk}/evidence/performance")
    absent = get(approver, f"change-requests/{asked.pk}/evidence/policy")

    views = {view.part: view for view in EvidenceView.objects.filter(viewer=approver)}
    assert set(views) == {"gate_report", "performance"}
    assert views["gate_report"].shown_sha256 == digest_json(report.json())
    assert report.json()["report_sha256"] == asked.evidence["gate_report_sha256"]
    assert [each["version"] for each in measured.json()["versions"]] == [2, 1]
    assert (absent.status_code, absent.json()["type"]) == (404, "/problems/no-such-evidence")
    assert not any(
        view.change_request_id != asked.pk or view.viewer != approver for view in views.values()
    )


def test_opening_the_gate_report_does_not_stand_in_for_the_comparison(asked, approver):
    open_part(asked.pk, "gate_report", by=approver)

    with pytest.raises(ComparisonNotOpened):
        approve_change(asked.pk, WHY, by=approver)


def test_the_page_of_the_decision_keeps_each_part_that_it_shows(asked, approver, signed_in):
    signed_in(approver).get(f"/governance/changerequest/{asked.pk}/reject/")

    parts = EvidenceView.objects.filter(viewer=approver).values_list("part", flat=True)
    assert sorted(parts) == ["comparison", "gate_report", "performance"]


def test_the_same_part_shown_again_is_not_recorded_again(asked, approver, validator):
    path = f"change-requests/{asked.pk}/evidence/performance"

    first, again, other = get(approver, path), get(approver, path), get(validator, path)

    assert first.json() == again.json() == other.json()
    views = EvidenceView.objects.filter(part="performance")
    assert sorted(view.viewer.username for view in views) == sorted(
        [approver.username, validator.username]
    )


def test_a_part_that_says_something_else_by_now_is_recorded_again(asked, approver):
    before = part_shown(asked.pk, "performance", by=approver)
    open_comparison(asked.pk, by=approver)
    approve_change(asked.pk, WHY, by=approver)

    after = part_shown(asked.pk, "performance", by=approver)

    assert after != before, "The version that was asked for is the champion now."
    views = EvidenceView.objects.filter(part="performance").order_by("pk")
    assert [view.shown_sha256 for view in views] == [digest_json(before), digest_json(after)]


def test_whoever_may_open_no_evidence_any_more_is_refused_what_they_saw(asked, approver):
    part_shown(asked.pk, "performance", by=approver)
    approver.groups.clear()

    with pytest.raises(NotPermitted):
        part_shown(asked.pk, "performance", by=approver)

    assert EvidenceView.objects.count() == 1


def test_the_text_of_a_policy_is_opened_on_record(developer, approver):
    change = request_adoption(a_policy("decision", adopted=False), "New cut-off.", by=developer)

    shown = open_part(change.pk, "policy", by=approver)

    assert shown["body"] == change.policy.body
    assert EvidenceView.objects.get().shown_sha256 == digest_json(shown)
