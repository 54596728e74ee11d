"""All addresses: the admin at the root, the REST API under /api/v1/, operations beside them."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from audit.problems import not_found
from audit.problems import server_error as handler500  # noqa: F401  Django looks it up by this name
from governance import operations
from governance.admin.effective_challenge import effective_challenge
from governance.admin.notices_due import notices_due
from governance.admin.pages import PAGES
from governance.admin.passwords import own_password
from governance.admin.permissions import permissions
from governance.admin.rollouts import rollout

API = "api/v1/"
FAVICON = "governance/favicon.svg"

urlpatterns = [
    # First: addresses are tried in order, and decisions are asked for most.
    path(API, include("serving.urls")),
    path("favicon.ico", RedirectView.as_view(url=f"/{settings.STATIC_URL.strip('/')}/{FAVICON}")),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
    path("metrics", operations.metrics),
    path(API, include("governance.api_urls")),
    path(API, include("audit.urls")),
    path(API, include("registry.urls")),
    path(API, include("monitoring.urls")),
    path("", include("serving.inference_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path("^(api|v2)/", not_found),
    *PAGES.urls(),
    path("permissions/", admin.site.admin_view(permissions), name="permissions"),
    path("rollout/", admin.site.admin_view(rollout), name="rollout"),
    path(
        "effective-challenge/",
        admin.site.admin_view(effective_challenge),
        name="effective-challenge",
    ),
    path("notices-due/", admin.site.admin_view(notices_due), name="notices-due"),
    path(
        "password_change/", admin.site.admin_view(own_password)
    ),  # before Django's, which leaves no entry
    path("", admin.site.urls),
]
