"""The button of a decision that issues its letter of explanation."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from governance.admin.fields import line
from governance.admin.pages import ActPage, Done, offer
from serving.letters.composing import letter_policy
from serving.letters.issuing import issue
from serving.models import Decision


class LetterForm(forms.Form):
    language = line("Language", "One that the notice policy in force has texts in, such as en.")


def _first_language(decision: Decision) -> str:
    found = letter_policy(decision.version.model, timezone.now())
    return min(found[1].languages) if found else ""


def _issue(decision: Decision, fields: dict[str, Any], by: User) -> Done:
    letter = issue(decision.pk, fields["language"], by=by)
    return Done(f"Issued: the letter of explanation ({letter}). It is kept as it is now.")


offer(
    ActPage(
        model=Decision,
        slug="explanation-letter",
        title="Issue explanation",
        icon="mail",
        needs="serving.issue_letter",
        what_happens="The letter that explains this decision is composed from the record and the texts in force, drawn, and "
        "kept as it was issued. The bank sends it; it stays readable here until the person is erased.",
        perform=_issue,
        form=LetterForm,
        applies=lambda decision, user: hasattr(decision, "observation"),
        initial=lambda decision: {"language": _first_language(decision)},
    ),
)
