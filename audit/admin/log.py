"""Windows on the log, its checkpoints, who vouched for them, and its keys."""

import json
from datetime import datetime
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action

from audit import key_history, keys
from audit.admin_base import ReadOnlyInline, RecordWindow
from audit.admin_lists import KnownValuesFilter, MadeFilter
from audit.admin_parts import address, coloured, preformatted, table
from audit.entries import parse
from audit.entry_check import check_entry
from audit.errors import Refusal
from audit.models import Checkpoint, Cosignature, Entry, WitnessRefusal
from audit.proofs import proof_for
from audit.verify import Check

KEY_STATES = {
    "valid": "success", "in use": "success", "ending": "warning", "prepared": "info", "expired": "danger", "lost": "danger",
}  # fmt: skip


@admin.register(Entry)
class EntryAdmin(RecordWindow):
    """The log explorer: search by subject, event, actor, request or identifier."""

    list_display = ("occurred_at", "event", "actor_name", "about", "index")
    list_display_links = ("occurred_at", "event")
    list_filter = (
        ("event", KnownValuesFilter), ("subject_type", KnownValuesFilter), ("actor_name", KnownValuesFilter), MadeFilter,
    )  # fmt: skip
    search_fields = ("=id", "event", "actor_name", "=subject_id", "=request_id")
    search_help_text = "Identifier of an entry, subject or request; or part of an event or a name"
    fieldsets = (
        (None, {"fields": ("event", "occurred_at", "actor_name", "about", "request_id", "id")}),
        ("In the tree", {"fields": ("index", "leaf_hex", "proof")}),
        ("What was recorded and signed", {"fields": ("content",)}),
    )

    actions_detail = ("verify_now",)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Verify now", icon="verified", url_path="verify-now", permissions=("view",)
    )
    def verify_now(self, request: HttpRequest, object_id: str) -> TemplateResponse:
        entry = self.get_object(request, object_id)
        if entry is None:
            raise Http404
        report = check_entry(entry)
        context = {
            **admin.site.each_context(request),
            "title": "Verification of one entry",
            "entry": entry,
            "report": report,
            "checks": table(("", "Check", "Found"), [_check_row(check) for check in report.checks]),
            "back": address(entry),
        }
        return TemplateResponse(request, "audit/entry_check.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        entries: QuerySet[Entry] = super().get_queryset(request)
        return entries.select_related("leaf").defer("body")

    @admin.display(description="About")
    def about(self, entry: Entry) -> str:
        return f"{entry.subject_type} {entry.subject_id}"

    @admin.display(description="Index", empty_value="waits to be sealed")
    def index(self, entry: Entry) -> int | None:
        return entry.leaf.index if hasattr(entry, "leaf") else None

    @admin.display(description="Leaf hash")
    def leaf_hex(self, entry: Entry) -> str:
        return bytes(entry.leaf_hash).hex()

    @admin.display(description="Proof (.tlog-proof)")
    def proof(self, entry: Entry) -> str:
        try:
            return preformatted(proof_for(entry.pk))
        except Refusal as refusal:
            return refusal.detail

    @admin.display(description="Content")
    def content(self, entry: Entry) -> SafeString:
        fields = parse(bytes(entry.body))
        return preformatted(json.dumps(fields, indent=2, ensure_ascii=False))


class CosignatureInline(ReadOnlyInline):
    model = Cosignature
    fields = ("witness", "key_id", "cosigned_at", "received_at")
    readonly_fields = fields
    show_change_link = False


@admin.register(Checkpoint)
class CheckpointAdmin(RecordWindow):
    list_display = ("signed_at", "origin", "size", "root_hash", "published_at", "stamped_at")
    list_filter = ("origin",)
    list_select_related = ("publication", "publication__timestamp")
    fields = (
        "origin", "size", "root_hash", "signed_at", "published_at", "stamped_at", "note_shown",
    )  # fmt: skip
    inlines = (CosignatureInline,)

    def get_urls(self) -> list[URLPattern]:
        history = path("keys/", self.admin_site.admin_view(self.keys), name="audit_keys")
        return [history, *super().get_urls()]

    def keys(self, request: HttpRequest) -> TemplateResponse:
        """Every key that ever signed here: what it was for, since when, and what became of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **admin.site.each_context(request),
            "title": "Keys of the log",
            "keys": table(
                ("Key", "Signs", "From", "Until", "State", "Introduced", "Ended"),
                [_key_row(fact) for fact in key_history.history()],
            ),
            "log_keys": [
                {"vkey": preformatted(vkey), "fingerprint": keys.fingerprint(vkey)}
                for vkey in keys.log_vkeys()
            ],
        }
        return TemplateResponse(request, "audit/keys.html", context)

    @admin.display(description="Root")
    def root_hash(self, checkpoint: Checkpoint) -> str:
        return bytes(checkpoint.root).hex()

    @admin.display(description="Published", empty_value="waits for its witnesses")
    def published_at(self, checkpoint: Checkpoint) -> datetime | None:
        return checkpoint.publication.published_at if hasattr(checkpoint, "publication") else None

    @admin.display(description="Timestamped", empty_value="by nobody")
    def stamped_at(self, checkpoint: Checkpoint) -> str | None:
        publication = getattr(checkpoint, "publication", None)
        token = getattr(publication, "timestamp", None)
        return f"{token.stamped_at:%Y-%m-%d %H:%M:%S} UTC by {token.authority}" if token else None

    @admin.display(description="Signed note")
    def note_shown(self, checkpoint: Checkpoint) -> SafeString:
        published = hasattr(checkpoint, "publication")
        return preformatted(checkpoint.publication.note if published else checkpoint.note)


def _check_row(check: Check) -> list[object]:
    problems = format_html_join("", "<p>{}</p>", ((str(problem),) for problem in check.problems))
    outcome = (
        coloured("failed", {"failed": "danger"})
        if check.count
        else coloured("holds", {"holds": "success"})
    )
    return [outcome, check.name, problems or check.summary]


def _key_row(fact: key_history.KeyFact) -> list[object]:
    state = coloured(str(fact.state), KEY_STATES)
    if fact.ends_at_size is not None:
        state = format_html("{} up to size {}", state, f"{fact.ends_at_size:,}")
    return [
        fact.key_id,
        fact.use,
        f"{fact.since:%Y-%m-%d %H:%M}",
        f"{fact.until:%Y-%m-%d %H:%M}" if fact.until else "-",
        state,
        _entry_link(fact.introduced_by),
        _entry_link(fact.ended_by),
    ]


def _entry_link(pk: UUID | None) -> str:
    if pk is None:
        return "-"
    return format_html(
        '<a href="{}" class="text-link">entry</a>', reverse("admin:audit_entry_change", args=[pk])
    )


@admin.register(WitnessRefusal)
class WitnessRefusalAdmin(RecordWindow):
    """A witness that knows another past of this log. Each opens an incident."""

    list_display = ("refused_at", "witness", "checkpoint", "witness_size", "reason")
    list_filter = ("witness",)
    fields = ("refused_at", "witness", "witness_size", "checkpoint", "reason", "entry")
