"""Each request has an id, which its entries and its errors carry, and an address that a database can take."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.context import acting
from audit.errors import MalformedAddress
from audit.ids import uuid7
from audit.problems import problem_response

HEADER = "X-Request-Id"
_SAFE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Takes a caller's `X-Request-Id` where it is short and plain, else makes one; answers with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if _SAFE.fullmatch(given) else str(uuid7())
        with acting(request_id=request_id, authn="session"):
            response = self._answer(request)
        response[HEADER] = request_id
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return problem_response(MalformedAddress("An address holds no NUL."))
        return self._get_response(request)
