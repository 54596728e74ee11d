"""Findings, attestations and revalidations over REST and in the admin: the acts decide, the edges ask."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from governance.models import Attestation, Finding, Revalidation
from tests.governance.builders import a_finding, a_measured_version, an_oversight_policy
from tests.governance.test_api import get, post
from tests.registry.builders import a_model

pytestmark = pytest.mark.django_db


def a_body(model: str, **changes: object) -> dict[str, object]:
    return {
        "model": model, "severity": "high", "category": "data", "title": "The label leaks",
        "evidence": "Section 4.", "owner": "dana", **changes,
    }  # fmt: skip


def in_days(days: int) -> str:
    return str(timezone.now().date() + timedelta(days=days))


def test_a_finding_over_http_from_open_to_closed(developer, validator, approver):
    an_oversight_policy()
    version = a_measured_version(developer)
    name = version.model.name

    opened = post(validator, "findings", **a_body(name, version=1))
    assert (opened.status_code, opened.json()["due_on"]) == (201, in_days(30))
    where = f"findings/{opened.json()['id']}"
    longer = post(approver, f"{where}/extensions", due_on=in_days(40), reason="A holiday.")
    assert (longer.status_code, longer.json()["extension_count"]) == (201, 1)
    assert post(developer, f"{where}/remediation", remediation="Gone.").status_code == 200
    back = post(validator, f"{where}/rejection", reason="It is still read.")
    assert back.json()["state"] == "open"
    post(developer, f"{where}/remediation", remediation="Now it is gone.")
    closed = post(validator, f"{where}/closure", rationale="Measured again.")

    assert closed.json()["closed_by"] == "victor"
    assert get(developer, where).json()["extensions"][0]["approved_by"] == "amira"
    assert get(developer, f"findings?model={name}&state=closed").json()["count"] == 1
    assert get(developer, f"findings?model={name}&state=open").json()["count"] == 0


def test_refusals_over_http_name_the_reason(developer, validator, approver, lending):
    an_oversight_policy()
    finding = a_finding(developer, validator)
    where = f"findings/{finding.pk}"

    early = post(validator, f"{where}/closure", rationale="Fine.")
    other = post(approver, f"{where}/remediation", remediation="Gone.")
    empty = post(validator, "findings", **a_body(finding.model.name, severity="grave", title=""))

    assert (early.status_code, early.json()["type"].rsplit("/")[-1]) == (
        409,
        "finding-not-remediated",
    )
    assert other.status_code == 403
    assert {error["field"] for error in empty.json()["errors"]} == {"severity", "title"}
    assert get(validator, f"findings/{uuid4()}").status_code == 404
    for path in ("findings", "attestations", "revalidations"):
        assert get(lending, path).status_code == 403
    assert Finding.objects.get().state == "open"


def test_attestations_and_revalidations_over_http(developer, validator):
    an_oversight_policy()
    model = a_model(owner=developer)

    attested = post(developer, "attestations", model=model.name, statement="As recorded.")
    assert attested.status_code == 201
    opened = post(validator, "revalidations", model=model.name, cause="new_use", due_on=in_days(9))
    assert opened.status_code == 201
    where = f"revalidations/{opened.json()['id']}"
    done = post(validator, f"{where}/completion", outcome="approved", summary="It ranks.")

    assert (done.status_code, done.json()["completed_by"]) == (200, "victor")
    assert get(developer, where).json()["next_due_on"] > in_days(700)
    assert get(developer, "attestations").json()["results"][0]["attested_by"] == "dana"
    assert get(developer, "revalidations").json()["count"] == 1


def test_a_finding_goes_through_the_admin(developer, validator, approver, signed_in):
    an_oversight_policy()
    model = a_model(owner=developer)
    fields = {key: value for key, value in a_body("").items() if key != "model"}

    signed_in(validator).post(f"/registry/scoringmodel/{model.pk}/open-finding/", fields)
    finding = Finding.objects.get()
    page = f"/governance/finding/{finding.pk}"
    signed_in(approver).post(f"{page}/extend/", {"due_on": in_days(50), "reason": "A holiday."})
    signed_in(developer).post(f"{page}/submit-remediation/", {"remediation": "Gone."})
    signed_in(validator).post(f"{page}/reject-remediation/", {"reason": "It is still read."})
    signed_in(developer).post(f"{page}/submit-remediation/", {"remediation": "Now it is."})
    refused = signed_in(validator).post(f"{page}/close/", {"rationale": ""})
    assert refused.status_code == 422
    signed_in(validator).post(f"{page}/close/", {"rationale": "Measured again."})

    finding.refresh_from_db()
    assert (finding.state, str(finding.due_on)) == ("closed", in_days(50))
    window = signed_in(developer).get(reverse("admin:governance_finding_change", args=[finding.pk]))
    assert "Measured again." in window.content.decode()
    for name in ("finding", "findingextension", "overduefinding"):
        listed = signed_in(developer).get(reverse(f"admin:governance_{name}_changelist"))
        assert listed.status_code == 200


def test_attestations_and_revalidations_go_through_the_admin(developer, validator, signed_in):
    an_oversight_policy()
    model = a_model(owner=developer)
    page = f"/registry/scoringmodel/{model.pk}"

    signed_in(developer).post(f"{page}/attest/", {"statement": "As recorded."})
    signed_in(validator).post(
        f"{page}/open-revalidation/", {"cause": "new_use", "due_on": in_days(9)}
    )
    row = Revalidation.objects.get()
    done = {"outcome": "approved_with_restrictions", "summary": "Not for renewals."}
    signed_in(validator).post(f"/governance/revalidation/{row.pk}/complete/", done)

    row.refresh_from_db()
    assert (row.state, row.outcome) == ("completed", "approved_with_restrictions")
    for shown in (row, Attestation.objects.get()):
        name = f"admin:governance_{shown._meta.model_name}"
        assert signed_in(developer).get(reverse(f"{name}_changelist")).status_code == 200
        window = signed_in(developer).get(reverse(f"{name}_change", args=[shown.pk]))
        assert window.status_code == 200


def test_buttons_are_shown_to_those_whom_they_concern(developer, validator, approver, signed_in):
    an_oversight_policy()
    finding = a_finding(developer, validator)
    address = reverse("admin:governance_finding_change", args=[finding.pk])

    mine = signed_in(developer).get(address).content.decode()
    others = signed_in(approver).get(address).content.decode()

    assert "/submit-remediation/" in mine
    assert "/submit-remediation/" not in others
    assert "/extend/" in others
    assert "/close/" not in signed_in(validator).get(address).content.decode()
