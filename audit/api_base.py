"""What every REST view shares: who may read, how bodies are read, and pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, ClassVar, cast

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.action import require
from audit.bodies import LARGEST_SINGLE, MIB, parsed_json, parsed_object, require_keepable
from audit.context import recognised_by
from audit.errors import BodyTooLarge

DOCUMENT_FORMATS = ("json", "html", "pdf")
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class Pages(PageNumberPagination):
    """`?page=2&page_size=100`."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class StrictJSON(BaseParser):
    """Reads a body as `audit.bodies` does, up to the view's `largest_body`; a longer one is not even read."""

    media_type = "application/json"

    def parse(
        self, stream: object, media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        largest = parser_context["view"].largest_body
        document = parsed_json(raw_body(parser_context["request"], largest), largest)
        require_keepable(document)
        return document


class ActView(APIView):
    """A view whose reads need `read_permission` through a role; its writes call acts, which check for themselves."""

    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated,)
    parser_classes: Sequence[type[BaseParser]] = (StrictJSON,)
    read_permission: ClassVar[str | None] = None
    largest_body: ClassVar[int] = LARGEST_SINGLE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        recognised_by("token" if request.auth else "session")
        if self.read_permission and request.method in {"GET", "HEAD"}:
            require(actor(request), self.read_permission)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(answer, Response):  # a page or a stream is none
            answer.add_post_render_callback(_let_go)
        return answer


def _let_go(answer: Any) -> None:
    """A rendered answer, its request and its view hold each other no longer: they go when the request ends, and are no work for
    the garbage collector."""
    request: Request = answer.renderer_context["request"]
    vars(request._request).pop("auser", None)  # AuthenticationMiddleware's, bound to the request
    vars(answer.renderer_context["view"]).pop("head", None)  # Django's, bound to the view
    request.parser_context = {}
    answer.renderer_context = {}


class AnyAccept(BaseContentNegotiation):
    """For views with one representation: whatever `Accept` says, they answer with it."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


def page_answer(html: bytes) -> HttpResponse:
    """A document as a page: it runs nothing and fetches nothing, whatever a text in it looks like."""
    answer = HttpResponse(html, content_type="text/html; charset=utf-8")
    answer["Content-Security-Policy"] = PAGE_POLICY
    return answer


def pdf_answer(pdf: bytes, name: str) -> HttpResponse:
    """A document as a PDF, shown by the browser and kept under that name."""
    answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


def actor(request: Request) -> User:
    """The signed-in user, as acts take it."""
    assert isinstance(request.user, User)
    return request.user


def raw_body(request: Request, largest: int) -> bytes:
    """The bytes of a JSON request, of at most `largest`; a longer body is not even read.

    Raises UnsupportedMediaType or BodyTooLarge.
    """
    if media_type_of(request) != StrictJSON.media_type:
        raise UnsupportedMediaType(request.content_type)
    _require_length(request, largest)
    body: bytes = request._request.body
    return body


def media_type_of(request: Request) -> str:
    return str(request.content_type).partition(";")[0].strip().lower()


def unread_body(request: Request, largest: int) -> IO[bytes]:
    """The body to read piece by piece, for views that take one larger than memory. Raises BodyTooLarge.

    Where the server says that it ends a body sent in pieces by itself, Django would read nothing without a length.
    """
    _require_length(request, largest)
    if "CONTENT_LENGTH" not in request.META and "HTTP_TRANSFER_ENCODING" in request.META:
        return cast(IO[bytes], request.META["wsgi.input"])
    return cast(IO[bytes], request._request)


def _require_length(request: Request, largest: int) -> None:
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest:
        raise BodyTooLarge(f"The body is larger than {largest // MIB} MiB.")


def json_object(request: Request, largest: int) -> dict[str, Any]:
    """The JSON object in the body, for views that judge each field themselves. Raises what `parsed_object` raises."""
    return parsed_object(raw_body(request, largest), largest)


class StrictSerializer(serializers.Serializer[Any]):
    """A request body or query. Every field at fault is named at once, unknown fields among them."""

    @classmethod
    def read(cls, sent: object) -> dict[str, Any]:
        """The fields as they are declared. Raises ValidationError, which is answered as a refusal."""
        reading = cls(data=sent)
        reading.is_valid(raise_exception=True)
        return dict(reading.validated_data)

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        problems: dict[str, Any] = {
            name: [serializers.ErrorDetail("There is no such field.", code="unexpected")]
            for name in unknown
        }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, Mapping):
                raise serializers.ValidationError({**error.detail, **problems}) from error
            raise
        if problems:
            raise serializers.ValidationError(problems)
        return value
