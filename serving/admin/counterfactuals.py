"""What would have changed a decision: a page that asks the version anew when somebody looks."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from audit.admin_parts import address
from audit.errors import Refusal
from registry.contract import FeatureContract
from registry.features import in_words
from serving.admin.parts import table
from serving.in_service import contract_of
from serving.letters.composing import facts_of
from serving.models import Decision

WORDS = {
    "found": "Each of these would have been approved",
    "none_found": "Changes of up to three features were tried, and none led to an approval",
    "not_needed": "The application was approved",
    "nothing_changeable": "No feature of this version is declared as something that an applicant can change",
    "left_to_a_person": "A use restriction left the application to a person, whatever its values were",
}


def counterfactuals_page(request: HttpRequest, decision: Decision) -> TemplateResponse:
    """The refusal's own words where the version, or the policy, cannot be asked."""
    context = {
        **admin.site.each_context(request),
        "title": "What would have changed the result",
        "decision": decision,
        "back": address(decision),
    }
    try:
        told = facts_of(decision, timezone.now())["counterfactuals"]
    except Refusal as refusal:
        context |= {"state": refusal.type, "words": refusal.detail}
        return TemplateResponse(
            request, "serving/counterfactuals.html", context, status=refusal.status
        )
    context |= {
        "state": told["state"],
        "words": WORDS[told["state"]],
        "changeable": told["changeable"],
        "found": [_shown(one, contract_of(decision.version)) for one in told["found"]],
    }
    return TemplateResponse(request, "serving/counterfactuals.html", context)


def _shown(one: dict[str, Any], contract: FeatureContract) -> dict[str, Any]:
    rows = [
        (
            contract.by_name[move["feature"]].heading,
            in_words(move["before"]),
            in_words(move["after"]),
        )
        for move in one["moves"]
    ]
    return {**one, "table": table(["Feature", "Instead of", "This"], rows)}
