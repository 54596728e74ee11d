"""Steps of rollouts: which version decides which share."""

from django.contrib import admin
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from serving.admin.parts import link
from serving.models import Deployment


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    list_display = ("version", "role", "share_percent", "started_at", "ended_at")
    list_filter = ("role", "model")
    list_select_related = ("version__model",)
    fields = (
        "version", "role", "share_percent", "clearance_link", "change_request_id", "started_at", "ended_at",
        "ending_reason", "entry",
    )  # fmt: skip

    @admin.display(description="Clearance")
    def clearance_link(self, step: Deployment) -> SafeString | str:
        return link(step.clearance)
