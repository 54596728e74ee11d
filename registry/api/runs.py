"""`runs`: training over HTTP. A request is answered at once; a worker trains."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from audit.api_base import ActView, StrictSerializer, actor
from registry import queries
from registry.actions.runs import request_run
from registry.algorithms import ALGORITHMS
from registry.models import Run

DEFAULT_HOLDOUT_SHARE = 0.3


class RunSerializer(serializers.ModelSerializer[Run]):
    model = serializers.CharField(source="model.name", read_only=True)
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)
    plots = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Plot name to SHA-256 of its SVG."
    )

    class Meta:
        model = Run
        fields = (
            "id",
            "model",
            "dataset",
            "algorithm",
            "params",
            "seed",
            "holdout_share",
            "status",
            "error",
            "metrics",
            "plots",
            "code_revision",
            "environment_sha256",
            "artefact_sha256",
            "content_sha256",
            "requested_by",
            "requested_at",
            "started_at",
            "finished_at",
        )


class RunRequest(StrictSerializer):
    model = serializers.CharField(help_text="Name of the model.")
    dataset = serializers.IntegerField(help_text="Number of the data set.")
    algorithm = serializers.CharField(help_text=f"One of {', '.join(ALGORITHMS)}.")
    params = serializers.DictField(default=dict)
    seed = serializers.IntegerField(default=0)
    holdout_share = serializers.FloatField(default=DEFAULT_HOLDOUT_SHARE)


class RunsView(ActView, generics.GenericAPIView[Run]):
    read_permission = "registry.view_run"
    queryset = Run.objects.select_related("model", "requested_by")
    serializer_class = RunSerializer

    @extend_schema(operation_id="runs_list", responses=RunSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The training runs, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(RunSerializer(page, many=True).data)

    @extend_schema(operation_id="runs_create", request=RunRequest, responses={202: RunSerializer})
    def post(self, request: Request) -> Response:
        """Ask for a model to be trained; `Location` is where its status can be read."""
        fields = RunRequest.read(request.data)
        run = request_run(
            queries.model_named(fields["model"]),
            queries.dataset_with(fields["dataset"]),
            fields["algorithm"],
            fields["params"],
            fields["seed"],
            fields["holdout_share"],
            by=actor(request),
        )
        location = reverse("registry-run", kwargs={"run_id": run.pk}, request=request)
        return Response(
            RunSerializer(run).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": location},
        )


class RunView(ActView):
    read_permission = "registry.view_run"

    @extend_schema(operation_id="runs_retrieve", responses=RunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """One run: what was asked for, and what came of it."""
        return Response(RunSerializer(queries.run_with(run_id)).data)


class PlotView(ActView):
    read_permission = "registry.view_run"

    @extend_schema(
        operation_id="runs_plot",
        responses={(200, "image/svg+xml"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request: Request, run_id: UUID, name: str) -> HttpResponse:
        """One plot of a run, as SVG."""
        svg = queries.plot_of(queries.run_with(run_id), name)
        return HttpResponse(svg, content_type="image/svg+xml")
