"""Letters that explained decisions; what they say is read through the address of the decision."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from serving.admin.parts import link
from serving.models import ExplanationLetter


@admin.register(ExplanationLetter)
class ExplanationLetterAdmin(ReadOnlyAdmin):
    list_display = ("issued_at", "language", "decision_link", "issued_by")
    list_filter = ("language", "issued_at")
    list_select_related = ("decision", "issued_by")
    search_fields = ("=decision__id",)
    fields = (
        "decision_link", "language", "policy_link", "issued_by", "issued_at", "renderer", "sealed_sha256", "entry_link",
    )  # fmt: skip

    @admin.display(description="Decision")
    def decision_link(self, letter: ExplanationLetter) -> str:
        return link(letter.decision)

    @admin.display(description="Texts")
    def policy_link(self, letter: ExplanationLetter) -> str:
        return link(letter.policy)

    @admin.display(description="Entry in the log")
    def entry_link(self, letter: ExplanationLetter) -> str:
        return link(letter.entry)
