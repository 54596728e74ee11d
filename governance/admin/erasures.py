"""Windows on requests for erasure, and the buttons that record, extend and decide them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.actions.erasures import (
    decide_erasure_case,
    extend_erasure_case,
    record_erasure_request,
)
from audit.admin_base import ReadOnlyAdmin
from audit.admin_parts import preformatted
from audit.cases import assessment_of
from audit.models import ErasureCase
from audit.person_requests import PersonRequest
from audit.purposes import PURPOSES
from governance.admin.fields import day, identifier, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import table, tag
from governance.clock import days_left

HEADERS = ["For", "Then", "Article", "Records", "Kept until", "Why"]


class RequestForm(forms.Form):
    correspondence = line("File number", "The bank's own, without a name in it.")
    received_on = day("Received on", "The month for the answer counts from here.")
    identity_check = paragraph("Identity", "How it was made sure that the person is who they say.")
    client = line("Lending system", "Whose reference follows, for example lending.")
    subject_ref = line("Its reference for the person", "Looked up, and kept nowhere.")
    subject_id = identifier("Or the person's identifier here", "Instead of a reference.")


class ExtensionForm(forms.Form):
    reason = paragraph("Reason", "The person is told. It is recorded under your name.")


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


def _would_be(case: ErasureCase, reader: User) -> dict[str, Any]:
    assessment = assessment_of(case)
    facts = [
        ["Outcome", tag(assessment.outcome)],
        ["Answer due", days_left(case.answer_due_on, timezone.now().date())],
        ["Legal holds", ", ".join(assessment.matters) or "none"],
        ["Restriction", assessment.restriction or "none"],
    ]
    return {
        "sections": [
            {"title": "If you decide now", "table": {"rows": facts}},
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


def _is_open(case: ErasureCase, user: User) -> bool:
    return case.state == ErasureCase.State.OPEN


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
        evidence=_would_be,
        initial=lambda case: {"seen": assessment_of(case).digest},
        applies=_is_open,
        danger=True,
    ),
)
