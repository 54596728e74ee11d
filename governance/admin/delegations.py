"""The window on delegated seats, and the buttons that lend one and end that."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from governance.actions.delegations import delegate_seat, end_delegation
from governance.admin.fields import choice, day, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import moment, tag
from governance.models import Delegation, DelegationEnd
from governance.queries.accounts import account
from governance.quorum import ALL_SEATS


class DelegationForm(forms.Form):
    seat = choice("Seat", [(seat, seat) for seat in ALL_SEATS])
    delegate = line("Delegate", "The account of whoever takes your seat meanwhile.")
    until = day("Until", "The last day, in UTC.")
    reason = paragraph("Reason", "Why. It is recorded under your name.")


class EndForm(forms.Form):
    reason = paragraph("Reason", "Why it ends. It is recorded under your name.")


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin):
    """Who lets whom take which seat, and how long."""

    list_display = ("seat", "delegator", "delegate", "valid_from", "valid_to", "state")
    list_filter = ("seat",)
    list_select_related = ("delegator", "delegate", "end")
    fields = ("seat", "delegator", "delegate", "valid_from", "valid_to", "reason", "state", "ended", "entry")  # fmt: skip

    @admin.display(description="State")
    def state(self, delegation: Delegation) -> SafeString:
        if hasattr(delegation, "end") or delegation.valid_to <= timezone.now():
            return tag("expired")
        return tag("in force")

    @admin.display(description="Ended early")
    def ended(self, delegation: Delegation) -> str:
        end = getattr(delegation, "end", None)
        return f"{moment(end.revoked_at)} by {end.revoked_by}: {end.reason}" if end else "-"


@admin.register(DelegationEnd)
class DelegationEndAdmin(ReadOnlyAdmin):
    list_display = ("delegation", "revoked_by", "revoked_at", "reason")
    list_select_related = ("delegation__delegator", "delegation__delegate", "revoked_by")


def _delegate(_: None, fields: dict[str, Any], by: User) -> Done:
    end = datetime.combine(fields["until"], time.max, UTC)
    delegate = account(fields["delegate"])
    made = delegate_seat(fields["seat"], delegate, fields["reason"], end, by=by)
    return Done(f"{made.delegate} may take your seat until {made.valid_to:%Y-%m-%d}.")


def _end(delegation: Delegation, fields: dict[str, Any], by: User) -> Done:
    end_delegation(delegation.pk, fields["reason"], by=by)
    return Done("The delegation is ended.")


def _is_of(delegation: Delegation, user: User) -> bool:
    mine = user.pk in {delegation.delegator_id, delegation.delegate_id}
    return mine and not hasattr(delegation, "end") and delegation.valid_to > timezone.now()


offer(
    ActPage(
        model=Delegation,
        slug="delegate",
        title="Delegate a seat",
        icon="switch_account",
        needs="governance.delegate_seat",
        what_happens="Somebody else takes your seat for a while, under their own name. They cannot pass it on, and approve nothing that you could not.",
        perform=_delegate,
        form=DelegationForm,
        on_list=True,
    ),
    ActPage(
        model=Delegation,
        slug="end",
        title="End",
        icon="event_busy",
        needs="governance.delegate_seat",
        what_happens="The delegation ends now; what was approved by it stays.",
        perform=_end,
        form=EndForm,
        applies=_is_of,
    ),
)
