"""Outcomes, failures and idempotency keys."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from serving.admin.parts import link
from serving.models import ExplanationFailure, IdempotencyRecord, LoadFailure, Outcome


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    list_display = ("decision_link", "bad", "observed_on", "months_on_book", "matured", "source")
    list_filter = ("bad", "matured", "observed_on", "source")
    list_select_related = ("decision",)

    @admin.display(description="Decision")
    def decision_link(self, outcome: Outcome) -> str:
        return link(outcome.decision)


@admin.register(LoadFailure, ExplanationFailure)
class FailureAdmin(ReadOnlyAdmin):
    list_display = ("version", "reason", "failed_at")
    list_filter = ("version__model", "failed_at")
    list_select_related = ("version__model",)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("key", "client", "decision", "created_at")
    list_filter = ("client", "created_at")
    list_select_related = ("client",)
