"""The fairness report: how outcomes differ between groups, by how much, and what the numbers can carry.

It gives no verdict on the model: a threshold's answer is not a legal judgement.
"""

from collections.abc import Iterable, Sequence

from monitoring.measured import Comparison
from monitoring.policy import FairnessRules
from monitoring.reporting.heading import Heading
from monitoring.reporting.words import (
    ABSENT,
    counted,
    interval,
    number,
    p_value,
    percent,
    points,
    signed,
)
from registry import charts
from registry.documents import Cell, Document, Figure, Section, Statement, Table
from registry.measures.fairness import GroupResult, OpportunityGap, State

Images = dict[str, bytes]

DEFINITIONS = (
    (
        "Adverse impact ratio (AIR)",
        "Approval rate of the group over that of the control group, with its 95 % interval (Katz). The "
        "four-fifths line comes from employment guidance (29 CFR 1607.4(D)); in credit it is a screen, "
        "not a rule.",
    ),
    (
        "States",
        "Breach: the ratio is below the breach limit and the difference from parity is statistically "
        "significant after Holm's adjustment over all groups of the section; both are required. Watch: "
        "below the watch limit, or below the breach limit where chance is not ruled out. Insufficient "
        "data: too few people, approvals or denials, or an interval that reaches below the breach limit "
        "although the ratio does not. Within limits: otherwise.",
    ),
    (
        "Marginal effect and shortfall",
        "Approval rate of the control group minus the group's, in percentage points; and how many more "
        "approvals the group would have had at the control group's rate.",
    ),
    (
        "Mean difference (SMD)",
        "Mean predicted pd of the group minus the control group's, over the standard deviation of "
        "everybody whose group is known. Positive: the group scores riskier.",
    ),
    (
        "Equal opportunity",
        "Share of a group's good accounts that were approved, minus the control group's. Of live "
        "decisions, whether an account is good is known for approved ones mostly: a selected sample.",
    ),
    (
        "Approved",
        "Approved by the automated decision. A referred application counts as not approved here.",
    ),
)
NOT_A_JUDGEMENT = (
    "This report compares outcomes. It does not judge whether a difference is justified or lawful, and a "
    "group within limits implies nothing about intersections of groups."
)


def fairness_document(
    heading: Heading,
    comparisons: Sequence[Comparison],
    rules: FairnessRules,
    reads: str,
    footer: str,
    further: Sequence[Section] = (),
) -> tuple[Document, Images]:
    """The document and its pictures; `reads` says which protected attributes of how many were read.

    `further` sections follow the comparisons.
    """
    images: Images = {}
    sections = []
    for place, comparison in enumerate(comparisons):
        if comparison.groups:
            images[f"ratios-{place}"] = charts.adverse_impact(
                list(_ratios(comparison)), watch=rules.limits.watch, breach=rules.limits.breach
            ).encode()
        sections.append(_section(place, comparison, rules))
    document = Document(
        title=f"Outcomes by group, {heading.title}",
        subtitle=f"Version {heading.version}, {heading.window}",
        kind="Monitoring report: outcomes by group (restricted)",
        statements=tuple(
            statement
            for comparison in comparisons
            if comparison.headline
            for statement in _statements(comparison)
        ),
        facts=(*heading.facts, ("Protected attributes", reads)),
        sections=(*sections, *further, Section("How to read this", paragraphs=(NOT_A_JUDGEMENT,))),
        definitions=DEFINITIONS,
        footer=footer,
    )
    return document, images


def _statements(comparison: Comparison) -> Iterable[Statement]:
    where = comparison.title
    found = [(name, result) for name, results in comparison.groups.items() for result in results]
    for state in (State.BREACH, State.WATCH):
        for name, result in found:
            if result.state == state:
                yield Statement(state.value, f"{where}: {name} {result.group}, {_sentence(result)}")
    unclear = [f"{name} {r.group}" for name, r in found if r.state == State.INSUFFICIENT_DATA]
    if unclear or comparison.impossible:
        names = ", ".join([*unclear, *comparison.impossible])
        yield Statement("insufficient_data", f"{where}: {names}.")
    passed = [f"{name} {r.group}" for name, r in found if r.state == State.PASS]
    if passed:
        yield Statement("pass", f"{where}: {', '.join(passed)}.")


def _sentence(result: GroupResult) -> str:
    short = f"; {result.shortfall:.0f} approvals short" if result.shortfall >= 1 else ""
    return f"AIR {result.reason.removesuffix('.')}{short}."


def _section(place: int, comparison: Comparison, rules: FairnessRules) -> Section:
    coverage = "; ".join(
        f"{name} is known for {known:,} of {comparison.n:,} ({percent(known / comparison.n)})"
        for name, known in comparison.known.items()
    )
    figures: tuple[Figure, ...] = ()
    if comparison.groups:
        figures = (
            Figure(
                f"ratios-{place}",
                f"Adverse impact ratios with 95 % intervals, {comparison.title.lower()}.",
                "Ratios by group: " + "; ".join(_described(comparison)) + ".",
            ),
        )
    return Section(
        comparison.title,
        paragraphs=(f"{counted(comparison.n, 'application')}; {coverage}.",),
        figures=figures,
        tables=tuple(_tables(comparison, rules)),
        notes=tuple(f"{name}: {why}" for name, why in comparison.impossible.items()),
    )


def _tables(comparison: Comparison, rules: FairnessRules) -> Iterable[Table]:
    limits = rules.limits
    for name, results in comparison.groups.items():
        differences = comparison.mean_differences.get(name, {})
        yield Table(
            (
                "Group",
                "State",
                "n",
                "Approved",
                "Rate (95 %)",
                "AIR (95 %)",
                "Effect",
                "Short",
                "Adj. p",
                "SMD",
            ),
            tuple(
                _row(result, differences.get(result.group), rules.smd_watch) for result in results
            ),
            caption=(
                f"{name}, control group {results[0].group}. Limits: AIR {limits.breach:g} (breach) and "
                f"{limits.watch:g} (watch); {limits.minimum_verdict} people for a verdict; |SMD| {rules.smd_watch:g}."
            ),
            left=2,
        )
        if gaps := comparison.opportunity.get(name):
            yield Table(
                ("Group", "Good accounts", "Approved (95 %)", "Gap", "p"),
                tuple(_gap_row(gap) for gap in gaps),
                caption=f"{name}: good accounts that were approved{' (selected sample)' if comparison.selected else ''}.",
            )


def _row(result: GroupResult, difference: float | None, smd_watch: float) -> tuple[str | Cell, ...]:
    state = Cell(_state_words(result.state), result.state.value)
    if not result.shown:
        return (result.group, state, *["too few to show"], *[ABSENT] * 7)
    large = difference is not None and abs(difference) >= smd_watch
    smd = signed(difference)
    return (
        result.group,
        state,
        f"{result.n:,}",
        f"{result.approvals:,}",
        f"{percent(result.rate)} ({interval(result.rate_interval, 1, 100)})",
        number(result.air) + (f" ({interval(result.air_interval)})" if result.air_interval else ""),
        ABSENT
        if result.state == State.REFERENCE
        else points(result.marginal_effect).removesuffix(" points"),
        ABSENT
        if result.state == State.REFERENCE
        else signed(result.shortfall, 0).removeprefix("+"),
        p_value(result.p_adjusted) + (" F" if result.test == "fisher" else ""),
        Cell(smd, "watch") if large else smd,
    )


def _gap_row(gap: OpportunityGap) -> tuple[str | Cell, ...]:
    if not gap.shown:
        return (gap.group, "too few to show", ABSENT, ABSENT, ABSENT)
    return (
        gap.group,
        f"{gap.n_good:,}",
        f"{percent(gap.approved_share)} ({interval(gap.approved_share_interval, 1, 100)})",
        points(gap.gap),
        p_value(gap.p_value),
    )


def _ratios(comparison: Comparison) -> Iterable[charts.Ratio]:
    for name, results in comparison.groups.items():
        for result in results:
            if result.state == State.REFERENCE:
                continue
            label, interval_ = f"{name}: {result.group}", result.air_interval
            if not result.shown or interval_ is None:
                yield charts.Ratio(label, result.state.value)
            else:
                yield charts.Ratio(
                    label, result.state.value, result.air, interval_.low, interval_.high
                )


def _described(comparison: Comparison) -> Iterable[str]:
    for ratio in _ratios(comparison):
        yield f"{ratio.label} {'too few to show' if ratio.ratio is None else f'{ratio.ratio:.3f}'}"


def _state_words(state: State) -> str:
    words = {
        State.PASS: "within limits",
        State.INSUFFICIENT_DATA: "insufficient data",
        State.REFERENCE: "control",
    }
    return words.get(state, state.value)
