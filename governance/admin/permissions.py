"""Who may do what: the permission matrix as a page, made from the code."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.action import holds
from governance.catalogue import permission_matrix
from governance.roles import ROLES, SERVICE_ACCOUNTS

SEE = "governance.view_accounts"


def permissions(request: HttpRequest) -> HttpResponse:
    """For those who may see accounts."""
    if not holds(request.user, SEE):
        raise PermissionDenied
    rows = permission_matrix()
    context = {
        **admin.site.each_context(request),
        "title": "Who may do what",
        "tables": [
            {
                "title": title,
                "columns": list(columns),
                "rows": [
                    {
                        "permission": row.permission,
                        "acts": [act.replace("_", " ") for act in row.acts],
                        "cells": [one in row.holders for one in columns],
                    }
                    for row in rows
                    if row.holders.intersection(columns)
                ],
            }
            for title, columns in (("Roles", ROLES), ("Service accounts", SERVICE_ACCOUNTS))
        ],
    }
    return TemplateResponse(request, "governance/permissions.html", context)
