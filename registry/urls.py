"""Addresses of this floor, under /api/v1/."""

from django.urls import path

from registry.api.comparisons import ComparisonView
from registry.api.datasets import DatasetProfileView, DatasetView
from registry.api.feature_tables import FeatureRowsView, FeatureTablesView, FeatureTableView
from registry.api.live import LiveView
from registry.api.models import ModelRecordsView, ModelsView, ModelView, TierView
from registry.api.outside_runs import (
    EndView,
    HandInView,
    OutsideRunsView,
    ReportsView,
    SplitView,
)
from registry.api.policies import PoliciesView, PolicyView
from registry.api.restrictions import LiftView, RestrictionsView
from registry.api.runs import PlotView, RunsView, RunView
from registry.api.versions import VersionsView, VersionView

urlpatterns = [
    path("models", ModelsView.as_view(), name="registry-models"),
    path("models/<slug:model>", ModelView.as_view(), name="registry-model"),
    path("models/<slug:model>/records", ModelRecordsView.as_view(), name="registry-records"),
    path("models/<slug:model>/tier", TierView.as_view(), name="registry-tier"),
    path("models/<slug:model>/live", LiveView.as_view(), name="registry-live"),
    path(
        "models/<slug:model>/restrictions",
        RestrictionsView.as_view(),
        name="registry-restrictions",
    ),
    path("restrictions/<int:restriction_id>/lift", LiftView.as_view(), name="registry-lift"),
    path("models/<slug:model>/versions", VersionsView.as_view(), name="registry-versions"),
    path(
        "models/<slug:model>/versions/<int:number>", VersionView.as_view(), name="registry-version"
    ),
    path("datasets/<int:dataset_id>", DatasetView.as_view(), name="registry-dataset"),
    path("datasets/<int:dataset_id>/profile", DatasetProfileView.as_view()),
    path("feature-tables", FeatureTablesView.as_view(), name="registry-feature-tables"),
    path(
        "feature-tables/<slug:name>/<int:version>",
        FeatureTableView.as_view(),
        name="registry-feature-table",
    ),
    path("feature-tables/<slug:name>/<int:version>/rows", FeatureRowsView.as_view()),
    path("runs", RunsView.as_view(), name="registry-runs"),
    path("runs/<uuid:run_id>", RunView.as_view(), name="registry-run"),
    path("runs/outside", OutsideRunsView.as_view(), name="registry-outside-runs"),
    path("runs/compare", ComparisonView.as_view(), name="registry-compare"),
    path("runs/<uuid:run_id>/split", SplitView.as_view()),
    path("runs/<uuid:run_id>/reports", ReportsView.as_view()),
    path("runs/<uuid:run_id>/artefact", HandInView.as_view()),
    path("runs/<uuid:run_id>/end", EndView.as_view()),
    path("runs/<uuid:run_id>/plots/<slug:name>", PlotView.as_view(), name="registry-plot"),
    path("policies", PoliciesView.as_view(), name="registry-policies"),
    path("policies/<int:policy_id>", PolicyView.as_view(), name="registry-policy"),
]
