"""The report on reasons: whether they are the ones that count, and whether others like the baseline's would do as well."""

from collections.abc import Mapping, Sequence

from monitoring.policy import ReasonLimits
from monitoring.reasons import ALL, ReasonsMeasured, TriedReasons
from monitoring.reporting.heading import Heading
from monitoring.reporting.words import ABSENT, counted, interval, number, percent
from monitoring.triggers import Finding, Trigger
from registry import review_charts
from registry.documents import Cell, Document, Figure, Section, Statement, Table

Images = dict[str, bytes]
EVERYBODY = "All that were tried"
DEFINITIONS = (
    (
        "Faithful",
        "The applicant was declined by score, and would not have been, had every feature behind the reasons been typical "
        "of the baseline: the middle of its known values, the commonest where values have no order.",
    ),
    (
        "Agreement",
        "Reason groups in common over all that either names, between the reasons given and those against a baseline drawn "
        "anew from the same applicants with replacement; the mean over four draws. 1 is the same reasons every time.",
    ),
    (
        "Declined by score",
        "Neither by a knock-out rule, whose factor is the reason by itself, nor by a person.",
    ),
)
NAMES = {
    Trigger.REASON_FAITHFULNESS: "Faithful reasons",
    Trigger.REASON_STABILITY: "Agreement across baselines",
}


def reasons_document(
    heading: Heading,
    measured: ReasonsMeasured,
    findings: Sequence[Finding],
    limits: ReasonLimits,
    footer: str,
) -> tuple[Document, Images]:
    rows = [measured.overall, *measured.by_first_reason]
    bars = [
        review_charts.ShareBar(
            _name(row),
            row.faithful,
            (row.faithful_interval.low, row.faithful_interval.high),
        )
        for row in rows
        if row.faithful is not None and row.faithful_interval is not None
    ]
    chart = review_charts.shares(bars, limits.faithful_breach, "Share with faithful reasons")
    section = Section(
        "Are the reasons true?",
        paragraphs=(
            f"{counted(measured.n_declined, 'application')} declined by score; the reasons of "
            f"{measured.overall.n:,} were tried.",
        ),
        figures=(
            Figure(
                "faithful",
                "Share of applicants whose reasons are faithful, by the reason named first, with 95 % intervals.",
                "; ".join(f"{bar.label} {percent(bar.share)}" for bar in bars) + ".",
            ),
        ),
        tables=(_limits_table(measured, findings, limits), _table("Named first", rows)),
    )
    document = Document(
        title=f"Reasons given by {heading.title}",
        subtitle=f"Version {heading.version}, {heading.window}",
        kind="Monitoring report: reasons",
        statements=tuple(_statements(measured, findings, limits)),
        facts=(*heading.facts, ("Sample", f"{measured.overall.n:,} of {measured.n_declined:,} declines by score")),
        sections=(section,),
        definitions=DEFINITIONS,
        footer=footer,
    )  # fmt: skip
    return document, {"faithful": chart.encode()}


def groups_section(groups: Mapping[str, Sequence[TriedReasons]]) -> Section:
    """For the report that compares protected groups: whether reasons are as true for one group as for another."""
    return Section(
        "Reasons by group",
        paragraphs=(
            "Whether the reasons given to those who were declined by score are faithful, and agree across baselines.",
        ),
        tables=tuple(_table(attribute, rows) for attribute, rows in groups.items()),
        notes=tuple(f"{name}: {words}" for name, words in DEFINITIONS),
    )


def _statements(
    measured: ReasonsMeasured, findings: Sequence[Finding], limits: ReasonLimits
) -> list[Statement]:
    if not measured.sufficient:
        few = f"{counted(measured.overall.n or 0, 'decline')} by score; {limits.minimum_declined:,} are needed for a verdict."
        return [Statement("insufficient_data", few)]
    if findings:
        return [
            Statement("breach", f"{NAMES[f.trigger]}: {f.observed:.3f} is below {f.threshold:g}.")
            for f in findings
        ]
    return [Statement("pass", "Faithfulness and agreement are within limits.")]


def _limits_table(
    measured: ReasonsMeasured, findings: Sequence[Finding], limits: ReasonLimits
) -> Table:
    crossed = {finding.trigger for finding in findings}

    def state(trigger: Trigger) -> Cell:
        if not measured.sufficient:
            return Cell("insufficient data", "insufficient_data")
        return Cell("breach", "breach") if trigger in crossed else Cell("within limits", "stable")

    overall = measured.overall
    faithful, agreement = Trigger.REASON_FAITHFULNESS, Trigger.REASON_STABILITY
    return Table(
        ("Measure", "State", "Value (95 %)", "Limit"),
        (
            (
                NAMES[faithful],
                state(faithful),
                f"{number(overall.faithful)} ({interval(overall.faithful_interval)})",
                f"at least {limits.faithful_breach:g}",
            ),
            (
                NAMES[agreement],
                state(agreement),
                number(overall.agreement),
                f"at least {limits.agreement_breach:g}",
            ),
        ),
        left=2,
    )


def _table(of_what: str, rows: Sequence[TriedReasons]) -> Table:
    return Table(
        (of_what, "Tried", "Faithful (95 %)", "Agreement"),
        tuple(
            (
                _name(row),
                ABSENT if row.n is None else f"{row.n:,}",
                f"{number(row.faithful)} ({interval(row.faithful_interval)})"
                if row.faithful is not None
                else "too few to show",
                number(row.agreement),
            )
            for row in rows
        ),
    )


def _name(row: TriedReasons) -> str:
    return EVERYBODY if row.name == ALL else row.name
