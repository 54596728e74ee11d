"""What the charts share: colours, axes, limits as lines, and SVG text that is equal for equal input."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import vl_convert
from numpy.typing import ArrayLike

VEGA_LITE = "6.4"
WIDTH = 560
ROW_HEIGHT = 24
MOST_POINTS = 400
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

REFERENCE = "#8A8F98"
CURRENT = "#0072B2"
LIMIT = "#D55E00"
WATCH = "#B07800"
CALM = "#009E73"
INK = "#1F2933"
FAINT = "#D9DEE5"

STATE_COLOURS = {
    "breach": LIMIT,
    "watch": WATCH,
    "pass": CALM,
    "stable": CALM,
    "reference": INK,
    "insufficient_data": REFERENCE,
}

_CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "domainColor": "#9AA3AF",
        "gridColor": "#EDF0F3",
        "labelColor": INK,
        "labelFontSize": 11,
        "labelLimit": 240,
        "tickColor": "#9AA3AF",
        "titleColor": "#52606D",
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "legend": {
        "labelColor": INK,
        "labelFontSize": 11,
        "orient": "top",
        "symbolSize": 90,
        "title": None,
    },
    "text": {"color": INK, "fontSize": 11},
}

UNIT = alt.Scale(domain=[0, 1])
PERCENT = alt.Axis(format="~%", tickCount=5)
NAMES = alt.Axis(grid=False, ticks=False, domain=False, labelPadding=8)


def values(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def thinned(x: ArrayLike, y: ArrayLike) -> list[tuple[float, float]]:
    """At most some 400 of n points, both ends among them."""
    points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    keep = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int))
    return [(float(a), float(b)) for a, b in points[keep]]


def svg(chart: alt.TopLevelMixin) -> str:
    text: str = vl_convert.vegalite_to_svg(chart.to_dict(), vl_version=VEGA_LITE, config=_CONFIG)
    return _with_own_ids(text)


def _with_own_ids(svg: str) -> str:
    """Identifiers from the content: vl-convert counts them up per process, and pages hold many charts."""
    ids = list(dict.fromkeys(re.findall(r'id="([^"]+)"', svg)))
    bare = svg
    for i, old in enumerate(ids):
        bare = bare.replace(f'id="{old}"', f'id="@{i}"').replace(f"url(#{old})", f"url(#@{i})")
    prefix = "c" + hashlib.sha256(bare.encode()).hexdigest()[:8] + "-"
    return bare.replace('id="@', f'id="{prefix}').replace("url(#@", f"url(#{prefix}")


def by_name(names: Mapping[str, object]) -> alt.Scale:
    colours = [CURRENT, LIMIT, CALM, WATCH, INK]
    return alt.Scale(domain=list(names), range=colours[: len(names)])


def pair(names: tuple[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=[REFERENCE, CURRENT])


def states() -> alt.Scale:
    return alt.Scale(domain=list(STATE_COLOURS), range=list(STATE_COLOURS.values()))


def limit_rules(limits: Mapping[str, float]) -> alt.LayerChart:
    """Lines with their names above; the outer names lean outwards, so that close limits stay readable."""
    colours = {"parity": INK, "watch": WATCH, "breach": LIMIT}
    ordered = sorted(limits.items(), key=lambda limit: limit[1])
    rows = [
        {"limit": value, "text": f"{name} {value:.2f}", "colour": colours[name]}
        for name, value in ordered
    ]
    x, colour = alt.X("limit:Q"), alt.Color("colour:N", scale=None)
    layers = [
        alt.Chart(values(rows))
        .mark_rule(strokeDash=[4, 3], strokeWidth=1.2)
        .encode(x=x, color=colour)
    ]
    for place, row in enumerate(rows):
        lean = _lean(place, len(rows))
        layers.append(
            alt.Chart(values([row]))
            .mark_text(align=lean[0], dx=lean[1], baseline="bottom", dy=-3, fontSize=10)
            .encode(x=x, color=colour, y=alt.value(0), text="text:N")
        )
    return alt.LayerChart(layer=layers)


def _lean(place: int, of: int) -> tuple[Literal["left", "center", "right"], int]:
    if place == 0:
        return "right", 4
    return ("left", -4) if place == of - 1 else ("center", 0)


def rule_at(value: float, text: str) -> alt.LayerChart:
    base = alt.Chart(values([{"at": value, "text": text}])).encode(x="at:Q")
    rule = base.mark_rule(color=LIMIT, strokeDash=[4, 3], strokeWidth=1.2)
    label = base.mark_text(align="left", baseline="top", dx=4, color=LIMIT, fontSize=10).encode(
        y=alt.value(2), text="text:N"
    )
    both: alt.LayerChart = rule + label
    return both


def diagonal(top: float = 1.0) -> alt.Chart:
    ends = values([{"d": 0.0}, {"d": top}])
    line: alt.Chart = (
        alt.Chart(ends).mark_line(color=FAINT, strokeDash=[4, 3]).encode(x="d:Q", y="d:Q")
    )
    return line


def crossed(value: float, watch: float, breach: float) -> str:
    if value >= breach:
        return LIMIT
    return WATCH if value >= watch else CURRENT


def ratio_ticks(low: float, high: float) -> list[float]:
    ticks = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) > 9:
        return [tick for tick in inside if tick in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 3.0)]
    return inside
