"""The admin's windows on monitoring: read-only, restricted where groups are compared, silent about values."""

import pytest
from django.urls import reverse

from monitoring.models import Alert, MonitoringPass, ProtectedValue, Report
from tests.monitoring.builders import (
    a_monitored_champion,
    a_report,
    decided,
    known_demographics,
    the_supplier,
)
from tests.monitoring.test_passes import a_pass

pytestmark = pytest.mark.django_db
WINDOWS = (Report, Alert, MonitoringPass, ProtectedValue)


@pytest.fixture
def viewer(analyst):
    """Someone who may see everything that monitoring shows."""
    return analyst


def address(model, page="changelist", *args):
    return reverse(f"admin:monitoring_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def something_of_each(viewer):
    version = a_monitored_champion()
    decided(version, 150, riskier=True)
    known_demographics(150, by=the_supplier(), riskier=True)
    a_pass(version, viewer)
    a_report(version)
    a_report(version, "fairness", sources=["decisions"])
    return version


def test_every_window_opens_and_nothing_can_be_changed(signed_in, viewer, something_of_each):
    browser = signed_in(viewer)

    for model in WINDOWS:
        row = model.objects.earliest("pk")
        assert browser.get(address(model)).status_code == 200, model
        assert browser.get(address(model, "change", row.pk)).status_code == 200, model
        assert browser.get(address(model, "add")).status_code == 403, model
        assert browser.post(address(model, "change", row.pk), {}).status_code == 403, model
        assert browser.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, (
            model
        )


def test_a_report_links_to_its_page_and_its_pdf(signed_in, viewer, something_of_each):
    report = Report.objects.get(kind="drift")

    page = signed_in(viewer).get(address(Report, "change", report.pk)).content.decode()

    path = f"/api/v1/models/{something_of_each.model}/reports/drift?id={report.pk}&amp;format="
    assert f"{path}html" in page
    assert f"{path}pdf" in page


def test_reports_that_compare_groups_are_hidden_from_who_may_not_see_them(
    signed_in, viewer, developer, something_of_each
):
    restricted = Report.objects.get(kind="fairness")

    assert signed_in(developer).get(address(Report, "change", restricted.pk)).status_code == 302
    assert signed_in(viewer).get(address(Report, "change", restricted.pk)).status_code == 200


def test_protected_values_are_listed_without_a_value(signed_in, viewer, something_of_each):
    browser = signed_in(viewer)
    value = ProtectedValue.objects.first()

    pages = [
        browser.get(address(ProtectedValue)).content.decode(),
        browser.get(address(ProtectedValue, "change", value.pk)).content.decode(),
    ]

    for page in pages:
        assert "age, sex" in page
        assert "ciphertext" not in page
        assert bytes(value.ciphertext).hex() not in page


@pytest.mark.parametrize("who", ["lending", "superuser"])
def test_nobody_looks_in_without_a_role(signed_in, who, request):
    browser = signed_in(request.getfixturevalue(who))

    for model in WINDOWS:
        assert browser.get(address(model)).status_code in (302, 403), model
