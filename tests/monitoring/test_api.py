"""Monitoring over HTTP: who may send and see what, in which form, and what a bad request is told."""

import io
import json

import pypdf
import pytest
from django.test import Client

from audit.entries import parse
from audit.models import Entry
from monitoring.execution import run_pass
from monitoring.models import MonitoringPass, ProtectedValue, Report
from tests.monitoring.builders import (
    a_monitored_champion,
    a_report,
    decided,
    disparate_demographics,
    known_demographics,
    the_monitor,
    the_supplier,
    with_monitoring,
)
from tests.serving.builders import the_client

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def reader(developer):
    """Someone who sees reports, but not those that compare protected groups."""
    return developer


@pytest.fixture
def http(signed_in):
    def as_(user, method="get", path="", body=None, **query):
        client: Client = signed_in(user)
        send = getattr(client, method)
        if method == "get":
            return send(f"{API}/{path}", query)
        return send(f"{API}/{path}", json.dumps(body), content_type="application/json")

    return as_


def kind_of(response):
    return response.json()["type"]


def a_person(place=0, **values):
    return {"subject_ref": f"C-5-False-{place}", "values": values or {"sex": "f"}}


def test_protected_attributes_are_taken_row_by_row_and_never_echoed(http):
    decided(a_monitored_champion(), 2)
    body = {
        "client": the_client().get_username(),
        "demographics": [a_person(0), a_person(99, sex="sekrit"), a_person(1, shoe_size="sekrit")],
    }

    response = http(the_supplier(), "post", "demographics", body)

    assert response.status_code == 200
    answer = response.json()
    assert (answer["recorded"], answer["refused"]) == (1, 2)
    assert [
        (row["row"], row["problem"]["errors"][0]["field"], row["problem"]["errors"][0]["type"])
        for row in answer["problems"]
    ] == [(1, "subject_ref", "unknown"), (2, "values.shoe_size", "unknown_attribute")]
    assert "sekrit" not in response.content.decode()
    assert ProtectedValue.objects.count() == 1


def test_a_bare_list_names_people_of_the_caller(http):
    decided(a_monitored_champion(), 1)
    lending = with_monitoring(the_client(), "supply_protected")

    assert http(lending, "post", "demographics", [a_person()]).json()["recorded"] == 1


@pytest.mark.parametrize(
    "body", [{}, {"demographics": "all"}, "x", {"demographics": [], "client": 1}]
)
def test_a_body_that_is_no_list_of_people_is_refused(http, body):
    response = http(the_supplier(), "post", "demographics", body)

    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("who", ["validator", "superuser"])
def test_supplying_protected_attributes_needs_its_permission(http, who, request):
    response = http(request.getfixturevalue(who), "post", "demographics", [a_person()])

    assert response.status_code == 403
    assert kind_of(response) == "/problems/not-permitted"


def test_the_scoring_role_reaches_no_protected_attribute_and_no_comparison(http, lending):
    version = a_monitored_champion()
    decided(version, 150)
    known_demographics(150, by=the_supplier())
    a_report(version, "fairness")

    for path in (
        f"models/{version.model}/reports",
        f"models/{version.model}/reports/fairness",
        f"models/{version.model}/reports/drift",
        "alerts",
    ):
        response = http(lending, "get", path)
        assert response.status_code == 403, path
    assert http(lending, "get", "demographics").status_code == 405


def test_a_report_comes_as_numbers_as_a_page_and_as_a_pdf(http, reader):
    version = a_monitored_champion()
    decided(version, 200, riskier=True)
    report = a_report(version)
    report.refresh_from_db()
    path = f"models/{version.model}/reports/drift"

    numbers = http(reader, "get", path)
    page = http(reader, "get", path, format="html")
    pdf = http(reader, "get", path, format="pdf", id=report.pk)

    assert numbers.json()["sha256"] == report.sha256
    assert numbers.json()["results"] == report.results
    assert {alert["trigger"] for alert in numbers.json()["alerts"]} >= {"drift_ks_d"}
    assert page["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "Drift of Consumer loans" in page.content.decode()
    assert pdf["Content-Type"] == "application/pdf"
    assert f'filename="{version.model}-drift-' in pdf["Content-Disposition"]
    assert pdf.content.startswith(b"%PDF")
    assert len(pypdf.PdfReader(io.BytesIO(pdf.content)).pages) >= 2


def test_a_report_that_compares_groups_is_for_those_who_may_see_it(http, reader, analyst):
    version = a_monitored_champion()
    decided(version, 150)
    known_demographics(150, by=the_supplier())
    a_report(version, "fairness")
    path = f"models/{version.model}/reports/fairness"

    assert http(reader, "get", path).status_code == 403
    assert http(analyst, "get", path).status_code == 200


def test_the_list_of_reports_is_newest_first_and_paged(http, reader):
    version = a_monitored_champion()
    decided(version)
    first, second = a_report(version), a_report(version)

    answer = http(reader, "get", f"models/{version.model}/reports", page_size=1).json()

    assert answer["count"] == 2
    assert [row["id"] for row in answer["results"]] == [second.pk]
    older = http(reader, "get", f"models/{version.model}/reports/drift", id=first.pk).json()
    assert older["id"] == first.pk


@pytest.mark.parametrize(
    ("path", "query", "status", "kind"),
    [
        ("models/nothing/reports/drift", {}, 404, "unknown-model"),
        ("models/{model}/reports/drift", {}, 404, "report-unknown"),
        ("models/{model}/reports/drift", {"id": "7777"}, 404, "report-unknown"),
        ("models/{model}/reports/drift", {"id": "x"}, 422, "invalid-input"),
        ("models/{model}/reports/weather", {}, 404, "not-found"),
        ("alerts", {"severity": "mild"}, 422, "invalid-input"),
        ("alerts", {"confirmed": "maybe"}, 422, "invalid-input"),
        ("monitoring-passes/00000000-0000-7000-8000-000000000000", {}, 404, "pass-unknown"),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_named(http, reader, path, query, status, kind):
    version = a_monitored_champion()

    response = http(reader, "get", path.format(model=version.model), **query)

    assert response.status_code == status
    assert kind_of(response) == f"/problems/{kind}"


def test_an_unknown_format_is_refused(http, reader):
    version = a_monitored_champion()
    decided(version)
    a_report(version)

    response = http(reader, "get", f"models/{version.model}/reports/drift", format="docx")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "format"


def test_a_pass_is_accepted_carried_out_and_followed(http, operator):
    version = a_monitored_champion()
    decided(version, 200)

    accepted = http(
        operator, "post", f"models/{version.model}/monitoring-passes", {"kinds": ["drift"]}
    )
    assert accepted.status_code == 202
    assert accepted.json()["state"] == "requested"
    run_pass(MonitoringPass.objects.get().pk, by=the_monitor())
    followed = http(operator, "get", f"monitoring-passes/{accepted.json()['id']}").json()

    assert followed["state"] == "finished"
    assert followed["reports"] == [{"id": Report.objects.get().pk, "kind": "drift"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"window_start": "yesterday"}, "window_start"),
        ({"window_end": "2026-13-45T00:00:00Z"}, "window_end"),
        ({"window_end": "2020-01-01T00:00:00"}, "window_end"),
        ({"window_end": 7}, "window_end"),
        ({"window_start": "0001-01-01T00:00:00+16:00"}, "window_start"),
        ({"window_end": "2999-01-01T00:00:00Z"}, "window_end"),
        ({"kinds": ["weather"]}, "kinds"),
        ({"kinds": []}, "kinds"),
    ],
)
def test_a_pass_that_cannot_be_carried_out_is_refused_by_field(http, operator, body, field):
    version = a_monitored_champion()

    response = http(operator, "post", f"models/{version.model}/monitoring-passes", body)

    assert response.status_code == 422
    assert field in [problem["field"] for problem in response.json()["errors"]]
    assert not MonitoringPass.objects.exists()


def test_alerts_can_be_narrowed_down(http, reader):
    version = a_monitored_champion()
    decided(version, 200, riskier=True)
    a_report(version)

    everything = http(reader, "get", "alerts").json()
    critical = http(reader, "get", "alerts", severity="critical", confirmed="true").json()
    elsewhere = http(reader, "get", "alerts", model="another").json()

    assert everything["count"] > critical["count"] > 0
    assert {alert["severity"] for alert in critical["results"]} == {"critical"}
    assert elsewhere["count"] == 0


def test_alerts_about_protected_groups_are_for_those_who_may_see_such_reports(
    http, reader, analyst
):
    version = a_monitored_champion()
    disparate_demographics(decided(version, 400), by=the_supplier())
    report = a_report(version, "fairness", sources=["decisions"])
    assert report.alerts.exists()

    hidden = http(reader, "get", "alerts").json()
    shown = http(analyst, "get", "alerts").json()

    assert hidden["count"] == 0
    assert shown["count"] == report.alerts.count()
    alert = report.alerts.first()
    # What many may read, entries and the reasons of cases, names neither the group nor its ratio.
    assert set(parse(bytes(alert.entry.body))["public"]).isdisjoint({"measured", "observed"})
    assert alert.measured not in str(alert)


def test_a_refused_request_is_in_the_log_without_its_values(http):
    http(the_supplier(), "post", "demographics", [])

    entry = Entry.objects.get(event="audit.action_refused")
    assert b"protected-values-refused" in bytes(entry.body)
