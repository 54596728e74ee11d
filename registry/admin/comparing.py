"""Two to five runs side by side, on one page."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.action import holds
from audit.errors import Refusal
from registry.admin.parts import figure, link, number, side_by_side
from registry.comparing import NONE, Row, RunComparison, compared, run_ids

SEE = "registry.view_run"


def comparison_page(request: HttpRequest) -> HttpResponse:
    """For those who may see runs; `?run=ID` for each."""
    if not holds(request.user, SEE):
        raise PermissionDenied
    context = {**admin.site.each_context(request), "title": "Runs side by side"}
    try:
        context |= _shown(compared(run_ids(request.GET.getlist("run"))))
        status = 200
    except Refusal as refusal:
        context["refusal"] = refusal
        status = refusal.status
    return TemplateResponse(request, "registry/compare.html", context, status=status)


def _shown(found: RunComparison) -> dict[str, Any]:
    sections = (
        ("About", found.about),
        ("Parameters", found.params),
        ("Measured here on held-out rows", found.measured),
        ("Reported by clients", found.reported),
    )
    return {
        "runs": [link(run) for run in found.runs],
        "sections": [
            {"title": title, "rows": [_row(row) for row in rows]} for title, rows in sections
        ],
        "pictures": _pictures(found),
        "environments": [
            (run, _differences(differences))
            for run, differences in zip(found.runs[1:], found.environments, strict=True)
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    values = [
        number(value) if isinstance(value, float) else "-" if value in (None, "") else value
        for value in row.values
    ]
    return {"name": row.name, "values": values, "differs": row.differs}


def _pictures(found: RunComparison) -> str:
    from registry import charts  # brings altair, which only pictures need

    curves = {
        f"{place}. {run} ({drawn.source})": drawn
        for place, (run, drawn) in enumerate(zip(found.runs, found.curves, strict=True), start=1)
        if drawn.source != NONE
    }
    if not curves:
        return "None of these runs left scores."
    roc = {name: tuple(zip(*drawn.roc, strict=True)) for name, drawn in curves.items()}
    bands = {name: drawn.calibration for name, drawn in curves.items()}
    return side_by_side(
        [
            figure(charts.roc({name: (x, y) for name, (x, y) in roc.items()}), "ROC"),
            figure(charts.calibration_lines(bands), "Calibration"),
        ]
    )


def _differences(differences: tuple[str, ...] | None) -> str:
    if differences is None:
        return "not known, since one of the two kept no environment"
    return ", ".join(differences) or "none"
