"""Charts for those who decide about a version: who flips, which ratios move, how long people looked."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from registry import chart_style as style

CHAMPION, CANDIDATE = "champion", "candidate"


@dataclass(frozen=True)
class FlipLine:
    """Of `n` applicants named by `label`, how many only the candidate approves and only the champion."""

    label: str
    n: int
    newly_approved: int
    newly_declined: int


@dataclass(frozen=True)
class RatioPair:
    """A group's adverse impact ratio under champion and candidate, with their intervals where there are any."""

    label: str
    champion: float
    candidate: float
    champion_interval: tuple[float, float] | None = None
    candidate_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ShareBar:
    """A share, 0 to 1, and its interval."""

    label: str
    share: float
    interval: tuple[float, float]


def flips(lines: Sequence[FlipLine]) -> str:
    """Shares of each line's applicants: newly declined to the left, newly approved to the right."""
    order = [line.label for line in lines]
    rows = [
        {"label": line.label, "flip": flip, "share": sign * count / line.n, "text": f"{count:,}"}
        for line in lines
        if line.n
        for flip, sign, count in (
            ("newly declined", -1, line.newly_declined),
            ("newly approved", 1, line.newly_approved),
        )
    ]
    reach = max([0.01, *(abs(float(str(row["share"]))) for row in rows)]) * 1.3
    colours = alt.Scale(
        domain=["newly declined", "newly approved"], range=[style.LIMIT, style.CURRENT]
    )
    base = alt.Chart(style.values(rows)).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=style.NAMES),
        x=alt.X(
            "share:Q",
            title="Share of the applicants of each line",
            scale=alt.Scale(domain=[-reach, reach], nice=False),
            axis=alt.Axis(labelExpr="format(abs(datum.value), '.2~%')", tickCount=7),
        ),
    )
    bars = base.mark_bar(height=13).encode(
        color=alt.Color("flip:N", scale=colours, sort=None, legend=alt.Legend())
    )
    left = base.transform_filter("datum.flip == 'newly declined'").mark_text(align="right", dx=-5)
    right = base.transform_filter("datum.flip == 'newly approved'").mark_text(align="left", dx=5)
    chart = alt.layer(bars, left.encode(text="text:N"), right.encode(text="text:N"))
    return style.svg(chart.properties(width=style.WIDTH, height=style.ROW_HEIGHT * len(order)))


def ratio_change(pairs: Sequence[RatioPair]) -> str:
    """Each group's ratio under the champion and under the candidate, one below the other, and parity as a line."""
    order = [pair.label for pair in pairs]
    rows = [
        {
            "label": pair.label,
            "version": name,
            "ratio": ratio,
            "low": interval[0] if interval else None,
            "high": interval[1] if interval else None,
        }
        for pair in pairs
        for name, ratio, interval in (
            (CHAMPION, pair.champion, pair.champion_interval),
            (CANDIDATE, pair.candidate, pair.candidate_interval),
        )
    ]
    names = [CHAMPION, CANDIDATE]
    base = alt.Chart(style.values(rows)).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=style.NAMES),
        yOffset=alt.YOffset("version:N", sort=names),
        color=alt.Color("version:N", scale=style.pair((CHAMPION, CANDIDATE)), sort=names),
    )
    scale = alt.Scale(zero=False, padding=12)
    title = "Adverse impact ratio against the control group"
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("ratio:Q", title=title, scale=scale)
    )
    whiskers = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("low:Q", title=title, scale=scale), x2="high:Q")
    )
    chart = alt.layer(style.limit_rules({"parity": 1.0}), whiskers, points)
    return style.svg(chart.properties(width=style.WIDTH, height=44 * len(order) + 10))


def counts(bars: Sequence[tuple[str, int]], title: str) -> str:
    """Counts by label, in the order given."""
    order = [label for label, _ in bars]
    rows = [{"label": label, "n": n} for label, n in bars]
    base = alt.Chart(style.values(rows)).encode(
        x=alt.X(
            "label:N", sort=order, title=None, axis=alt.Axis(labelAngle=0, grid=False, ticks=False)
        ),
        y=alt.Y("n:Q", title=title, axis=alt.Axis(tickMinStep=1, format="d")),
    )
    bar = base.mark_bar(color=style.CURRENT, size=34)
    text = base.mark_text(baseline="bottom", dy=-3).encode(text=alt.Text("n:Q", format=","))
    return style.svg((bar + text).properties(width=style.WIDTH, height=170))


def shares(bars: Sequence[ShareBar], limit: float, title: str) -> str:
    """Each share with its interval, from 0 to 1, and the limit that it must not fall below."""
    order = [bar.label for bar in bars]
    rows = [
        {"label": bar.label, "share": bar.share, "low": bar.interval[0], "high": bar.interval[1]}
        for bar in bars
    ]
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(style.values(rows)).encode(
        y=alt.Y("label:N", sort=order, scale=alt.Scale(domain=order), title=None, axis=style.NAMES)
    )
    whiskers = base.mark_rule(strokeWidth=2, color=style.FAINT).encode(
        x=alt.X("low:Q", scale=scale, title=title), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=1, color=style.CURRENT).encode(
        x=alt.X("share:Q", scale=scale, title=title, axis=style.PERCENT)
    )
    return style.svg(
        (style.limit_rules({"breach": limit}) + whiskers + points).properties(
            width=style.WIDTH, height=style.ROW_HEIGHT * len(order) + 10
        )
    )
