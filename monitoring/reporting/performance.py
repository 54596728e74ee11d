"""The performance report: how predictions compare with matured outcomes, and of how many."""

from collections.abc import Sequence

from monitoring.measured import Bools, Coverage, Floats, PerformanceMeasured
from monitoring.policy import PerformanceLimits
from monitoring.reporting.heading import Heading
from monitoring.reporting.words import ABSENT, counted, interval, number, percent
from monitoring.triggers import Finding, Trigger
from registry import charts
from registry.documents import Cell, Document, Figure, Section, Statement, Table
from registry.measures.calibration import Calibration
from registry.measures.performance import Performance, roc_curve

Images = dict[str, bytes]

DEFINITIONS = (
    (
        "Matured",
        "The performance window of the account is over. An account that has not gone bad yet may still; "
        "immature labels are counted under coverage and nowhere else.",
    ),
    (
        "Coverage",
        "Decisions in the window that have a matured label. Labels exist for approved applications "
        "mostly: the sample is selected, and says little about those who were declined.",
    ),
    ("AUC and Gini", "The probability that a bad account has the higher predicted pd; Gini is twice the AUC minus 1. The interval is DeLong's."),
    ("KS separation", "The largest gap between the score distributions of goods and bads, where high is good."),
    ("Accuracy at the cut-off", "Share of accounts on the right side of the cut-off. Where few go bad it is high without any skill: read it with AUC and Brier."),
    ("Observed / expected", "Bads that occurred over the sum of predicted pd; 1 is right, above 1 the pd is too low."),
    ("Slope and intercept", "Of the log-odds of bad on the log-odds of pd; 1 and 0 are right, a slope below 1 is overconfident."),
)  # fmt: skip


def performance_document(
    heading: Heading,
    measured: PerformanceMeasured,
    findings: Sequence[Finding],
    limits: PerformanceLimits,
    bad: Floats,
    pd: Floats,
    final: Bools,
    footer: str,
) -> tuple[Document, Images]:
    """The document and its pictures; `final` marks the decisions with a matured label."""
    images: Images = {}
    sections = [_coverage_section(measured)]
    if measured.performance and measured.calibration:
        curve = {f"AUC {measured.performance.auc:.3f}": roc_curve(bad[final], pd[final])}
        images["roc"] = charts.roc(curve).encode()
        images["calibration"] = charts.calibration(measured.calibration.bands).encode()
        sections += [
            _rank_section(measured.performance, measured.accuracy, findings, measured, limits),
            _calibration_section(measured.calibration, findings, measured, limits),
        ]
    document = Document(
        title=f"Performance of {heading.title}",
        subtitle=f"Version {heading.version}, {heading.window}",
        kind="Monitoring report: performance",
        statements=tuple(_statements(measured, findings, limits)),
        facts=(
            *heading.facts,
            ("Sample", f"{measured.n_matured:,} matured labels of {measured.n:,} decisions"),
        ),
        sections=tuple(sections),
        definitions=DEFINITIONS,
        footer=footer,
    )
    return document, images


def _statements(
    measured: PerformanceMeasured, findings: Sequence[Finding], limits: PerformanceLimits
) -> list[Statement]:
    share = percent(measured.n_matured / measured.n)
    statements = [
        Statement("breach" if f.severity != "watch" else "watch", f"{_words(f)}.") for f in findings
    ]
    if not measured.sufficient:
        statements.append(
            Statement(
                "insufficient_data",
                f"{counted(measured.n_matured, 'matured label')}; {limits.minimum_matured:,} are needed "
                f"for a verdict. {measured.note}".strip(),
            )
        )
    elif not findings:
        statements.append(
            Statement("pass", "Accuracy, AUC and observed over expected are within limits.")
        )
    found = measured.performance
    if found and measured.calibration:
        statements.append(
            Statement(
                "note",
                f"AUC {found.auc:.3f} ({interval(found.auc_interval)}), Brier {found.brier:.4f}, observed over "
                f"expected {measured.calibration.observed_expected:.2f}.",
            )
        )
    statements.append(
        Statement(
            "note",
            f"Coverage: {measured.n_matured:,} of {measured.n:,} decisions have a matured label ({share}).",
        )
    )
    return statements


def _words(finding: Finding) -> str:
    names = {
        Trigger.DELAYED_LABEL_ACCURACY: "Accuracy at the cut-off",
        Trigger.DELAYED_LABEL_AUC: "AUC",
        Trigger.OBSERVED_EXPECTED: "Observed over expected",
    }
    side = "above" if finding.observed > finding.threshold else "below"
    return f"{names[finding.trigger]} {finding.observed:.3f} is {side} {finding.threshold:g}"


def _coverage_section(measured: PerformanceMeasured) -> Section:
    total = Coverage(
        "all",
        decided=measured.n,
        labelled=sum(row.labelled for row in measured.coverage),
        matured=measured.n_matured,
    )
    return Section(
        "Coverage",
        paragraphs=(
            "What is known about the decisions of the window. Only matured labels are measured.",
        ),
        tables=(
            Table(
                ("Outcome", "Decided", "With a label", "Matured", "Matured share"),
                tuple(
                    (
                        row.outcome,
                        f"{row.decided:,}",
                        f"{row.labelled:,}",
                        f"{row.matured:,}",
                        percent(row.matured / row.decided),
                    )
                    for row in (*measured.coverage, total)
                ),
            ),
        ),
    )


def _rank_section(
    found: Performance,
    accuracy: float | None,
    findings: Sequence[Finding],
    measured: PerformanceMeasured,
    limits: PerformanceLimits,
) -> Section:
    triggers = {finding.trigger for finding in findings}
    rows: list[tuple[str | Cell, ...]] = [
        (
            "AUC",
            _state(Trigger.DELAYED_LABEL_AUC, triggers, measured),
            f"{found.auc:.3f} ({interval(found.auc_interval)})",
            f"at least {limits.auc_breach:g}",
        ),
        (
            "Accuracy at the cut-off",
            _state(Trigger.DELAYED_LABEL_ACCURACY, triggers, measured),
            number(accuracy),
            f"at least {limits.accuracy_breach:g}",
        ),
        *[
            (name, "", number(value, digits), ABSENT)
            for name, value, digits in (
                ("Gini", found.gini, 3),
                ("KS separation", found.ks_separation, 3),
                ("Brier score", found.brier, 4),
                ("Brier skill", found.brier_skill, 3),
                ("Log loss", found.log_loss, 4),
                ("Bad rate", found.n_bad / found.n, 3),
            )
        ],
    ]
    return Section(
        "Rank order",
        figures=(
            Figure(
                "roc",
                "Bads found against goods called bad, as the cut-off moves.",
                f"ROC curve with an AUC of {found.auc:.3f}.",
            ),
        ),
        tables=(Table(("Measure", "State", "Value (95 %)", "Limit"), tuple(rows), left=2),),
    )


def _calibration_section(
    found: Calibration,
    findings: Sequence[Finding],
    measured: PerformanceMeasured,
    limits: PerformanceLimits,
) -> Section:
    triggers = {finding.trigger for finding in findings}
    return Section(
        "Calibration",
        figures=(
            Figure(
                "calibration",
                "Observed bad rate by band of predicted pd, with 95 % intervals; the diagonal is right.",
                f"Ten bands of predicted pd; observed over expected is {found.observed_expected:.2f} overall.",
            ),
        ),
        tables=(
            Table(
                ("Measure", "State", "Value (95 %)", "Limit"),
                (
                    (
                        "Observed / expected",
                        _state(Trigger.OBSERVED_EXPECTED, triggers, measured),
                        f"{found.observed_expected:.3f} ({interval(found.observed_expected_interval)})",
                        f"{limits.observed_expected_low:g} to {limits.observed_expected_high:g}",
                    ),
                    ("Slope", "", number(found.slope), ABSENT),
                    ("Intercept", "", number(found.intercept), ABSENT),
                    ("Mean absolute gap (ECE)", "", number(found.ece, 4), ABSENT),
                ),
                left=2,
            ),
            Table(
                ("Predicted pd", "Accounts", "Bad", "Mean pd", "Bad rate (95 %)"),
                tuple(
                    (
                        f"{band.pd_from:.3f} to {band.pd_to:.3f}",
                        f"{band.n:,}",
                        f"{band.n_bad:,}",
                        percent(band.mean_pd),
                        f"{percent(band.bad_rate)} ({interval(band.bad_rate_interval, 1, 100)})",
                    )
                    for band in found.bands
                ),
                caption="Bands of equal count.",
            ),
        ),
    )


def _state(trigger: Trigger, crossed: set[Trigger], measured: PerformanceMeasured) -> Cell:
    if not measured.sufficient:
        return Cell("insufficient data", "insufficient_data")
    return Cell("breach", "breach") if trigger in crossed else Cell("within limits", "stable")
