"""RFC 9457 problem details: one place that turns what was raised into what a caller sees."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import server_error as django_server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from audit.context import circumstances
from audit.errors import FieldProblem, Refusal

CONTENT_TYPE = "application/problem+json"
# What the framework raises, and the stable type that callers see.
FRAMEWORK_TYPES: dict[type[Exception], str] = {
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.AuthenticationFailed: "authentication-failed",
    exceptions.PermissionDenied: "not-permitted",
    PermissionDenied: "not-permitted",
    exceptions.NotFound: "not-found",
    Http404: "not-found",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.NotAcceptable: "not-acceptable",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.ParseError: "malformed-body",
    exceptions.Throttled: "too-many-requests",
    exceptions.ValidationError: "invalid-input",
}


def handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. None, and so a 500 without detail, for everything that is neither a refusal nor the framework's."""
    if isinstance(exc, Refusal):
        set_rollback()
        return Response(
            refusal_body(exc), exc.status, headers=dict(exc.headers), content_type=CONTENT_TYPE
        )
    response = exception_handler(exc, dict(context))
    if response is None:
        return None
    response.data = _framework_body(exc, response)
    response.content_type = CONTENT_TYPE
    return response


def refusal_body(refusal: Refusal) -> dict[str, Any]:
    return problem_body(refusal.type, refusal.title, refusal.status, refusal.detail, refusal.errors)


def problem_body(
    kind: str, title: str, status: int, detail: str, errors: tuple[FieldProblem, ...] = ()
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"field": e.field, "type": e.type, "detail": e.detail} for e in errors]
    body["request_id"] = circumstances().request_id
    return body


def problem_response(refusal: Refusal) -> JsonResponse:
    """For views that are not DRF's."""
    return JsonResponse(
        refusal_body(refusal),
        status=refusal.status,
        headers=dict(refusal.headers),
        content_type=CONTENT_TYPE,
    )


def is_of_api(request: HttpRequest) -> bool:
    """Whether the address is one that programs ask; the others are pages."""
    return request.path_info.startswith("/api/")


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Addresses under /api/ that do not exist."""
    detail = f"There is nothing at {request.path}."
    return JsonResponse(
        problem_body("not-found", "Not found", 404, detail), status=404, content_type=CONTENT_TYPE
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever else went wrong: no detail but the request's id, under which the operational log has it."""
    if not is_of_api(request):
        return django_server_error(request)
    body = problem_body(
        "server-error", "Server error", 500, "This is a fault of ours; it was logged."
    )
    return JsonResponse(body, status=500, content_type=CONTENT_TYPE)


def _framework_body(exc: Exception, response: Response) -> dict[str, Any]:
    kind = next(
        (name for base, name in FRAMEWORK_TYPES.items() if isinstance(exc, base)), "refused"
    )
    title = kind.replace("-", " ").capitalize()
    if isinstance(exc, exceptions.ValidationError):
        errors = tuple(_field_problems("", exc.detail))
        return problem_body(
            kind, title, response.status_code, "The request has fields that are wrong.", errors
        )
    detail = response.data.get("detail", title) if isinstance(response.data, dict) else title
    return problem_body(kind, title, response.status_code, str(detail))


def _field_problems(field: str, detail: Any) -> list[FieldProblem]:
    if isinstance(detail, Mapping):
        named = ((f"{field}.{key}" if field else str(key), item) for key, item in detail.items())
        return [problem for key, item in named for problem in _field_problems(key, item)]
    if isinstance(detail, list):
        return [problem for item in detail for problem in _field_problems(field, item)]
    return [FieldProblem(field, getattr(detail, "code", "invalid"), str(detail))]
