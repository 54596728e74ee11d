"""Decisions and what they were made of."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from audit.admin_base import ReadOnlyAdmin, may_see
from audit.admin_lists import KnownValuesFilter, MadeFilter
from serving.admin.counterfactuals import counterfactuals_page
from serving.admin.decision_parts import PARTS
from serving.admin.decision_parts.facts import state, version_link
from serving.admin.decision_parts.parts import SEEN_BY_FEW
from serving.admin.parts import link
from serving.models import Decision, Observation


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", state, "decision_path", version_link, "client", "id")
    list_filter = (
        "outcome", "decision_path", ("model_name", KnownValuesFilter), "version", MadeFilter,
    )  # fmt: skip
    list_select_related = ("version__model", "client")
    search_fields = ("=id",)
    actions_detail = ("counterfactuals",)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="What would have changed it",
        icon="alt_route",
        url_path="counterfactuals",
        permissions=("see_observation",),
    )
    def counterfactuals(self, request: HttpRequest, object_id: str) -> HttpResponse:
        decision = self.get_object(request, object_id)
        if decision is None:
            raise Http404
        return counterfactuals_page(request, decision)

    def has_see_observation_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self.has_view_permission(request) and may_see(request, SEEN_BY_FEW)

    def get_fieldsets(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """The parts that this reader sees of this decision."""
        if obj is None:
            return []
        sees_observations = may_see(request, SEEN_BY_FEW)
        return [
            (part.heading, {"fields": part.fields})
            for part in PARTS
            if part.is_shown(obj, sees_observations)
        ]


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    list_display = ("decision_link", "pd", "margin", "subject_id")
    list_select_related = ("decision",)
    fields = ("decision_link", "subject_id", "pd", "margin", "cut_off", "base_value", "reasons")
    search_fields = ("=decision__id",)

    @admin.display(description="Decision")
    def decision_link(self, observation: Observation) -> str:
        return link(observation.decision)
