"""The log over HTTP, as tlog-tiles has it, and evidence bundles."""

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit import queries, tree
from audit.action import require
from audit.actions.exports import DISCLOSE, NoSuchExport, record_taken, request_export
from audit.api_base import ActView, AnyAccept, actor
from audit.bundled_logs import shard
from audit.errors import NotFound, NotStored, Refusal
from audit.export import bundle_path
from audit.models import EvidenceExport
from audit.scope import read_scope
from audit.sequencer import current_origin
from audit.tiles import TILE_WIDTH, Bundle, MalformedTilePath, Tile, parse_path
from audit.tree import NoSuchTile

IMMUTABLE = "private, max-age=31536000, immutable"


class NoSuchShard(NotFound):
    """The log has no shard of that name."""


class ExportNotReady(Refusal):
    """The bundle is not built yet, or could not be built."""


SHARDS = inline_serializer(
    "Shard",
    {
        "name": serializers.CharField(help_text="The last part of its origin, such as a year."),
        "origin": serializers.CharField(),
        "is_open": serializers.BooleanField(help_text="True of the one that is written now."),
        "size": serializers.IntegerField(help_text="Published entries."),
        "checkpoint": serializers.CharField(help_text="Where its newest checkpoint is."),
    },
    many=True,
)


class LogShards(ActView):
    """Every shard of the log, oldest first: each has its own checkpoint and tiles."""

    @extend_schema(operation_id="log_shards", responses={200: SHARDS})
    def get(self, request: Request) -> Response:
        current = current_origin()
        shards = [
            {
                "name": shard(origin),
                "origin": origin,
                "is_open": origin == current,
                "size": queries.published_size(origin),
                "checkpoint": reverse("shard-checkpoint", args=[shard(origin)]),
            }
            for origin in queries.origins()
        ]
        return Response(shards)


class LogCheckpoint(ActView):
    """The newest published checkpoint of a shard, by default the one that is written: its signed head, with cosignatures."""

    content_negotiation_class = AnyAccept

    @extend_schema(operation_id="log_checkpoint", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request, name: str | None = None) -> HttpResponse:
        note = queries.newest_checkpoint(_origin(name)).note
        response = HttpResponse(note, content_type="text/plain; charset=utf-8")
        response["Cache-Control"] = "no-cache"
        return response


@extend_schema_view(get=extend_schema(operation_id="shard_checkpoint"))
class ShardCheckpoint(LogCheckpoint):
    """The newest published checkpoint of the shard of that name."""


class LogTile(ActView):
    """Hash tiles for everyone who is signed in; entry bundles for those who may see entries."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="log_tile",
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            403: OpenApiResponse(description="Entry bundles need the permission to see entries."),
            404: OpenApiResponse(description="The published log is not large enough to have it."),
        },
    )
    def get(self, request: Request, path: str, name: str | None = None) -> HttpResponse:
        origin = _origin(name)
        try:
            place = parse_path(f"tile/{path}")
        except MalformedTilePath as problem:
            raise NoSuchTile(str(problem)) from None
        _require_published(place, queries.newest_checkpoint(origin).size)
        if isinstance(place, Bundle):
            require(actor(request), "audit.view_entry")
            data = tree.bundle_bytes(origin, place)
        else:
            data = tree.tile_bytes(origin, place)
        response = HttpResponse(data, content_type="application/octet-stream")
        response["Cache-Control"] = IMMUTABLE
        return response


@extend_schema_view(get=extend_schema(operation_id="shard_tile"))
class ShardTile(LogTile):
    """Tiles and entry bundles of the shard of that name."""


EXPORT = inline_serializer(
    "Export",
    {
        "id": serializers.UUIDField(),
        "state": serializers.ChoiceField(EvidenceExport.State.choices),
        "scope": serializers.DictField(),
        "requested_by": serializers.CharField(),
        "requested_at": serializers.DateTimeField(),
        "built_at": serializers.DateTimeField(allow_null=True),
        "sha256": serializers.CharField(allow_blank=True),
        "size": serializers.IntegerField(allow_null=True),
        "failure": serializers.CharField(allow_blank=True),
        "file": serializers.CharField(
            allow_null=True, help_text="Where to download it, once available."
        ),
    },
)
EXPORT_REQUEST = inline_serializer(
    "ExportRequest",
    {
        "model": serializers.CharField(required=False, help_text="Only entries about this model."),
        "from": serializers.DateField(required=False, help_text="First day, in UTC."),
        "to": serializers.DateField(required=False, help_text="Last day, included."),
        "decisions": serializers.ListField(child=serializers.CharField(), required=False),
    },
)


class Exports(ActView):
    """Evidence bundles. A worker builds them; the scope narrows what is held, listed and disclosed."""

    @extend_schema(operation_id="request_export", request=EXPORT_REQUEST, responses={202: EXPORT})
    def post(self, request: Request) -> Response:
        export = request_export(read_scope(request.data), by=actor(request))
        body = _answer(export)
        location = reverse("export", args=[export.pk])
        return Response(body, status=202, headers={"Location": location})


class ExportDetail(ActView):
    """The state of one evidence bundle."""

    read_permission = "audit.view_evidenceexport"

    @extend_schema(operation_id="export", responses={200: EXPORT})
    def get(self, request: Request, export_id: UUID) -> Response:
        return Response(_answer(_export(export_id)))


class ExportFile(ActView):
    """The bundle itself, a zip."""

    read_permission = "audit.export_evidence"
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="export_file", responses={(200, "application/zip"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        export = _export(export_id)
        if export.scope["disclose"]:
            require(actor(request), DISCLOSE)
        if export.state != EvidenceExport.State.AVAILABLE:
            raise ExportNotReady(f"The export is {export.state}. {export.failure}".strip())
        try:
            file = bundle_path(export).open("rb")
        except FileNotFoundError:
            raise NotStored(f"The file of export {export_id} is gone. Ask for a new one.") from None
        if export.scope["disclose"]:
            record_taken(export.pk, by=actor(request))
        return FileResponse(
            file,
            as_attachment=True,
            filename=f"evidence-{export.pk}.zip",
            content_type="application/zip",
        )


def _origin(name: str | None) -> str:
    """The shard of that name, or the one that is written. Raises NoSuchShard."""
    if name is None:
        return current_origin()
    for origin in queries.origins():
        if shard(origin) == name:
            return origin
    raise NoSuchShard(f"The log has no shard {name!r}. GET log/shards lists them.")


def _require_published(place: Tile | Bundle, size: int) -> None:
    """What lies beyond the newest published checkpoint is nobody's yet, whatever the database holds."""
    level = place.level if isinstance(place, Tile) else 0
    if place.index * TILE_WIDTH + place.width > size >> 8 * level:
        raise NoSuchTile(f"The signed log has {size} entries, and no {place.path}.")


def _export(export_id: UUID) -> EvidenceExport:
    export = EvidenceExport.objects.filter(pk=export_id).first()
    if export is None:
        raise NoSuchExport(f"There is no export {export_id}.")
    return export


def _answer(export: EvidenceExport) -> dict[str, Any]:
    available = export.state == EvidenceExport.State.AVAILABLE
    return {
        "id": export.pk,
        "state": export.state,
        "scope": export.scope,
        "requested_by": export.requested_by,
        "requested_at": export.requested_at,
        "built_at": export.built_at,
        "sha256": export.sha256,
        "size": export.size,
        "failure": export.failure,
        "file": reverse("export-file", args=[export.pk]) if available else None,
    }
