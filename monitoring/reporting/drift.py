"""The drift report: what moved since the model was trained, how far, and against which limit."""

from collections.abc import Sequence

from monitoring.drift import ColumnDrift
from monitoring.measured import DriftMeasured, Floats
from monitoring.policy import DriftLimits
from monitoring.reporting.heading import Heading
from monitoring.reporting.words import ABSENT, counted, number, p_value, percent, points, signed
from monitoring.triggers import SCORE, Finding, Severity, Standing, Trigger
from registry import charts
from registry.documents import Cell, Document, Figure, Section, Statement, Table

Found = Sequence[tuple[Finding, Standing]]
Images = dict[str, bytes]
MOST_SHOWN = 3
SCORE_WORDS = "predicted pd"

DEFINITIONS = (
    (
        "PSI",
        "Population stability index: the sum over bins of (window minus reference) times ln(window / reference). "
        "Bins are fixed on the reference: ten quantiles, or one bin per value where a feature has few "
        "values; missing values are a bin of their own. Shares below 0.0001 count as 0.0001.",
    ),
    (
        "KS (drift_ks_d)",
        "The largest gap between the cumulative distributions of reference and window, over values that "
        "are not missing. High means moved. It is not the KS that separates goods from bads, where high "
        "is good. Categories without an order have none.",
    ),
    (
        "Mean shift",
        "Mean predicted pd in the window minus that of the reference, in percentage points, relative to "
        "the reference mean, and in standard deviations of the reference.",
    ),
    (
        "Confirmed",
        "A limit was crossed in as many of the last windows as the policy asks for. Windows do not "
        "overlap. A critical value is confirmed at once. A confirmed crossing opens a question, not a "
        "verdict: pipeline, source, season and campaign are looked at first.",
    ),
)
FOOTNOTE = (
    "p-values are footnotes: with many decisions the smallest difference is significant. Limits apply to "
    "effect sizes."
)


def drift_document(
    heading: Heading,
    measured: DriftMeasured,
    found: Found,
    limits: DriftLimits,
    reference_words: str,
    reference_pd: Floats,
    current_pd: Floats,
    footer: str,
) -> tuple[Document, Images]:
    """The document and its pictures, from what was measured and what was found in it."""
    images = {
        "score": charts.score_shift(reference_pd, current_pd, heading.cut_off).encode(),
        "psi": charts.psi_bars(
            {_name(column): column.psi for column in measured.columns},
            watch=limits.psi_watch,
            breach=limits.psi_breach,
        ).encode(),
    }
    moved = _most_moved(measured)
    for place, column in enumerate(moved):
        bins = [(b.label, b.reference, b.current) for b in column.bins if b.reference or b.current]
        images[f"shift-{place}"] = charts.distribution_shift(bins, column.name).encode()
    document = Document(
        title=f"Drift of {heading.title}",
        subtitle=f"Version {heading.version}, {heading.window}",
        kind="Monitoring report: drift",
        statements=tuple(_statements(measured, found, limits)),
        facts=(
            *heading.facts,
            (
                "Sample",
                f"{measured.n:,} decisions against {measured.columns[-1].n_reference:,} reference rows",
            ),
            ("Scores compared with", reference_words),
        ),
        sections=(
            _score_section(measured, limits),
            _features_section(measured, found, limits),
            _moved_section(moved),
        ),
        definitions=DEFINITIONS,
        footer=footer,
    )
    return document, images


def _statements(measured: DriftMeasured, found: Found, limits: DriftLimits) -> list[Statement]:
    statements = []
    if not measured.sufficient:
        statements.append(
            Statement(
                "insufficient_data",
                f"The window holds {counted(measured.n, 'decision')}; {limits.minimum_current:,} are "
                "needed for a verdict. The numbers below carry none.",
            )
        )
    acute = [(f, s) for f, s in found if f.severity != Severity.WATCH]
    statements += [Statement("breach", _crossing(finding, standing)) for finding, standing in acute]
    watched = [finding for finding, _ in found if finding.severity == Severity.WATCH]
    if watched:
        statements.append(Statement("watch", "Watched: " + "; ".join(map(_short, watched)) + "."))
    shift = measured.shift
    if not any(finding.trigger == Trigger.PREDICTION_MEAN_SHIFT for finding, _ in found):
        statements.append(
            Statement(
                "note",
                f"Mean predicted pd went from {percent(shift.reference)} to {percent(shift.current)} "
                f"({points(shift.shift)}; limit {limits.mean_shift_breach * 100:g} points).",
            )
        )
    calm = len(measured.columns) - len({finding.measured for finding, _ in found})
    if measured.sufficient:
        within = f"{calm} of {len(measured.columns)} columns are within every limit."
        statements.append(Statement("stable" if not found else "note", within))
    return statements


def _crossing(finding: Finding, standing: Standing) -> str:
    how_often = f"crossed in {standing.crossed} of {counted(standing.windows, 'window')}"
    if finding.severity == Severity.CRITICAL:
        verdict = "critical, so confirmed at once"
    elif standing.confirmed:
        verdict = f"{how_often}, confirmed ({standing.needed} of {standing.of} needed)"
    else:
        verdict = f"{how_often}, not confirmed yet ({standing.needed} of {standing.of} needed)"
    return f"{_capital(_short(finding))}; {verdict}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(finding: Finding) -> str:
    what = SCORE_WORDS if finding.measured == SCORE else finding.measured
    if finding.trigger in (Trigger.PREDICTION_MEAN_SHIFT, Trigger.MISSING_RATE_SHIFT):
        measure = "mean" if finding.trigger == Trigger.PREDICTION_MEAN_SHIFT else "missing values"
        relative = (
            finding.trigger == Trigger.PREDICTION_MEAN_SHIFT and finding.severity == Severity.WATCH
        )
        unit = " %" if relative else " points"
        return (
            f"{measure} of {what} moved by {finding.observed * 100:.1f}{unit} "
            f"(limit {finding.threshold * 100:g}{unit})"
        )
    measure = "KS" if finding.trigger == Trigger.DRIFT_KS_D else "PSI"
    return f"{measure} of {what} {finding.observed:.3f} (limit {finding.threshold:g})"


def _score_section(measured: DriftMeasured, limits: DriftLimits) -> Section:
    shift, score = measured.shift, measured.score
    return Section(
        "Predicted pd",
        figures=(
            Figure(
                "score",
                "Distribution of predicted pd: reference (grey) and window (blue).",
                f"Two distributions of predicted pd, with means {percent(shift.reference)} and {percent(shift.current)}.",
            ),
        ),
        tables=(
            Table(
                ("Measure", "Reference", "Window", "Change", "Limit"),
                (
                    (
                        "Mean",
                        percent(shift.reference),
                        percent(shift.current),
                        points(shift.shift),
                        f"{limits.mean_shift_breach * 100:g} points",
                    ),
                    (
                        "Mean, relative",
                        "",
                        "",
                        ABSENT
                        if shift.relative is None
                        else f"{signed(shift.relative * 100, 1)} %",
                        f"{limits.mean_shift_relative_watch * 100:g} % (watch)",
                    ),
                    ("Mean, in standard deviations", "", "", signed(shift.in_sd), ABSENT),
                    ("KS (drift_ks_d)", "", "", number(score.ks), f"{limits.ks_breach:g}"),
                    ("PSI", "", "", number(score.psi), f"{limits.psi_breach:g}"),
                ),
            ),
        ),
    )


def _features_section(measured: DriftMeasured, found: Found, limits: DriftLimits) -> Section:
    ranked = sorted(measured.columns, key=lambda column: (-column.psi, column.name))
    rows = tuple(_row(column, found, measured.sufficient, limits) for column in ranked)
    return Section(
        "Every column, by how far it moved",
        figures=(
            Figure(
                "psi",
                "Population stability index by column, with the policy's limits.",
                "Bars of PSI by column: "
                + ", ".join(f"{_name(c)} {c.psi:.3f}" for c in ranked)
                + ".",
            ),
        ),
        tables=(
            Table(
                (
                    "Column",
                    "State",
                    "PSI",
                    "KS",
                    "Missing, reference",
                    "Missing, window",
                    "Unseen",
                    "KS p",
                ),
                rows,
                caption=(
                    f"Limits: PSI {limits.psi_watch:g} and {limits.psi_breach:g}; KS {limits.ks_watch:g}, "
                    f"{limits.ks_breach:g} and {limits.ks_critical:g} (critical); missing "
                    f"{limits.missing_watch * 100:g} and {limits.missing_breach * 100:g} points."
                ),
                left=2,
            ),
        ),
        notes=(FOOTNOTE,),
    )


def _row(
    column: ColumnDrift, found: Found, sufficient: bool, limits: DriftLimits
) -> tuple[str | Cell, ...]:
    return (
        _name(column)
        if column.name == SCORE or limits.is_tier_1(column.name)
        else f"{column.name} (tier 2)",
        _state(column, found, sufficient),
        number(column.psi),
        number(column.ks),
        percent(column.missing_reference),
        percent(column.missing_current),
        percent(column.unseen_current) if column.binning == "category" else ABSENT,
        p_value(column.ks_p_value),
    )


def _state(column: ColumnDrift, found: Found, sufficient: bool) -> Cell:
    if not sufficient:
        return Cell("insufficient data", "insufficient_data")
    severities = {finding.severity for finding, _ in found if finding.measured == column.name}
    if Severity.CRITICAL in severities:
        return Cell("critical", "breach")
    if Severity.BREACH in severities:
        return Cell("breach", "breach")
    return Cell("watch", "watch") if severities else Cell("within limits", "stable")


def _moved_section(moved: Sequence[ColumnDrift]) -> Section:
    return Section(
        "The features that moved most",
        figures=tuple(
            Figure(
                f"shift-{place}",
                f"{column.name}: PSI {column.psi:.3f}, KS {number(column.ks)}.",
                f"Shares of reference and window by bin of {column.name}.",
            )
            for place, column in enumerate(moved)
        ),
    )


def _most_moved(measured: DriftMeasured) -> list[ColumnDrift]:
    return sorted(measured.features, key=lambda column: (-column.psi, column.name))[:MOST_SHOWN]


def _name(column: ColumnDrift) -> str:
    return SCORE_WORDS if column.name == SCORE else column.name
