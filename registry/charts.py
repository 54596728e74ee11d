"""The product's charts, as SVG text: one look, drawn on the server, the same in a page and in a PDF.

Colours are those of Okabe and Ito, which colour-blind people tell apart: grey is the reference, blue
what is looked at now, vermilion a limit. State is never told by colour alone. Equal input gives equal
bytes: vl-convert brings its fonts along, and the identifiers it counts up are renamed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from registry import chart_style as style


@dataclass(frozen=True)
class Ratio:
    """One line of `adverse_impact`: a group's ratio and its interval, None where too small to show."""

    label: str
    state: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class WaterfallWords:
    """What `contributions` calls its ends, its directions and what it adds up; `others` fills in {count}."""

    base: str = "Baseline"
    end: str = "This application"
    others: str = "{count} others together"
    towards_bad: str = "towards bad"
    towards_good: str = "towards good"


def roc(curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> str:
    """Curves by name: false and true positive rates (0 to 1), as `performance.roc_curve` makes them."""
    rows = [
        {"false": float(x), "true": float(y), "curve": name, "order": i}
        for name, (false, true) in curves.items()
        for i, (x, y) in enumerate(style.thinned(false, true))
    ]
    lines = (
        alt.Chart(style.values(rows))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "false:Q", title="Share of goods called bad", scale=style.UNIT, axis=style.PERCENT
            ),
            y=alt.Y(
                "true:Q", title="Share of bads called bad", scale=style.UNIT, axis=style.PERCENT
            ),
            color=alt.Color("curve:N", scale=style.by_name(curves), sort=None),
            order="order:Q",
        )
    )
    return style.svg((style.diagonal() + lines).properties(width=280, height=280))


def calibration(bands: Sequence[Any]) -> str:
    """Observed bad rate against mean pd for bands of `measures.calibration`, with their intervals."""
    rows = [
        {
            "pd": band.mean_pd,
            "rate": band.bad_rate,
            "low": band.bad_rate_interval.low,
            "high": band.bad_rate_interval.high,
        }
        for band in bands
    ]
    top = max(max(row["high"], row["pd"]) for row in rows)
    scale = alt.Scale(domain=[0, min(1.0, top * 1.05)], nice=False)
    base = alt.Chart(style.values(rows)).encode(
        x=alt.X("pd:Q", title="Mean predicted pd of the band", scale=scale, axis=style.PERCENT)
    )
    whiskers = base.mark_rule(color=style.CURRENT, strokeWidth=1.5).encode(
        y=alt.Y("low:Q", title="Observed bad rate", scale=scale, axis=style.PERCENT), y2="high:Q"
    )
    points = base.mark_point(color=style.CURRENT, filled=True, size=60, opacity=1).encode(
        y="rate:Q"
    )
    return style.svg(
        (style.diagonal(min(1.0, top * 1.05)) + whiskers + points).properties(width=280, height=280)
    )


def calibration_lines(bands_by_name: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Of each name its (mean pd, observed bad rate) by band, as a line of points: what `calibration` draws of one."""
    rows = [
        {"pd": pd, "rate": rate, "curve": name}
        for name, bands in bands_by_name.items()
        for pd, rate in bands
    ]
    largest = max(value for bands in bands_by_name.values() for band in bands for value in band)
    top = min(1.0, largest * 1.05)
    scale = alt.Scale(domain=[0, top], nice=False)
    lines = (
        alt.Chart(style.values(rows))
        .mark_line(strokeWidth=1.5, point=alt.OverlayMarkDef(size=40, opacity=1))
        .encode(
            x=alt.X("pd:Q", title="Mean predicted pd of the band", scale=scale, axis=style.PERCENT),
            y=alt.Y("rate:Q", title="Observed bad rate", scale=scale, axis=style.PERCENT),
            color=alt.Color("curve:N", scale=style.by_name(bands_by_name), sort=None),
        )
    )
    return style.svg((style.diagonal(top) + lines).properties(width=280, height=280))


def confusion(counts: Mapping[str, float]) -> str:
    """The four counts of `reporting.confusion`, each with its share of its row."""
    rows = []
    for label in ("good", "bad"):
        called = {name: counts[f"{label}_called_{name}"] for name in ("good", "bad")}
        of = max(sum(called.values()), 1)
        rows += [
            {
                "label": f"was {label}",
                "called": f"called {name}",
                "share": n / of,
                "text": f"{n:,.0f} ({n / of:.0%})",
                "ink": "white" if n / of > 0.55 else style.INK,
            }
            for name, n in called.items()
        ]
    base = alt.Chart(style.values(rows)).encode(
        x=alt.X(
            "called:N",
            sort=["called good", "called bad"],
            title=f"Called bad from a pd of {counts['threshold']:.3g}",
            axis=alt.Axis(labelAngle=0, grid=False),
        ),
        y=alt.Y("label:N", sort=["was good", "was bad"], title=None, axis=style.NAMES),
    )
    shades = alt.Scale(domain=[0, 1], range=["white", style.CURRENT])
    cells = base.mark_rect().encode(color=alt.Color("share:Q", scale=shades, legend=None))
    texts = base.mark_text(fontSize=12).encode(text="text:N", color=alt.Color("ink:N", scale=None))
    both = alt.layer(cells, texts).resolve_scale(color="independent")
    return style.svg(both.properties(width=280, height=160))


def profile(bins: Sequence[tuple[str, int, float | None]]) -> str:
    """Of each (label, rows, bad rate 0 to 1 or None): rows as bars, the bad rate as a line of points."""
    rows = [{"bin": label, "rows": count, "rate": rate} for label, count, rate in bins]
    base = alt.Chart(style.values(rows)).encode(
        x=alt.X(
            "bin:N",
            sort=[label for label, *_ in bins],
            title=None,
            axis=alt.Axis(labelAngle=-35, labelFontSize=9, labelLimit=90, grid=False),
        )
    )
    bars = base.mark_bar(color=style.FAINT).encode(y=alt.Y("rows:Q", title="Rows"))
    rates = (
        base.transform_filter("isValid(datum.rate)")
        .mark_line(color=style.CURRENT, point=alt.OverlayMarkDef(color=style.CURRENT, size=30))
        .encode(
            y=alt.Y("rate:Q", title="Bad rate", axis=style.PERCENT, scale=alt.Scale(domainMin=0))
        )
    )
    both = alt.layer(bars, rates).resolve_scale(y="independent")
    return style.svg(both.properties(width=180, height=110))


def freshness(bands: Sequence[tuple[str, int]]) -> str:
    """Of each (age band, people): people as bars, youngest band first; the last band is past its limit."""
    last = len(bands) - 1
    rows = [
        {"band": label, "people": people, "colour": style.LIMIT if n == last else style.CURRENT}
        for n, (label, people) in enumerate(bands)
    ]
    base = alt.Chart(style.values(rows)).encode(
        y=alt.Y("band:N", sort=[label for label, _ in bands], title=None, axis=style.NAMES),
        x=alt.X("people:Q", title="People", scale=alt.Scale(zero=True)),
    )
    bars = base.mark_bar(height=13).encode(color=alt.Color("colour:N", scale=None))
    texts = base.mark_text(align="left", dx=5).encode(text=alt.Text("people:Q", format=",d"))
    chart = alt.layer(bars, texts)
    return style.svg(chart.properties(width=style.WIDTH, height=style.ROW_HEIGHT * len(rows)))


def importance(
    values: Mapping[str, float], title: str = "Mean absolute contribution, log-odds"
) -> str:
    """Bars by feature, longest first."""
    return _bars([(name, value, style.CURRENT) for name, value in values.items()], title, ".3f", {})


def psi_bars(
    values: Mapping[str, float],
    *,
    watch: float,
    breach: float,
    title: str = "Population stability index",
) -> str:
    """Bars by column, longest first, coloured by the limit they cross; the limits are lines."""
    bars = [(name, v, style.crossed(v, watch, breach)) for name, v in values.items()]
    return _bars(bars, title, ".3f", {"watch": watch, "breach": breach})


def distribution_shift(
    bins: Sequence[tuple[str, float, float]],
    title: str,
    names: tuple[str, str] = ("Reference", "Window"),
) -> str:
    """Side by side bars of the shares (0 to 1) of reference and window in each (label, share, share)."""
    rows = [
        {"bin": label, "population": name, "share": share}
        for label, *shares in bins
        for name, share in zip(names, shares, strict=True)
    ]
    order = [label for label, *_ in bins]
    chart = (
        alt.Chart(style.values(rows))
        .mark_bar()
        .encode(
            x=alt.X("bin:N", sort=order, title=title, axis=alt.Axis(labelAngle=-30, grid=False)),
            xOffset=alt.XOffset("population:N", sort=list(names)),
            y=alt.Y("share:Q", title="Share of applications", axis=style.PERCENT),
            color=alt.Color("population:N", scale=style.pair(names), sort=list(names)),
        )
    )
    return style.svg(chart.properties(width=style.WIDTH, height=190))


def score_shift(
    reference: ArrayLike,
    current: ArrayLike,
    cut_off: float,
    names: tuple[str, str] = ("Reference", "Window"),
) -> str:
    """Distributions of pd (0 to 1) of two populations in 40 equal steps, and the cut-off as a line."""
    both = (np.asarray(reference, dtype=float), np.asarray(current, dtype=float))
    top = max(cut_off, *(float(np.quantile(values, 0.995)) for values in both))
    edges = np.linspace(0.0, min(1.0, top * 1.1), 41)
    rows = [
        {"pd": float(edge), "population": name, "share": float(count) / values.size}
        for name, values in zip(names, both, strict=True)
        for edge, count in zip(
            edges, np.histogram(np.clip(values, 0, edges[-1]), edges)[0], strict=False
        )
    ]
    lines = (
        alt.Chart(style.values(rows))
        .mark_area(interpolate="step-after", line={"strokeWidth": 2}, fillOpacity=0.18)
        .encode(
            x=alt.X("pd:Q", title="Predicted pd", axis=style.PERCENT, scale=alt.Scale(nice=False)),
            y=alt.Y("share:Q", title="Share of applications", axis=style.PERCENT, stack=None),
            color=alt.Color("population:N", scale=style.pair(names), sort=list(names)),
        )
    )
    return style.svg(
        (lines + style.rule_at(cut_off, f"cut-off {cut_off:.3g}")).properties(
            width=style.WIDTH, height=190
        )
    )


def adverse_impact(ratios: Sequence[Ratio], *, watch: float, breach: float) -> str:
    """Each group's adverse impact ratio and interval on a log axis, with parity and both limits."""
    order = [ratio.label for ratio in ratios]
    shown = [ratio for ratio in ratios if ratio.ratio is not None]
    spread = [v for r in shown for v in (r.low, r.high, r.ratio) if v is not None]
    low, high = min([0.7, *spread]) * 0.96, max([1.1, *spread]) * 1.04
    axis_y = alt.Y(
        "label:N", sort=order, scale=alt.Scale(domain=order), title=None, axis=style.NAMES
    )
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X(
        "ratio:Q",
        title="Adverse impact ratio against the control group (log scale)",
        scale=scale,
        axis=alt.Axis(values=style.ratio_ticks(low, high), format=".2~f"),
    )
    colour = alt.Color("state:N", scale=style.states(), legend=None)
    rows = [
        {"label": r.label, "state": r.state, "ratio": r.ratio, "low": r.low, "high": r.high}
        for r in shown
    ]
    base = alt.Chart(style.values(rows)).encode(y=axis_y, color=colour)
    whiskers = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(x=x)
    absent = (
        alt.Chart(
            style.values(
                [{"label": r.label, "text": "too few to show"} for r in ratios if r.ratio is None]
            )
        )
        .mark_text(align="left", dx=6, color=style.REFERENCE, fontStyle="italic")
        .encode(y=axis_y, x=alt.value(0), text="text:N")
    )
    limits = style.limit_rules({"parity": 1.0, "watch": watch, "breach": breach})
    return style.svg(
        (limits + whiskers + points + absent).properties(
            width=style.WIDTH, height=style.ROW_HEIGHT * len(order) + 10
        )
    )


def contributions(
    items: Sequence[tuple[str, float]],
    base_value: float,
    margin: float,
    most: int = 10,
    unit: str = "Log-odds of bad",
    words: WaterfallWords = WaterfallWords(),
) -> str:
    """Waterfall of one decision: from the baseline's margin, in `unit`, to the applicant's.

    `items` are (label, contribution); those beyond the `most` largest are added up in one step.
    """
    ranked = sorted(items, key=lambda item: -abs(item[1]))
    steps = [*ranked[:most]]
    if rest := ranked[most:]:
        others = words.others.format(count=len(rest))
        steps.append((others, sum(value for _, value in rest)))
    rows = [
        {"label": words.base, "from": base_value, "to": base_value, "text": f"{base_value:+.2f}"}
    ]
    level = base_value
    for label, value in steps:
        rows.append({"label": label, "from": level, "to": level + value, "text": f"{value:+.2f}"})
        level += value
    rows.append({"label": words.end, "from": margin, "to": margin, "text": f"{margin:+.2f}"})
    return style.svg(_waterfall(rows, unit, words))


def _waterfall(rows: list[dict[str, Any]], unit: str, words: WaterfallWords) -> alt.LayerChart:
    order = [str(row["label"]) for row in rows]
    for row in rows:
        is_against = row["to"] > row["from"]
        row["direction"] = words.towards_bad if is_against else words.towards_good
        row["end"] = max(row["from"], row["to"])
    ends = {order[0], order[-1]}
    steps = [row for row in rows if row["label"] not in ends]
    marks = [row for row in rows if row["label"] in ends]
    y = alt.Y("label:N", sort=order, scale=alt.Scale(domain=order), title=None, axis=style.NAMES)
    x = alt.X("from:Q", title=unit, scale=alt.Scale(zero=False, padding=24))
    directions = alt.Scale(
        domain=[words.towards_bad, words.towards_good], range=[style.LIMIT, style.CURRENT]
    )
    bars = (
        alt.Chart(style.values(steps))
        .mark_bar(height=13)
        .encode(y=y, x=x, x2="to:Q", color=alt.Color("direction:N", scale=directions))
    )
    ticks = (
        alt.Chart(style.values(marks))
        .mark_tick(thickness=3, color=style.INK, height=15)
        .encode(y=y, x="from:Q")
    )
    texts = (
        alt.Chart(style.values(rows))
        .mark_text(align="left", dx=5)
        .encode(y=y, x="end:Q", text="text:N")
    )
    steps_and_ends: alt.LayerChart = bars + ticks + texts
    return steps_and_ends.properties(width=style.WIDTH - 90, height=style.ROW_HEIGHT * len(rows))


def _bars(
    bars: Sequence[tuple[str, float, str]], title: str, number: str, limits: Mapping[str, float]
) -> str:
    ordered = sorted(bars, key=lambda bar: (-bar[1], bar[0]))
    rows = [{"name": name, "value": value, "colour": colour} for name, value, colour in ordered]
    order = [name for name, *_ in ordered]
    base = alt.Chart(style.values(rows)).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=style.NAMES),
        x=alt.X("value:Q", title=title, scale=alt.Scale(zero=True)),
    )
    marks = base.mark_bar(height=13).encode(color=alt.Color("colour:N", scale=None))
    value = alt.Text("value:Q", format=number)
    texts = base.mark_text(align="left", dx=5).encode(text=value)
    # White behind the number, so that a limit's line does not strike it through.
    halo = base.mark_text(align="left", dx=5, stroke="white", strokeWidth=4).encode(text=value)
    rules = [style.limit_rules(limits)] if limits else []
    chart = alt.layer(*rules, marks, halo, texts)
    return style.svg(chart.properties(width=style.WIDTH, height=style.ROW_HEIGHT * len(rows)))
