"""How the admin looks and how it is arranged."""

from django.http import HttpRequest
from django.templatetags.static import static


def _windows(request: HttpRequest) -> str:
    return static("governance/windows.css")


UNFOLD: dict[str, object] = {
    "SITE_TITLE": "Credence",
    "SITE_HEADER": "Credence",
    "SITE_SUBHEADER": "Model governance",
    "SITE_SYMBOL": "verified",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_windows],
    "DASHBOARD_CALLBACK": "governance.desk.dashboard",
    "SIDEBAR": {"show_search": True, "navigation": "governance.navigation.sidebar"},
    # A calm blue-green in place of the theme's violet; text on it keeps a contrast above 4.5.
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .014 215)",
            "100": "oklch(94.5% .03 215)",
            "200": "oklch(89.5% .055 215)",
            "300": "oklch(82% .09 215)",
            "400": "oklch(71% .115 215)",
            "500": "oklch(60% .11 220)",
            "600": "oklch(50% .1 225)",
            "700": "oklch(43% .09 228)",
            "800": "oklch(37% .075 230)",
            "900": "oklch(32% .06 232)",
            "950": "oklch(23% .05 234)",
        }
    },
}
