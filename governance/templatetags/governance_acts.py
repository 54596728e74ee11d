"""The buttons of a row's window, or of a list."""

from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model

register = template.Library()


@register.inclusion_tag("governance/buttons.html", takes_context=True)
def act_buttons(context: dict[str, Any], row: Model | None) -> dict[str, Any]:
    # Here and not above: unfold loads tag libraries while it is itself imported.
    from governance.admin.pages import PAGES

    pages = PAGES.of(row, context["request"].user) if row is not None else []
    return {"buttons": [(page, page.url(row)) for page in pages]}


@register.inclusion_tag("governance/buttons.html", takes_context=True)
def list_buttons(context: dict[str, Any], listed: ChangeList) -> dict[str, Any]:
    """Takes the list and not its model: a template would call the class and pass on a row."""
    from governance.admin.pages import PAGES

    pages = PAGES.of_list(listed.model, context["request"].user)
    return {"buttons": [(page, page.url()) for page in pages]}


@register.inclusion_tag("governance/evidence.html", takes_context=True)
def documents_of_version(context: dict[str, Any], row: Model | None) -> dict[str, Any]:
    """The documents about a version, above its window; nothing on other windows."""
    from governance.admin.documents import listed
    from registry.models import ModelVersion

    user = context["request"].user
    return {"evidence": listed(row, user) if isinstance(row, ModelVersion) else {"sections": []}}
