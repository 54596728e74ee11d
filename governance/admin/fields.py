"""Form fields in the look of the admin, for pages of more than one field."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)


class DayInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]  # unfold ships no types
    """The browser's own calendar."""

    input_type = "date"


def line(label: str, help_text: str = "", **options: Any) -> forms.CharField:
    """One line of text. What may not be empty is for the act to refuse."""
    return forms.CharField(
        required=False,
        label=label,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget,
        **options,
    )


def paragraph(label: str, help_text: str = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(required=False, label=label, help_text=help_text, widget=widget)


def number(label: str, help_text: str = "") -> forms.FloatField:
    return forms.FloatField(
        required=False, label=label, help_text=help_text, widget=UnfoldAdminTextInputWidget
    )


def day(label: str, help_text: str = "", *, required: bool = True) -> forms.DateField:
    """A day, sent as 2026-01-31."""
    return forms.DateField(
        required=required,
        label=label,
        help_text=help_text,
        widget=DayInput,
        input_formats=["%Y-%m-%d"],
    )


def identifier(label: str, help_text: str = "") -> forms.UUIDField:
    return forms.UUIDField(
        required=False, label=label, help_text=help_text, widget=UnfoldAdminTextInputWidget
    )


def choice(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, help_text=help_text, widget=UnfoldAdminSelectWidget
    )


class Lines(forms.CharField):
    """A list of texts, one on each line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def __init__(self, label: str) -> None:
        super().__init__(required=False, label=label, help_text="One on each line.")

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = (text.strip() for text in str(super().clean(value)).splitlines())
        return [text for text in lines if text]
