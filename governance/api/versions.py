"""`suspension` and `rollback`: stopping a version at once, and going back to the one before it."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, actor
from governance.actions.versions import suspend_version
from governance.api.changes import ReasonBody
from governance.deciding import go_back
from governance.models import Rollback
from registry.queries import model_named, version_numbered


class SuspensionSerializer(serializers.Serializer[None]):
    model = serializers.CharField()
    version = serializers.IntegerField()
    stage = serializers.CharField()


class Suspension(ActView):
    @extend_schema(
        operation_id="versions_suspend",
        request=ReasonBody,
        responses={201: SuspensionSerializer},
    )
    def post(self, request: Request, model: str, number: int) -> Response:
        """Revoke every clearance of a version: the next application is already refused."""
        body = ReasonBody.read(request.data)
        version = version_numbered(model_named(model), number)
        version = suspend_version(version, body["rationale"], by=actor(request))
        answer = {"model": model, "version": number, "stage": version.stage}
        return Response(answer, status.HTTP_201_CREATED)


class RollbackSerializer(serializers.ModelSerializer[Rollback]):
    model = serializers.CharField(source="model.name", read_only=True)
    from_version = serializers.IntegerField(source="from_version.number", read_only=True)
    to_version = serializers.IntegerField(source="to_version.number", read_only=True)
    rolled_back_by = serializers.CharField(source="rolled_back_by.username", read_only=True)

    class Meta:
        model = Rollback
        fields = (
            "id", "model", "from_version", "to_version", "rationale", "rolled_back_by", "rolled_back_at",
        )  # fmt: skip


class RollingBack(ActView):
    @extend_schema(
        operation_id="models_roll_back",
        request=ReasonBody,
        responses={201: RollbackSerializer},
    )
    def post(self, request: Request, model: str) -> Response:
        """Put the former champion in the place of the champion: the next application is already decided by it."""
        rationale = ReasonBody.read(request.data)["rationale"]
        rollback = go_back(model_named(model), rationale, by=actor(request))
        return Response(RollbackSerializer(rollback).data, status.HTTP_201_CREATED)
