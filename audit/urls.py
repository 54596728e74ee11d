"""Addresses of this floor, under /api/v1/."""

from django.urls import path

from audit.api import archive, log, passes

urlpatterns = [
    path("log/checkpoint", log.LogCheckpoint.as_view(), name="log-checkpoint"),
    path("log/tile/<path:path>", log.LogTile.as_view(), name="log-tile"),
    path("log/shards", log.LogShards.as_view(), name="log-shards"),
    path(
        "log/shards/<str:name>/checkpoint", log.ShardCheckpoint.as_view(), name="shard-checkpoint"
    ),
    path("log/shards/<str:name>/tile/<path:path>", log.ShardTile.as_view(), name="shard-tile"),
    path("log/archivings", passes.Archivings.as_view(), name="log-archivings"),
    path("log/verifications", passes.Verifications.as_view(), name="log-verifications"),
    path("log/passes/<uuid:pass_id>", passes.PassDetail.as_view(), name="log-pass"),
    path("archive/restores", archive.Restores.as_view(), name="restores"),
    path("archive/restores/<uuid:restore_id>", archive.RestoreDetail.as_view(), name="restore"),
    path("exports", log.Exports.as_view(), name="exports"),
    path("exports/<uuid:export_id>", log.ExportDetail.as_view(), name="export"),
    path("exports/<uuid:export_id>/file", log.ExportFile.as_view(), name="export-file"),
]
