"""What the newest gate report says, check by check; and what training again from the record gave."""

from collections.abc import Collection
from typing import Any

from governance.documents.content import (
    Cell,
    Fact,
    Grid,
    Part,
    Picture,
    absent,
    between,
    day,
    field,
    line,
    said,
)
from governance.documents.record import Record
from governance.models import GateReport

STATES = {"fail": "breach"}  # the words of documents for those of gates
WORDS = {"fail": "not met", "insufficient_data": "insufficient data"}

DATA = ("rows", "nulls", "valid_rows", "baseline_rows")
OUTCOMES = (
    "accuracy", "auc", "gini", "ks_separation", "brier", "log_loss", "calibration", "calibration_slope",
    "calibration_intercept", "calibration_by_grade",
)  # fmt: skip
STABILITY = ("score_psi", "feature_csi")
SENSITIVITY = ("noise_flips", "missing_flips", "monotonicity", "elderly_age")
EXPLANATION = ("additivity", "reason_stability", "reason_faithfulness")
IMPLEMENTATION = ("reproducibility", "explain_latency_p95_ms", "valid_rows", "documents_complete")
ACRONYMS = {"auc", "csi", "ks", "psi"}
NO_REPORT = "a gate report of this version, so nothing was measured."


def gate_verdict(record: Record) -> Part:
    report = record.report
    if report is None:
        return Part((absent(NO_REPORT),))
    results = report.results
    blocking = [each for each in results if each["severity"] == "block"]
    counts = {
        status: sum(each["status"] == status for each in results)
        for status in ("pass", "watch", "fail", "insufficient_data")
    }
    return Part(
        (
            verdict(report),
            said(
                f"{len(results)} verdicts, {len(blocking)} of them blocking: {counts['pass']} pass, {counts['watch']} watch, "
                f"{counts['fail']} not met, {counts['insufficient_data']} without sufficient data.",
                report,
            ),
            field("Gate policy", str(report.policy), report),
            field("Gate policy, SHA-256", report.policy.sha256, report),
            field("Gate report, SHA-256", report.sha256, report),
        )
    )


def verdict(report: GateReport) -> Fact:
    """The one sentence about a gate report."""
    what = "passed" if report.passed else "did not pass"
    return said(f"The version {what} {report.policy}, measured {day(report.measured_at)}.", report)


def data_quality(record: Record) -> Part:
    return _checks(record, DATA)


def outcomes(record: Record) -> Part:
    return _checks(record, OUTCOMES) + _grades(record)


def benchmark(record: Record) -> Part:
    return _checks(record, ("champion_auc_difference",))


def stability(record: Record) -> Part:
    return _checks(record, STABILITY) + _csi(record)


def sensitivity(record: Record) -> Part:
    return _checks(record, SENSITIVITY)


def explanation_challenge(record: Record) -> Part:
    return _checks(record, EXPLANATION)


def implementation(record: Record) -> Part:
    return _checks(record, IMPLEMENTATION)


def metric_suitability(record: Record) -> Part:
    """Why the policy asks for each check, in its own words."""
    report = record.report
    if report is None:
        return Part((absent(NO_REPORT),))
    reasons = {each["check"]: each["reason"] for each in report.results}
    rows = tuple(line(report, _name(check), reason) for check, reason in reasons.items())
    return Part(grids=(Grid(("Check", "Why the policy asks for it"), rows, left=2, wide=1),))


def groups(record: Record) -> Part:
    """Approval rates of groups against their control groups: for those who may see fairness reports."""
    report = record.report
    if report is None:
        return Part((absent(NO_REPORT),))
    found = [each for each in report.results if each["check"] == "adverse_impact"]
    if not found:
        return Part((said(f"The policy {report.policy} compares no groups.", report),))
    rows = tuple(
        line(
            report,
            each["subject"] or "all",
            _state(each),
            between(each["value"], each["low"], each["high"]),
            each["threshold"],
            f"{each['n']:,}" if each["n"] else "too few to show",
        )
        for each in found
    )
    table = Grid(
        ("Group", "Verdict", "Adverse impact ratio (95 %)", "Limit", "People"),
        rows,
        "Approval rate over that of the control group",
        left=2,
    )
    shown = [each for each in found if each["value"] is not None]
    return Part(grids=(table,), pictures=(_ratios(report, found),) if shown else ())


def replication(record: Record) -> Part:
    found = list(record.run.reproductions.order_by("id").select_related("reproduced_by"))
    facts = [
        said(
            f"{each.reproduced_by.get_username()} trained the run again from its record, {day(each.reproduced_at)}: "
            f"{each.get_verdict_display().lower()}, and an AUC on the holdout that differs by {each.holdout_auc_change:.2g}.",
            each,
        )
        for each in found
    ]
    by_hand = tuple(facts) or (absent("a replication by hand of the run."),)
    return Part(by_hand) + _checks(record, ("reproducibility",))


def _checks(record: Record, names: Collection[str]) -> Part:
    report = record.report
    if report is None:
        return Part((absent(NO_REPORT),))
    found = [each for each in report.results if each["check"] in names]
    if not found:
        return Part((said(f"The policy {report.policy} asked for none of these checks.", report),))
    rows = tuple(
        line(
            report,
            _name(each["check"]),
            _state(each),
            between(each["value"], each["low"], each["high"]),
            each["threshold"],
            f"{each['n']:,}" if each["n"] else "-",
        )
        for each in found
    )
    columns = ("Check", "Verdict", "Measured (95 %)", "Limit", "n")
    notes = tuple(
        said(f"{_name(each['check'])}: {each['why']}", report)
        for each in found
        if each["status"] != "pass"
    )
    return Part(notes, (Grid(columns, rows, left=2),))


def _grades(record: Record) -> Part:
    rows = _details(record.report, "calibration_by_grade")
    if not rows or record.report is None:
        return Part()
    bands = [
        {
            "mean_pd": repr(row["mean_pd"]),
            "bad_rate": repr(row["bad_rate"]),
            "low": repr(row["bad_rate_interval"]["low"]),
            "high": repr(row["bad_rate_interval"]["high"]),
        }
        for row in rows
    ]
    drawn = Picture(
        "grades",
        "calibration",
        {"bands": bands},
        "Calibration by grade, with 95 % intervals",
        "Observed bad rate of each grade against its mean predicted probability",
        str(record.report.entry_id),
    )
    return Part(pictures=(drawn,))


def _csi(record: Record) -> Part:
    rows = _details(record.report, "feature_csi")
    if not rows or record.report is None:
        return Part()
    drawn = Picture(
        "csi",
        "stability",
        {"values": {row["feature"]: repr(row["value"]) for row in rows}},
        "Characteristic stability index, training against holdout",
        "Bars of the characteristic stability index by feature, the longest first",
        str(record.report.entry_id),
    )
    return Part(pictures=(drawn,))


def _ratios(report: GateReport, found: list[dict[str, Any]]) -> Picture:
    limits = {"breach": "0.8", "watch": "0.9"}
    for check in report.policy.body["checks"]:
        if check["check"] == "adverse_impact":
            limits = {
                "breach": repr(float(check["minimum"])),
                "watch": repr(float(check.get("watch", 0.9))),
            }
    ratios = [
        {
            "label": each["subject"],
            "state": STATES.get(each["status"], each["status"]),
            **{
                name: None if each[key] is None else repr(each[key])
                for name, key in (("ratio", "value"), ("low", "low"), ("high", "high"))
            },
        }
        for each in found
        if each["subject"]
    ]
    return Picture(
        "groups",
        "ratios",
        {"ratios": ratios, **limits},
        "Adverse impact ratio of each group, with 95 % intervals",
        "The adverse impact ratio of each group and its interval, against parity and both limits",
        str(report.entry_id),
    )


def _details(report: GateReport | None, check: str) -> list[dict[str, Any]]:
    if report is None:
        return []
    return [
        row for each in report.results if each["check"] == check for row in each.get("details", [])
    ]


def _state(result: dict[str, Any]) -> Cell:
    status = result["status"]
    return Cell(WORDS.get(status, status), STATES.get(status, status))


def _name(check: str) -> str:
    """As people write it: KS separation, Score PSI."""
    words = [word.upper() if word in ACRONYMS else word for word in check.split("_")]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]
