"""`runs/outside` and what follows: runs that are trained by a client, and reported here as they go."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from audit.bodies import LARGEST_BATCH, MIB
from audit.errors import BodyTooLarge, MalformedBody
from registry import outside, queries, training
from registry.actions.outside_runs import Opening
from registry.api.runs import DEFAULT_HOLDOUT_SHARE, RunSerializer
from registry.models import Run, RunReport
from registry.provenance import environment_of

LARGEST_MODEL = 256 * MIB
MOST_PACKAGES = 5_000


class ColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    feature = serializers.CharField()
    category = serializers.CharField(
        allow_null=True,
        help_text="The category that this column is 1 for; null for the value itself.",
    )


class OpenRunSerializer(RunSerializer):
    columns = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "columns")  # type: ignore[assignment]  # longer than the list's

    @extend_schema_field(ColumnSerializer(many=True))
    def get_columns(self, run: Run) -> list[dict[str, Any]]:
        return [
            {"name": column.name, "feature": column.feature, "category": column.category}
            for column in queries.contract_of(run.dataset).columns
        ]


class EnvironmentField(StrictSerializer):
    python = serializers.CharField(max_length=40)
    packages = serializers.ListField(
        child=serializers.RegexField(r"^[^=\s]+==\S+$", max_length=200),
        max_length=MOST_PACKAGES,
        help_text="name==version of each.",
    )


class OutsideRunRequest(StrictSerializer):
    key = serializers.UUIDField(help_text="The client's own: opened twice with it, it is one run.")
    model = serializers.CharField(help_text="Name of the model.")
    dataset = serializers.CharField(help_text="Number of the data set, or its SHA-256.")
    seed = serializers.IntegerField(
        default=0, help_text="Says, with the share, which rows are held out."
    )
    holdout_share = serializers.FloatField(default=DEFAULT_HOLDOUT_SHARE)
    code_revision = serializers.CharField(max_length=64, allow_blank=True)
    environment = EnvironmentField()


class MetricField(StrictSerializer):
    name = serializers.CharField(max_length=200)
    value = serializers.FloatField()
    step = serializers.IntegerField(default=0, min_value=0, max_value=2**53)


class ScoresField(StrictSerializer):
    bad = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=1))
    pd = serializers.ListField(child=serializers.FloatField(min_value=0, max_value=1))
    threshold = serializers.FloatField(default=0.5)
    sample = serializers.CharField(max_length=60, default="holdout")


class ReportRequest(StrictSerializer):
    key = serializers.UUIDField(help_text="The client's own: sent twice with it, it is one report.")
    params = serializers.DictField(required=False)
    tags = serializers.DictField(required=False)
    metrics = MetricField(many=True, required=False)
    importance = serializers.DictField(required=False)
    scores = ScoresField(required=False)


class ReportSerializer(serializers.ModelSerializer[RunReport]):
    class Meta:
        model = RunReport
        fields = ("key", "run", "body", "said_sha256", "reported_at")


class EndRequest(StrictSerializer):
    error = serializers.CharField(
        default="", allow_blank=True, help_text="Why the run failed; empty where it did not."
    )


class SplitSerializer(serializers.Serializer[Any]):
    in_sample = serializers.ListField(child=serializers.CharField())
    held_out = serializers.ListField(child=serializers.CharField())


class OutsideRunsView(ActView):
    @extend_schema(
        operation_id="outside_runs_create",
        request=OutsideRunRequest,
        responses={200: OpenRunSerializer, 201: OpenRunSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin to report a run that is trained outside: 201, or 200 where this key opened it before."""
        fields = OutsideRunRequest.read(request.data)
        known = queries.run_of_key(fields["key"]) is not None
        run = outside.open_run(
            queries.model_named(fields["model"]),
            queries.dataset_called(fields["dataset"]),
            fields["key"],
            Opening(
                fields["seed"],
                fields["holdout_share"],
                fields["code_revision"],
                environment_of(fields["environment"]["packages"], fields["environment"]["python"]),
            ),
            by=actor(request),
        )
        return Response(
            OpenRunSerializer(run).data,
            status=status.HTTP_200_OK if known else status.HTTP_201_CREATED,
        )


class SplitView(ActView):
    read_permission = "registry.view_run"

    @extend_schema(operation_id="runs_split", responses=SplitSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """The row ids that the run's seed and share hold out, and those to train on."""
        run = queries.run_with(run_id)
        snapshot = queries.snapshot_of(run.dataset)
        row_ids = snapshot.row_ids
        trained_on = training.split(row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
        return Response(
            {
                "in_sample": row_ids[trained_on].tolist(),
                "held_out": row_ids[~trained_on].tolist(),
            }
        )


class ReportsView(ActView):
    read_permission = "registry.view_runreport"
    largest_body = LARGEST_BATCH

    @extend_schema(
        operation_id="runs_reported", responses={(200, "application/json"): OpenApiTypes.OBJECT}
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """Everything that the client said of the run, put together. None of it was measured here."""
        return Response(queries.reported_of(queries.run_with(run_id)).as_json())

    @extend_schema(
        operation_id="runs_report", request=ReportRequest, responses={200: ReportSerializer}
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """Say something of an open run: parameters, tags, metrics, importance, scores with labels."""
        said = ReportRequest.read(request.data)
        key = said.pop("key")
        report = outside.report_run(run_id, key, said, by=actor(request))
        return Response(ReportSerializer(report).data)


class Bytes(BaseParser):
    """The body as it is, up to the view's `largest_body`."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        largest = parser_context["view"].largest_body
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > largest:
            raise BodyTooLarge(f"The body is larger than {largest // MIB} MiB.")
        data: bytes = stream.read()
        return data


class HandInView(ActView):
    parser_classes = (Bytes,)
    largest_body: ClassVar[int] = LARGEST_MODEL

    @extend_schema(
        operation_id="runs_hand_in",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: ReportSerializer},
    )
    def put(self, request: Request, run_id: UUID) -> Response:
        """Hand in the model of an open run, in a format without pickle; what it is, is told by its content."""
        data: Any = request.data
        if not isinstance(data, bytes):  # without a body, the framework parses nothing
            raise MalformedBody("The body holds no model.")
        report = outside.hand_in_model(run_id, data, by=actor(request))
        return Response(ReportSerializer(report).data)


class EndView(ActView):
    @extend_schema(operation_id="runs_end", request=EndRequest, responses={200: RunSerializer})
    def post(self, request: Request, run_id: UUID) -> Response:
        """End an open run. With a model it is measured here next; with an error it failed."""
        body = EndRequest.read(request.data)
        run = outside.end_run(run_id, body["error"], by=actor(request))
        return Response(RunSerializer(run).data)
