"""Monitoring over HTTP: protected attributes in, reports and alerts out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.action import require
from audit.api_base import (
    DOCUMENT_FORMATS,
    ActView,
    AnyAccept,
    Pages,
    actor,
    page_answer,
    pdf_answer,
)
from audit.bodies import LARGEST_BATCH
from audit.errors import FieldProblem, InvalidInput
from audit.problems import refusal_body
from monitoring import schemas
from monitoring.actions.passes import KINDS, request_pass
from monitoring.actions.protected_values import record_demographics
from monitoring.models import Alert, MonitoringPass, Report
from monitoring.queries import reports as queries
from registry.queries import model_named
from registry.requests import read_moment


class People(ActView):
    """Protected attributes of applicants, for monitoring only."""

    largest_body = LARGEST_BATCH

    @extend_schema(
        operation_id="supply_demographics",
        request=schemas.PeopleSchema,
        responses={200: schemas.PeopleResultSchema},
    )
    def post(self, request: Request) -> Response:
        rows, client = _people(request.data)
        results = record_demographics(rows, by=actor(request), client=client)
        problems = [
            {"row": place, "problem": refusal_body(refusal)}
            for place, refusal in enumerate(results)
            if refusal
        ]
        return Response(
            {
                "recorded": len(results) - len(problems),
                "refused": len(problems),
                "problems": problems,
            }
        )


class Reports(ActView):
    """The reports about one model, newest first."""

    read_permission = "monitoring.view_report"

    @extend_schema(operation_id="list_reports", responses=schemas.ReportPageSchema)
    def get(self, request: Request, model: str) -> Response:
        found = queries.reports_of(model_named(model))
        pages = Pages()
        rows = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([_report(report) for report in rows])


class LatestReport(ActView):
    """The newest report of one kind, or the one named by `id`: as numbers, as a page, or as a PDF."""

    read_permission = "monitoring.view_report"
    content_negotiation_class = AnyAccept  # the view itself answers `?format=`

    @extend_schema(
        operation_id="read_report",
        parameters=[
            OpenApiParameter(
                "format", str, enum=DOCUMENT_FORMATS, description="json unless given."
            ),
            OpenApiParameter("id", int, description="A report other than the newest."),
        ],
        responses={
            (200, "application/json"): schemas.FullReportSchema,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, model: str, kind: str) -> HttpResponseBase:
        if kind == Report.Kind.FAIRNESS:
            require(actor(request), queries.FAIRNESS_PERMISSION)
        report = queries.report_of(model_named(model), kind, _number(request, "id"))
        match _choice(request, "format", DOCUMENT_FORMATS):
            case "html":
                return page_answer(queries.page_of(report))
            case "pdf":
                name = f"{model}-{kind}-{report.window_end:%Y-%m-%d}.pdf"
                return pdf_answer(queries.pdf_of(report), name)
            case _:
                raised = [
                    _alert(alert) for alert in report.alerts.select_related("model", "version")
                ]
                return Response(_report(report) | {"results": report.results, "alerts": raised})


class Passes(ActView):
    """Monitoring passes over one model."""

    @extend_schema(
        operation_id="request_monitoring_pass",
        request=schemas.PassRequestSchema,
        responses={202: schemas.PassSchema},
    )
    def post(self, request: Request, model: str) -> Response:
        body = request.data if isinstance(request.data, dict) else {}
        asked = request_pass(
            model,
            by=actor(request),
            start=_moment(body, "window_start"),
            end=_moment(body, "window_end"),
            kinds=_kinds(body),
        )
        return Response(_pass(asked), status=202)


class PassDetail(ActView):
    """How one monitoring pass stands."""

    read_permission = "monitoring.view_monitoringpass"

    @extend_schema(operation_id="read_monitoring_pass", responses=schemas.PassSchema)
    def get(self, request: Request, pass_id: UUID) -> Response:
        return Response(_pass(queries.pass_with(pass_id)))


class Alerts(ActView):
    """Limits that were crossed, newest first."""

    read_permission = "monitoring.view_alert"

    @extend_schema(
        operation_id="list_alerts",
        parameters=[
            OpenApiParameter("model", str),
            OpenApiParameter("severity", str, enum=Alert.Severity.values),
            OpenApiParameter("confirmed", bool),
        ],
        responses=schemas.AlertPageSchema,
    )
    def get(self, request: Request) -> Response:
        found = queries.alerts_for(actor(request), request.query_params.get("model"))
        if severity := _choice(request, "severity", Alert.Severity.values):
            found = found.filter(severity=severity)
        if confirmed := _choice(request, "confirmed", ("true", "false")):
            found = found.filter(confirmed=confirmed == "true")
        pages = Pages()
        rows = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([_alert(alert) for alert in rows])


def _report(report: Report) -> dict[str, Any]:
    return {
        "id": report.pk,
        "kind": report.kind,
        "model": report.version.model.name,
        "version": report.version.number,
        "policy_version": report.policy.version,
        "window_start": report.window_start,
        "window_end": report.window_end,
        "as_of": report.as_of,
        "sha256": report.sha256,
        "html_sha256": report.html_sha256,
        "pdf_sha256": report.pdf_sha256,
        "monitoring_pass": report.monitoring_pass_id,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    names = (
        "id", "trigger", "measured", "observed", "threshold", "severity", "crossed", "windows",
        "needed", "confirmed", "window_start", "window_end", "detected_at", "report_id",
    )  # fmt: skip
    shown = {name: getattr(alert, name) for name in names}
    return shown | {"model": alert.model.name, "version": alert.version.number}


def _pass(asked: MonitoringPass) -> dict[str, Any]:
    return {
        "id": asked.pk,
        "model": asked.model.name,
        "kinds": asked.kinds,
        "window_start": asked.window_start,
        "window_end": asked.window_end,
        "state": asked.state,
        "problem": asked.problem,
        "requested_at": asked.requested_at,
        "finished_at": asked.finished_at,
        "reports": [{"id": r.pk, "kind": r.kind} for r in asked.reports.order_by("pk")],
    }


def _people(body: object) -> tuple[list[object], str | None]:
    """The rows of a body that is a list, or an object with the list and the client that they are of."""
    rows = body.get("demographics") if isinstance(body, dict) else body
    client = body.get("client") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not isinstance(client, str | None):
        raise _invalid("demographics", "wrong_type", "Must be a list of people.")
    return rows, client


def _kinds(body: dict[str, Any]) -> list[str] | None:
    if "kinds" not in body:
        return None
    kinds = body["kinds"]
    if not isinstance(kinds, list) or not kinds or any(kind not in KINDS for kind in kinds):
        raise _invalid("kinds", "unknown", f"Must be a list of {', '.join(KINDS)}.")
    return kinds


def _moment(body: dict[str, Any], name: str) -> datetime | None:
    problems: list[FieldProblem] = []
    moment = read_moment(body, name, timezone.now(), problems)
    if problems:
        raise _refused(problems)
    return moment


def _choice(request: Request, name: str, allowed: Any) -> str | None:
    value = request.query_params.get(name)
    if value is not None and value not in allowed:
        raise _invalid(name, "unknown", f"Must be one of {', '.join(allowed)}.")
    return value


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise _invalid(name, "wrong_type", "Must be a whole number.")
    return int(value)


def _invalid(field: str, kind: str, detail: str) -> InvalidInput:
    return _refused([FieldProblem(field, kind, detail)])


def _refused(problems: list[FieldProblem]) -> InvalidInput:
    return InvalidInput("The request cannot be carried out.", errors=problems)
