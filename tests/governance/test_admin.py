"""The admin shows and asks; acts decide. Every window opens, no window writes, every button is a page of its own."""

import base64
import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from knox.models import AuthToken

from audit.action import permissions_of
from audit.models import Entry
from governance import sweeps
from governance.actions.cases import open_case
from governance.admin.pages import PAGES
from governance.models import Approval, ChangeRequest, GateRun, RetrainingCase
from governance.navigation import GROUPS
from registry.models import Clearance, Policy
from tests.governance.builders import (
    WHY,
    a_champion,
    a_check,
    a_gate_policy,
    a_measured_version,
    a_report,
    a_request,
    a_staged_version,
)
from tests.governance.test_incidents import a_load_failure
from tests.registry.builders import a_model, a_policy, a_version

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(params=sorted(item.url_name for items in GROUPS.values() for item in items))
def window(request):
    return request.param


def everything(user: User) -> User:
    user.groups.set(Group.objects.exclude(name__startswith="service"))
    return user


def test_every_window_of_the_sidebar_opens(window, developer, signed_in):
    page = signed_in(everything(developer)).get(reverse(window))

    assert page.status_code == 200


def test_every_model_of_governance_has_a_window_that_opens(
    developer, validator, approver, operator, signed_in
):
    champion = a_champion(developer, validator, approver)
    open_case(champion.model, "by_hand", "Rates rose.", by=operator)
    a_load_failure()
    sweeps.open_incidents()
    client = signed_in(everything(developer))
    opened = 0
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in {"governance", "auth", "knox"}:
            continue
        assert not model_admin.has_add_permission(None)
        row = model._default_manager.first()
        if row is not None:
            address = reverse(
                f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]
            )
            assert client.get(address).status_code == 200, address
            opened += 1
    assert opened >= 9


def test_stock_windows_that_would_write_without_an_act_are_gone(administrator, signed_in):
    client = signed_in(everything(administrator))

    assert client.get("/auth/user/add/").status_code == 403
    assert client.get("/auth/group/add/").status_code == 403
    assert client.get("/knox/authtoken/add/").status_code == 403
    assert client.get("/django_celery_beat/periodictask/").status_code == 404


def test_posting_to_a_window_changes_nothing(administrator, developer, superuser, signed_in):
    for user in (administrator, superuser):
        address = f"/auth/user/{developer.pk}/change/"
        answer = signed_in(user).post(address, {"username": "dana", "is_superuser": "on"})
        assert answer.status_code == 403
    developer.refresh_from_db()
    assert not developer.is_superuser


def test_a_superuser_without_a_role_sees_nothing(superuser, developer, signed_in):
    change = a_request(developer)
    client = signed_in(superuser)

    assert client.get("/governance/changerequest/").status_code == 403
    assert client.get(f"/governance/changerequest/{change.pk}/approve/").status_code == 403
    answer = client.post(f"/governance/changerequest/{change.pk}/approve/", {"rationale": WHY})
    assert answer.status_code == 403
    assert not Approval.objects.exists()


def test_a_gate_report_shows_its_pictures(developer, validator, signed_in):
    checks = [a_check("calibration_by_grade", minimum=0), a_check("feature_csi", maximum=1)]
    a_gate_policy(checks=checks)
    report = a_report(a_version())

    page = signed_in(validator).get(f"/governance/gatereport/{report.pk}/change/").content.decode()

    pictures = re.findall(r'alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)"', page)
    drawn = {what: base64.b64decode(data).decode() for what, data in pictures}
    assert len(drawn) == 3
    assert all(svg.startswith("<svg") for svg in drawn.values())
    assert "purpose" in drawn["Characteristic stability index of each feature"]


def test_a_report_without_those_checks_says_so(developer, validator, signed_in):
    version = a_measured_version(developer)
    address = f"/governance/gatereport/{version.gate_reports.get().pk}/change/"

    assert "The policy did not ask for it." in signed_in(validator).get(address).content.decode()


def test_a_validator_reads_the_evidence_and_approves(developer, validator, signed_in):
    change = a_request(developer)
    client = signed_in(validator)
    address = f"/governance/changerequest/{change.pk}/approve/"

    page = client.get(address).content.decode()
    assert "Gates: passed" in page
    assert "Groups: approval rate against the control group" in page
    assert change.evidence_digest in page
    answer = client.post(address, {"rationale": WHY}, follow=True)

    assert 'data-outcome="done"' in answer.content.decode()
    assert Approval.objects.get().approver == validator
    assert Clearance.objects.get().purpose == "score_shadow"


def test_the_comparison_with_the_champion_is_on_the_page(developer, validator, approver, signed_in):
    champion = a_champion(developer, validator, approver)
    version = a_staged_version(developer, validator, model=champion.model)
    change = a_request(developer, version, "production")

    page = signed_in(approver).get(f"/governance/changerequest/{change.pk}/approve/")

    assert "newly declined" in page.content.decode()


def test_a_self_approval_is_refused_on_the_page_and_changes_nothing(developer, signed_in):
    change = a_request(developer)
    developer.groups.add(Group.objects.get(name="validator"))
    client = signed_in(developer)

    answer = client.post(f"/governance/changerequest/{change.pk}/approve/", {"rationale": WHY})

    assert answer.status_code == 403
    assert 'data-outcome="refused"' in answer.content.decode()
    assert "requested this and cannot also decide it" in answer.content.decode()
    assert not Approval.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()


def test_a_decision_without_a_rationale_is_refused_on_the_page(developer, validator, signed_in):
    change = a_request(developer)

    answer = signed_in(validator).post(
        f"/governance/changerequest/{change.pk}/approve/", {"rationale": ""}
    )

    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


def test_evidence_that_changed_is_refused_on_the_page_and_voids_the_request(
    developer, validator, signed_in
):
    change = a_request(developer)
    a_gate_policy(checks=[a_check("auc", minimum=0.9)])

    answer = signed_in(validator).post(
        f"/governance/changerequest/{change.pk}/approve/", {"rationale": WHY}
    )

    assert answer.status_code == 409
    change.refresh_from_db()
    assert change.state == "void"


def test_nothing_is_decided_by_opening_a_page(developer, validator, signed_in):
    change = a_request(developer)
    client = signed_in(validator)
    entries = Entry.objects.count()

    for act in ("approve", "reject"):
        assert client.get(f"/governance/changerequest/{change.pk}/{act}/").status_code == 200

    change.refresh_from_db()
    assert change.state == "open"
    written = Entry.objects.order_by("id").values_list("event", flat=True)[entries:]
    assert set(written) == {"governance.evidence.opened"}


def test_buttons_are_shown_to_those_who_may_press_them(developer, validator, approver, signed_in):
    change = a_request(developer)
    address = f"/governance/changerequest/{change.pk}/change/"

    assert "/approve/" in signed_in(validator).get(address).content.decode()
    assert "/approve/" not in signed_in(developer).get(address).content.decode()
    assert "/approve/" not in signed_in(approver).get(address).content.decode()
    assert "/withdraw/" in signed_in(developer).get(address).content.decode()


def test_every_button_that_a_role_may_press_opens(developer, validator, approver, signed_in):
    """Each page of each button on each row that exists, as somebody who holds every role."""
    champion = a_champion(developer, validator, approver)
    a_measured_version(developer, model=champion.model)
    a_request(developer)
    a_policy("decision", adopted=False)
    AuthToken.objects.create(user=developer)
    client = signed_in(everything(approver))

    opened = set()
    for page in PAGES.pages:
        rows = [None] if page.on_list else page.model._default_manager.all()
        for row in rows:
            if page.is_shown(row, approver, permissions_of(approver)):
                assert client.get(page.url(row)).status_code == 200, page.name
                opened.add(page.name)
    assert len(opened) >= 14


def test_measuring_is_asked_for_with_a_button(developer, validator, signed_in):
    version = a_measured_version(developer)
    client = signed_in(validator)

    client.post(f"/registry/modelversion/{version.pk}/measure/", {})

    assert GateRun.objects.filter(version=version, state="queued").exists()


def test_promotion_is_asked_for_with_a_button(developer, signed_in):
    version = a_measured_version(developer)

    signed_in(developer).post(
        f"/registry/modelversion/{version.pk}/request-staging/", {"rationale": "Ready."}
    )

    assert ChangeRequest.objects.get().target == "staging"


def test_a_policy_goes_through_the_admin(developer, approver, signed_in):
    policy = a_policy("decision", adopted=False)

    signed_in(developer).post(
        f"/registry/policy/{policy.pk}/request-adoption/", {"rationale": "Better."}
    )
    change = ChangeRequest.objects.get()
    signed_in(approver).post(f"/governance/changerequest/{change.pk}/approve/", {"rationale": WHY})

    assert Policy.objects.get(pk=policy.pk).status == "approved"


def test_accounts_are_made_and_given_roles_in_the_admin(administrator, signed_in):
    client = signed_in(administrator)

    client.post(
        "/auth/user/new-account/",
        {"username": "vera", "password": PASSWORD, "roles": ["validator"]},
    )
    vera = User.objects.get(username="vera")
    client.post(f"/auth/user/{vera.pk}/grant-role/", {"role": "approver"})
    client.post(f"/auth/user/{vera.pk}/revoke-role/", {"role": "validator"})

    assert [group.name for group in vera.groups.all()] == ["approver"]


def test_a_token_is_shown_once_and_kept_nowhere(administrator, lending, signed_in):
    client = signed_in(administrator)

    page = client.post(f"/auth/user/{lending.pk}/issue-token/", {"days": 30}).content.decode()

    token = AuthToken.objects.get()
    assert token.token_key in page
    assert "Shown once" in page
    assert "Shown once" not in client.get(f"/knox/authtoken/{token.pk}/change/").content.decode()


def test_a_case_is_closed_with_a_cause_in_the_admin(operator, approver, signed_in):
    case = open_case(a_model(), "by_hand", "Rates rose.", by=operator)

    answer = signed_in(approver).post(f"/governance/retrainingcase/{case.pk}/close/", {"cause": ""})
    assert answer.status_code == 422
    signed_in(approver).post(
        f"/governance/retrainingcase/{case.pk}/close/", {"cause": "A campaign ended."}
    )

    assert RetrainingCase.objects.get().state == "closed_no_retrain"


@pytest.mark.parametrize(
    "person",
    ["developer", "validator", "approver", "analyst", "auditor", "operator", "administrator"],
)
def test_the_desk_opens_for_everybody(request, person, developer, signed_in):
    a_request(developer)

    page = signed_in(request.getfixturevalue(person)).get("/")

    assert page.status_code == 200


def test_the_desk_shows_what_waits_for_me(developer, validator, approver, operator, signed_in):
    champion = a_champion(developer, validator, approver)
    open_case(champion.model, "by_hand", "Rates rose.", by=operator)
    change = a_request(developer)

    mine = signed_in(validator).get("/").content.decode()
    others = signed_in(approver).get("/").content.decode()

    approve = f"/governance/changerequest/{change.pk}/approve/"
    assert approve in mine
    assert approve not in others
    assert "1 more waits for others" in others
    assert "version 1" in mine
    assert "23 h 59 min left" in mine


def test_the_desk_of_the_scoring_client_shows_nothing(lending, developer, signed_in):
    a_request(developer)

    page = signed_in(lending).get("/").content.decode()

    assert "You hold no role that works in the admin" in page
    assert "Change requests" not in page


def test_signing_in_through_the_form_works_and_is_recorded(developer, client):
    answer = client.post("/login/", {"username": "dana", "password": "dana", "next": "/"})

    assert answer.status_code == 302
    assert Entry.objects.get().event == "governance.sign_in.succeeded"
