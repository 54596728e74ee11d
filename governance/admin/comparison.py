"""The comparison with the champion as sections of a page: who flips, and whom that concerns."""

from collections.abc import Iterator
from typing import Any

from governance.admin.parts import number, picture
from governance.comparison import Comparison
from governance.swap_set import Band, Flips, GroupFlips
from registry.measures.statistics import Interval
from registry.models import ModelVersion

Section = dict[str, Any]


def sections(comparison: Comparison, champion: ModelVersion) -> Iterator[Section]:
    title = f"Who would be decided otherwise than by {champion}"
    if not comparison.swaps:
        yield {"title": title, "text": "The two take different features and cannot be compared."}
        return
    yield _swaps(comparison, title)
    yield _groups(comparison)
    yield _amounts(comparison)
    yield _reasons(comparison)


def _swaps(comparison: Comparison, title: str) -> Section:
    return {
        "title": title,
        "text": f"{comparison.n:,} held-out rows of the candidate's data, by each version's cut-off.",
        "table": {
            "headers": ["", "Applicants", "Share", "Went bad", "Bad rate"],
            "rows": [
                [
                    swap.title,
                    f"{swap.n:,}",
                    number(comparison.share(swap)),
                    f"{swap.bad:,}",
                    number(swap.bad_rate),
                ]
                for swap in comparison.swaps
            ],
        },
        "picture": _flips_picture(comparison),
    }


def _groups(comparison: Comparison) -> Section:
    section: Section = {
        "title": "Groups: who flips, and what happens to the adverse impact ratio",
        "text": comparison.groups_note,
    }
    if not comparison.groups:
        return section
    return section | {
        "table": {
            "headers": [
                "Group",
                "Applicants",
                "Newly approved",
                "Newly declined",
                "Champion's ratio",
                "Candidate's ratio",
                "Difference",
            ],
            "rows": [_group_row(each) for each in comparison.groups],
        },
        "picture": _ratios_picture(comparison.groups),
    }


def _group_row(each: GroupFlips) -> list[str]:
    name = f"{each.attribute}: {each.group}{' (control)' if each.is_control else ''}"
    if each.flips is None:
        return [name, "too few to show", *["-"] * 5]
    ratios = [
        "-" if each.is_control else _with_interval(value, interval)
        for value, interval in (
            (each.champion_air, each.champion_interval),
            (each.candidate_air, each.candidate_interval),
            (each.difference, each.difference_interval),
        )
    ]
    return [name, *_counts(each.flips), *ratios]


def _amounts(comparison: Comparison) -> Section:
    title = f"Amounts: {comparison.amount_feature}, {comparison.amount_unit}"
    if comparison.amount_note:
        return {"title": "Amounts", "text": comparison.amount_note}
    return {
        "title": title.removesuffix(", "),
        "table": {
            "headers": ["Amount", "Applicants", "Newly approved", "Newly declined"],
            "rows": [[_span(band), *_counts(band.flips)] for band in comparison.amounts],
        },
    }


def _reasons(comparison: Comparison) -> Section:
    if not comparison.reasons:
        return {"title": "Reasons of the newly declined", "text": "Nobody is newly declined."}
    return {
        "title": "Reasons of the newly declined",
        "text": "What weighs most against each, as the candidate explains it.",
        "table": {
            "headers": ["Reason group", "Applicants"],
            "rows": [
                [reason.reason_group.replace("_", " ") or "nothing weighed against them", f"{reason.n:,}"]
                for reason in comparison.reasons
            ],
        },
    }  # fmt: skip


def _flips_picture(comparison: Comparison) -> str:
    from registry import review_charts as charts  # brings altair, which only pictures need

    counted = {swap.title: swap.n for swap in comparison.swaps}
    everybody = Flips(comparison.n, counted["newly approved"], counted["newly declined"])
    lines = [("everybody", everybody)]
    lines += [
        (f"{each.attribute}: {each.group}", each.flips) for each in comparison.groups if each.flips
    ]
    lines += [
        (f"{_span(band)} {comparison.amount_unit}", band.flips) for band in comparison.amounts
    ]
    shown = [charts.FlipLine(label, f.n, f.newly_approved, f.newly_declined) for label, f in lines]
    return picture(charts.flips(shown), "Shares newly approved and newly declined, of everybody, by group and by amount")  # fmt: skip


def _ratios_picture(groups: list[GroupFlips]) -> str:
    from registry import review_charts as charts  # brings altair, which only pictures need

    pairs = [
        charts.RatioPair(
            f"{each.attribute}: {each.group}",
            each.champion_air,
            each.candidate_air,
            _ends(each.champion_interval),
            _ends(each.candidate_interval),
        )
        for each in groups
        if not each.is_control and each.champion_air is not None and each.candidate_air is not None
    ]
    if not pairs:
        return ""
    what = "Adverse impact ratios under the champion and under the candidate"
    return picture(charts.ratio_change(pairs), what)


def _ends(interval: Interval | None) -> tuple[float, float] | None:
    return (interval.low, interval.high) if interval else None


def _with_interval(value: float | None, interval: Interval | None) -> str:
    if interval is None:
        return number(value)
    return f"{number(value)} ({number(interval.low)} to {number(interval.high)})"


def _counts(flips: Flips) -> list[str]:
    return [f"{flips.n:,}", f"{flips.newly_approved:,}", f"{flips.newly_declined:,}"]


def _span(band: Band) -> str:
    if band.low is None or band.high is None:
        return "not known"
    return f"{band.low:,g} to {band.high:,g}"
