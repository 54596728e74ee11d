"""Charts of a running rollout: what its version does beside the champion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from registry import chart_style as style

CHAMPION = "champion"


@dataclass(frozen=True)
class RateLine:
    """A version's approval rate, 0 to 1, with its interval."""

    label: str
    rate: float
    low: float
    high: float


def approval_rates(lines: Sequence[RateLine]) -> str:
    """One line each, the champion's grey."""
    order = [line.label for line in lines]
    rows = [
        {
            "label": line.label,
            "rate": line.rate,
            "low": line.low,
            "high": line.high,
            "text": f"{line.rate:.1%}",
            "colour": style.REFERENCE if line.label.startswith(CHAMPION) else style.CURRENT,
        }
        for line in lines
    ]
    title = "Approval rate"
    x = alt.X("rate:Q", title=title, axis=style.PERCENT, scale=style.UNIT)
    base = alt.Chart(style.values(rows)).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=style.NAMES),
        color=alt.Color("colour:N", scale=None),
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(x=x)
    texts = base.mark_text(dy=-10).encode(x=x, text="text:N")
    chart = alt.layer(whiskers, points, texts)
    return style.svg(chart.properties(width=style.WIDTH - 120, height=34 * len(order) + 10))


def reason_mix(shares: Mapping[str, tuple[float, float]], names: tuple[str, str]) -> str:
    """Of each reason group the share (0 to 1) of first reasons, by the champion and by the version."""
    order = sorted(shares, key=lambda group: -max(shares[group]))
    rows = [
        {"group": group, "version": name, "share": share}
        for group in order
        for name, share in zip(names, shares[group], strict=True)
    ]
    chart = (
        alt.Chart(style.values(rows))
        .mark_bar()
        .encode(
            y=alt.Y("group:N", sort=order, title=None, axis=style.NAMES),
            yOffset=alt.YOffset("version:N", sort=list(names)),
            x=alt.X("share:Q", title="Share of first reasons", axis=style.PERCENT),
            color=alt.Color("version:N", scale=style.pair(names), sort=list(names)),
        )
    )
    return style.svg(chart.properties(width=style.WIDTH - 120, height=34 * len(order)))
