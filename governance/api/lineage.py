"""Lineage over HTTP: forward from a data set to the decisions, and back from a decision to its data."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from governance.queries.lineage import RunUse, origin_of, uses_of
from registry import queries
from registry.api.live import LiveClearance, LivePolicy
from registry.live import clearance_document, policy_document

VERSION_USE = inline_serializer(
    "VersionUse",
    {
        "model": serializers.CharField(),
        "version": serializers.IntegerField(),
        "stage": serializers.CharField(),
        "artefact_sha256": serializers.CharField(),
        "decisions": serializers.IntegerField(),
        "first_at": serializers.DateTimeField(allow_null=True),
        "last_at": serializers.DateTimeField(allow_null=True),
        "entry": serializers.UUIDField(),
    },
    many=True,
)
DATASET_LINEAGE = inline_serializer(
    "DatasetLineage",
    {
        "dataset": serializers.IntegerField(),
        "sha256": serializers.CharField(),
        "entry": serializers.UUIDField(),
        "runs": inline_serializer(
            "RunUse",
            {
                "run": serializers.UUIDField(),
                "model": serializers.CharField(),
                "status": serializers.CharField(),
                "requested_by": serializers.CharField(),
                "entry": serializers.UUIDField(),
                "versions": VERSION_USE,
            },
            many=True,
        ),
    },
)
DECISION_LINEAGE = inline_serializer(
    "DecisionLineage",
    {
        "decision": serializers.UUIDField(),
        "entry": serializers.UUIDField(),
        "model": serializers.CharField(),
        "version": serializers.IntegerField(),
        "artefact_sha256": serializers.CharField(),
        "content_sha256": serializers.CharField(),
        "baseline_id": serializers.CharField(),
        "clearance": LiveClearance(),
        "policies": LivePolicy(many=True),
        "run": serializers.DictField(),
        "dataset": serializers.DictField(),
    },
)


class DatasetLineage(ActView):
    read_permission = "registry.view_dataset"

    @extend_schema(operation_id="datasets_lineage", responses={200: DATASET_LINEAGE})
    def get(self, request: Request, dataset_id: int) -> Response:
        """What was trained on a data set, which versions came of it, and how much they decided."""
        dataset = queries.dataset_with(dataset_id)
        return Response(
            {
                "dataset": dataset.pk,
                "sha256": dataset.sha256,
                "entry": dataset.entry_id,
                "runs": [_run(use) for use in uses_of(dataset)],
            }
        )


class DecisionLineage(ActView):
    read_permission = "serving.view_decision"

    @extend_schema(operation_id="decisions_lineage", responses={200: DECISION_LINEAGE})
    def get(self, request: Request, decision_id: UUID) -> Response:
        """What a decision rests on: version, clearance, policies, run and data, each with the entry that tells of it."""
        decision = origin_of(decision_id)
        version = decision.version
        run, dataset = version.run, version.run.dataset
        return Response(
            {
                "decision": decision.pk,
                "entry": decision.entry_id,
                "model": version.model.name,
                "version": version.number,
                "artefact_sha256": decision.artefact_sha256,
                "content_sha256": version.artefact.content_sha256,
                "baseline_id": decision.baseline_id,
                "clearance": clearance_document(decision.clearance),
                "policies": [
                    policy_document(version.decision_policy),
                    policy_document(version.reason_library),
                ],
                "run": {
                    "id": run.pk,
                    "algorithm": run.algorithm,
                    "params": run.params,
                    "seed": run.seed,
                    "code_revision": run.code_revision,
                    "environment_sha256": run.environment_sha256,
                    "requested_by": run.requested_by.get_username(),
                    "entry": run.entry_id,
                },
                "dataset": {
                    "id": dataset.pk,
                    "name": dataset.name,
                    "sha256": dataset.sha256,
                    "rows": dataset.rows,
                    "source": dataset.source,
                    "entry": dataset.entry_id,
                },
            }
        )


def _run(use: RunUse) -> dict[str, Any]:
    return {
        "run": use.run.pk,
        "model": use.run.model.name,
        "status": use.run.status,
        "requested_by": use.run.requested_by.get_username(),
        "entry": use.run.entry_id,
        "versions": [
            {
                "model": one.version.model.name,
                "version": one.version.number,
                "stage": one.version.stage,
                "artefact_sha256": one.version.artefact_id,
                "decisions": one.decisions,
                "first_at": one.first_at,
                "last_at": one.last_at,
                "entry": one.version.entry_id,
            }
            for one in use.versions
        ],
    }
