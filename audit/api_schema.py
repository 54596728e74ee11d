"""What the OpenAPI document says of every operation, whatever its view says: the errors that any request can meet."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from audit.problems import CONTENT_TYPE

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ProblemErrorSchema(serializers.Serializer[None]):
    field = serializers.CharField()
    type = serializers.CharField()
    detail = serializers.CharField()


class ProblemSchema(serializers.Serializer[None]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    # three names that callers see are also attributes of the serializer's base class
    errors = ProblemErrorSchema(many=True, required=False)  # type: ignore[assignment]  # a field of that name, not what validation found
    request_id = serializers.CharField(required=False, allow_null=True)


def refused(description: str) -> OpenApiResponse:
    return OpenApiResponse(ProblemSchema, description=description)


ANY = {
    400: refused("The address, or the body, is not one that anything is at."),
    401: refused("No valid token or session."),
    403: refused("The role may not do this."),
    404: refused("There is nothing by that name."),
    406: refused("`Accept` names no form that this answer has."),
    409: refused("What is there does not allow it."),
    410: refused("The person whom this concerns was erased."),
    422: refused("Fields are wrong; `errors` names every one of them."),
    503: refused("Something that the answer needs is not there just now: ask again."),
}
READING_BODY = {
    413: refused("The body is too large."),
    415: refused("The body is of another media type."),
}


class DescribedSchema(AutoSchema):
    """drf-spectacular's description of a view, with the refusals that views share, as problem details."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        described: dict[str, Any] = super()._get_response_bodies(direction)
        shared = ANY | (READING_BODY if self.method in WRITES else {})
        for status, response in shared.items():
            if str(status) not in described:
                described[str(status)] = self._get_response_for_code(response, str(status))
        return dict(sorted(described.items()))

    def _get_response_for_code(
        self,
        serializer: Any,
        status_code: str,
        media_types: Any = None,
        direction: Literal["request", "response"] = "response",
    ) -> dict[str, Any]:
        if status_code >= "400":
            media_types = [CONTENT_TYPE]
        described: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]  # drf-spectacular's
            serializer, status_code, media_types, direction
        )
        return described
