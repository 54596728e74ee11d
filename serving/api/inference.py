"""The Open Inference Protocol, version 2, over HTTP: what it infers are decisions, as real as any other."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.action import require
from audit.api_base import ActView, actor
from audit.bodies import LARGEST_BATCH, parsed_object
from serving.choosing import deciding_version
from serving.chunks import answered
from serving.errors import InferenceMalformed
from serving.idempotency import HEADER, read_key
from serving.inference import (
    applications_of,
    inputs_of,
    outputs_of,
    tensors,
    wanted_outputs,
)
from serving.limits import admit

SERVER = {"name": "credence", "version": "2", "extensions": []}
BINARY = "Inference-Header-Content-Length"  # of an extension of the protocol


@extend_schema(exclude=True)  # the protocol publishes a schema of its own
class InferenceView(ActView):
    """A view whose errors are the protocol's `{"error": text}`."""

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        problem = response.data
        fields = "".join(f" {one['field']}: {one['detail']}" for one in problem.get("errors", ()))
        response.data = {"error": problem["detail"] + fields}
        response.content_type = "application/json"
        return response


class ServerLive(InferenceView):
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"live": True})


class ServerReady(InferenceView):
    """Whether the service can take requests. Whether a model can decide is its own question."""

    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"ready": True})


class ServerMetadata(InferenceView):
    def get(self, request: Request) -> Response:
        return Response(SERVER)


class ModelMetadata(InferenceView):
    def get(self, request: Request, model: str, number: int | None = None) -> Response:
        """Of the champion, or of version `number` where it is that."""
        version, contract = _deciding(request, model, number)
        return Response(
            {
                "name": model,
                "versions": [str(version.number)],
                "platform": "credence",
                "inputs": inputs_of(contract),
                "outputs": outputs_of(contract),
            }
        )


class ModelReady(InferenceView):
    def get(self, request: Request, model: str, number: int | None = None) -> Response:
        """An error where no version is cleared to decide, or it cannot be loaded."""
        _deciding(request, model, number)
        return Response({"name": model, "ready": True})


class Inference(InferenceView):
    def post(self, request: Request, model: str, number: int | None = None) -> Response:
        """Decide every application of the request, or none of them."""
        if BINARY in request.headers:
            raise InferenceMalformed("Tensors are taken in JSON alone: ask without binary data.")
        body: bytes = request._request.body
        document = parsed_object(body, LARGEST_BATCH)
        _, contract = _deciding(request, model, number)
        wanted = wanted_outputs(document)
        applications = applications_of(document, contract)
        key = read_key(request.headers.get(HEADER), request.get_full_path(), body)
        client = actor(request)
        allowed = admit(client, model, decisions=len(applications), at=timezone.now())
        rows = answered(model, applications, by=client, number=number, key=key, whole=True).rows
        decisions = [row["decision"] for row in rows]
        answer: dict[str, Any] = {
            "model_name": model,
            "model_version": str(decisions[0]["version"]),
            "outputs": tensors(decisions, wanted),
        }
        if isinstance(document.get("id"), str):
            answer["id"] = document["id"]
        return Response(answer, headers=allowed)


def _deciding(request: Request, model: str, number: int | None) -> tuple[Any, Any]:
    """The version that decides and its contract, for whoever may have applications decided. Raises what finding it raises."""
    require(actor(request), "serving.decide")
    loaded = deciding_version(model, timezone.now(), number)
    return loaded.version, loaded.judge.contract
