"""The window on access requests, and the button that records one."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from audit.person_requests import PersonRequest
from governance.actions.access import request_access
from governance.admin.erasures import RequestForm
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import tag
from governance.clock import days_left
from governance.models import AccessRequest

State = AccessRequest.State


@admin.register(AccessRequest)
class AccessRequestAdmin(ReadOnlyAdmin):
    """Each request with its clock and its file."""

    list_display = ("correspondence", "state_shown", "left", "received_on", "person", "expires_at")
    list_display_links = ("correspondence",)
    list_filter = ("state",)
    search_fields = ("correspondence", "=subject_id")
    fieldsets = (
        (None, {"fields": ("correspondence", "state_shown", "person", "identity_check", "note")}),
        ("Clock", {"fields": ("received_on", "due_on", "left")}),
        ("Copy", {"fields": ("download", "built_at", "expires_at", "size", "sha256")}),
        ("Record", {"fields": ("requested_by", "requested_at", "id", "entry")}),
    )

    @admin.display(description="State", ordering="state")
    def state_shown(self, request: AccessRequest) -> SafeString:
        return tag(request.state)

    @admin.display(description="Answer due")
    def left(self, request: AccessRequest) -> str:
        if request.state not in {State.REQUESTED, State.FAILED}:
            return "-"
        return days_left(request.due_on, timezone.now().date())

    @admin.display(description="Person", empty_value="nobody whom the vault knows")
    def person(self, request: AccessRequest) -> str | None:
        return str(request.subject_id) if request.subject_id else None

    @admin.display(description="File", empty_value="not there")
    def download(self, request: AccessRequest) -> SafeString | None:
        if request.state != State.AVAILABLE:
            return None
        address: Any = reverse("access-file", args=[request.pk])
        return format_html('<a href="{}" class="text-link">Download the copy</a>', address)


def _record(_: None, fields: dict[str, Any], by: User) -> Done:
    asked = request_access(PersonRequest(**fields), by=by)
    return Done(f"The request is recorded and its copy is being made. It is due on {asked.due_on}.")


offer(
    ActPage(
        model=AccessRequest,
        slug="record",
        title="Record a request",
        icon="contact_page",
        needs="governance.request_access",
        what_happens="A worker puts together everything that is held about the person. Who downloads it is recorded.",
        perform=_record,
        form=RequestForm,
        on_list=True,
    ),
)
