"""Who may do what: the permission matrix as a page, made from the code."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.action import holds
from governance.catalogue import permission_tables

SEE = "governance.view_accounts"


def permissions(request: HttpRequest) -> HttpResponse:
    """For those who may see accounts."""
    if not holds(request.user, SEE):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": "Who may do what",
        "tables": permission_tables(),
    }
    return TemplateResponse(request, "governance/permissions.html", context)
