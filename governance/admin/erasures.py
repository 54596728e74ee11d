"""Windows on requests for erasure, and the buttons that record, extend and decide them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.actions.erasures import (
    decide_erasure_case,
    dispute_erasure_case,
    extend_erasure_case,
    record_erasure_request,
)
from audit.admin_base import ReadOnlyAdmin
from audit.admin_parts import preformatted
from audit.cases import assessment_of
from audit.models import ErasureCase, ErasureDispute
from audit.person_requests import PersonRequest
from audit.purposes import PURPOSES
from audit.weighing import GROUNDS
from governance.actions.erasures import GROUNDS_OF, request_erasure
from governance.admin.fields import choice, day, identifier, line, paragraph
from governance.admin.pages import ActPage, Done, RationaleForm, offer
from governance.admin.parts import links, table, tag
from governance.clock import days_left

HEADERS = ["For", "Then", "Article", "Records", "Kept until", "Why"]


_GROUND_CHOICES = [(ground, f"{ground}: {about}") for ground, about in GROUNDS.items()]


class RequestForm(forms.Form):
    correspondence = line("File number", "The bank's own, without a name in it.")
    received_on = day("Received on", "The month for the answer counts from here.")
    identity_check = paragraph("Identity", "How it was made sure that the person is who they say.")
    client = line("Lending system", "Whose reference follows, for example lending.")
    subject_ref = line("Its reference for the person", "Looked up, and kept nowhere.")
    subject_id = identifier("Or the person's identifier here", "Instead of a reference.")


class ExtensionForm(forms.Form):
    reason = paragraph("Reason", "The person is told. It is recorded under your name.")


class DisputeForm(forms.Form):
    disputed_by = choice("Disputed by", list(ErasureDispute.Side.choices))
    ground = choice("Ground", _GROUND_CHOICES, "Whose application is disputed.")
    reason = paragraph("Reason", "What is said against it, without names. It is recorded.")


class SettlementForm(RationaleForm):
    outcome = choice("Outcome", [(name, name.capitalize()) for name in GROUNDS_OF])
    ground = choice("Ground", _GROUND_CHOICES, "Erased under Art. 17(1); refused under Art. 17(3).")


class SeenForm(forms.Form):
    """The digest of what the page showed: what is decided is what was seen."""

    seen = forms.CharField(widget=forms.HiddenInput)


@admin.register(ErasureCase)
class ErasureCaseAdmin(ReadOnlyAdmin):
    """Each request with its clock and what was decided, or would be."""

    list_display = (
        "correspondence",
        "state_shown",
        "outcome_shown",
        "left",
        "received_on",
        "person",
    )
    list_display_links = ("correspondence",)
    list_filter = ("state", "outcome")
    search_fields = ("correspondence", "=subject__id")
    fieldsets = (
        (None, {"fields": ("correspondence", "state_shown", "outcome_shown", "person", "identity_check")}),
        ("Clock", {"fields": ("received_on", "due_on", "extended_until", "extension_reason", "left")}),
        ("What is held, and what becomes of it", {"fields": ("parts", "is_restricted")}),
        ("Dispute", {"fields": ("dispute_shown", "settled_by")}),
        ("Answer", {"fields": ("letter_text",)}),
        ("Record", {"fields": ("recorded_by", "recorded_at", "decided_by", "decided_at", "id", "entry")}),
    )  # fmt: skip

    @admin.display(description="State", ordering="state")
    def state_shown(self, case: ErasureCase) -> SafeString:
        return tag(case.state)

    @admin.display(description="Outcome", ordering="outcome", empty_value="-")
    def outcome_shown(self, case: ErasureCase) -> SafeString | None:
        return tag(case.outcome) if case.outcome else None

    @admin.display(description="Answer due")
    def left(self, case: ErasureCase) -> str:
        if case.state != ErasureCase.State.OPEN:
            return "-"
        return days_left(case.answer_due_on, timezone.now().date())

    @admin.display(description="Person", empty_value="nobody whom the vault knows")
    def person(self, case: ErasureCase) -> str | None:
        return str(case.subject_id) if case.subject_id else None

    @admin.display(description="Purposes")
    def parts(self, case: ErasureCase) -> SafeString:
        decided = case.state != ErasureCase.State.OPEN
        plain = case.assessment if decided else assessment_of(case).as_json()
        return table(HEADERS, _rows(plain, decided))

    @admin.display(description="Disputed", empty_value="no")
    def dispute_shown(self, case: ErasureCase) -> str | None:
        dispute = getattr(case, "dispute", None)
        return (
            f"{dispute.ground}, by the {dispute.disputed_by}: {dispute.reason}" if dispute else None
        )

    @admin.display(description="Change requests")
    def settled_by(self, case: ErasureCase) -> str:
        return links(case.change_requests.order_by("id"))

    @admin.display(description="Letter", empty_value="not written yet")
    def letter_text(self, case: ErasureCase) -> SafeString | None:
        return preformatted(case.letter) if case.letter else None


def _rows(assessment: dict[str, Any], decided: bool) -> list[list[object]]:
    erase, keep = ("was erased", "is kept") if decided else ("would be erased", "would be kept")
    return [
        [
            PURPOSES[part["purpose"]].title,
            erase if part["erase"] else keep,
            part["article"],
            part["records"],
            part["ends_on"] or "-",
            part["why"],
        ]
        for part in assessment["parts"]
    ]


def would_be(case: ErasureCase, reader: User) -> dict[str, Any]:
    assessment = assessment_of(case)
    dispute = getattr(case, "dispute", None)
    facts = [
        ["Outcome", tag(assessment.outcome)],
        ["Answer due", days_left(case.answer_due_on, timezone.now().date())],
        ["Legal holds", ", ".join(assessment.matters) or "none"],
        ["Restriction", assessment.restriction or "none"],
        ["Disputed", f"{dispute}: {dispute.reason}" if dispute else "no"],
    ]
    return {
        "sections": [
            {"title": "What follows from the facts", "table": {"rows": facts}},
            {
                "title": "What is held about the person",
                "table": {"headers": HEADERS, "rows": _rows(assessment.as_json(), False)},
            },
        ]
    }


def _record(_: None, fields: dict[str, Any], by: User) -> Done:
    case = record_erasure_request(PersonRequest(**fields), by=by)
    return Done(f"The request is recorded. The answer is due on {case.due_on}.")


def _extend(case: ErasureCase, fields: dict[str, Any], by: User) -> Done:
    extended = extend_erasure_case(case.pk, fields["reason"], by=by)
    return Done(f"The answer is due on {extended.answer_due_on}. Tell the person by {case.due_on}.")


def _decide(case: ErasureCase, fields: dict[str, Any], by: User) -> Done:
    decided = decide_erasure_case(case.pk, fields["seen"], by=by)
    return Done(f"Decided: {decided.outcome.replace('_', ' ')}. The letter is on this page.")


def _dispute(case: ErasureCase, fields: dict[str, Any], by: User) -> Done:
    dispute_erasure_case(case.pk, **fields, by=by)
    return Done(
        "The dispute is recorded. Ask for a settlement: legal counsel and a privacy officer decide."
    )


def _settle(case: ErasureCase, fields: dict[str, Any], by: User) -> Done:
    change = request_erasure(case.pk, **fields, by=by)
    return Done(f"Asked: to {change.what}. Legal counsel and a privacy officer decide.")


def _is_open(case: ErasureCase, user: User) -> bool:
    return case.state == ErasureCase.State.OPEN


def _is_disputed(case: ErasureCase, user: User) -> bool:
    return _is_open(case, user) and hasattr(case, "dispute")


def _is_undisputed(case: ErasureCase, user: User) -> bool:
    return _is_open(case, user) and not hasattr(case, "dispute")


offer(
    ActPage(
        model=ErasureCase,
        slug="record",
        title="Record a request",
        icon="person_add",
        needs="audit.record_erasure",
        what_happens="The clock starts with the day on which the request was received. Somebody else decides it.",
        perform=_record,
        form=RequestForm,
        on_list=True,
    ),
    ActPage(
        model=ErasureCase,
        slug="extend",
        title="Extend the clock",
        icon="more_time",
        needs="audit.record_erasure",
        what_happens="The answer takes up to two months longer. The person must be told within the first month.",
        perform=_extend,
        form=ExtensionForm,
        applies=lambda case, user: _is_open(case, user) and case.extended_until is None,
    ),
    ActPage(
        model=ErasureCase,
        slug="decide",
        title="Decide and carry out",
        icon="person_remove",
        needs="audit.decide_erasure",
        what_happens="What is shown below is carried out at once. What is erased can be read by nobody again.",
        perform=_decide,
        form=SeenForm,
        evidence=would_be,
        initial=lambda case: {"seen": assessment_of(case).digest},
        applies=_is_undisputed,
        danger=True,
    ),
    ActPage(
        model=ErasureCase,
        slug="dispute",
        title="Record a dispute",
        icon="gavel",
        needs="audit.dispute_erasure",
        what_happens="The person or counsel disputes on which ground the request is answered. From now on nobody decides it alone.",
        perform=_dispute,
        form=DisputeForm,
        evidence=would_be,
        applies=_is_undisputed,
    ),
    ActPage(
        model=ErasureCase,
        slug="settle",
        title="Ask for a settlement",
        icon="balance",
        needs="governance.request_erasure",
        what_happens="You ask legal counsel and a privacy officer to have all of it erased, or kept on one ground. Neither may "
        "be you or whoever recorded the request.",
        perform=_settle,
        form=SettlementForm,
        evidence=would_be,
        applies=_is_disputed,
    ),
)
