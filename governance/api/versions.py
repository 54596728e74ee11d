"""`suspension`: stopping a version at once."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.versions import suspend_version
from registry.queries import model_named, version_numbered


class SuspensionBody(StrictSerializer):
    rationale = serializers.CharField(allow_blank=True)


class SuspensionSerializer(serializers.Serializer[None]):
    model = serializers.CharField()
    version = serializers.IntegerField()
    stage = serializers.CharField()


class Suspension(ActView):
    @extend_schema(
        operation_id="versions_suspend",
        request=SuspensionBody,
        responses={201: SuspensionSerializer},
    )
    def post(self, request: Request, model: str, number: int) -> Response:
        """Revoke every clearance of a version: the next application is already refused."""
        body = SuspensionBody(data=request.data)
        body.is_valid(raise_exception=True)
        version = version_numbered(model_named(model), number)
        version = suspend_version(version, body.validated_data["rationale"], by=actor(request))
        answer = {"model": model, "version": number, "stage": version.stage}
        return Response(answer, status.HTTP_201_CREATED)
