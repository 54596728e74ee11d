"""What the data and the run say: rows, features, method, performance as the developer measured it, explanations."""

from collections.abc import Callable
from typing import Any

from governance.documents.content import (
    Cell,
    Grid,
    Part,
    Picture,
    absent,
    between,
    day,
    field,
    line,
    number,
    said,
)
from governance.documents.record import Record
from registry.features import Feature
from registry.models import Policy
from registry.reason_library import ReasonLibrary


def data(record: Record) -> Part:
    held = record.version.dataset
    results = held.validation["checks"]
    passed = sum(result["passed"] for result in results)
    protected = ", ".join(held.description["protected_columns"])
    ignored = held.description.get("ignored") or {}
    facts = [
        field("Data set", held.name, held),
        field("Rows", f"{held.rows:,}", held),
        field("SHA-256", held.sha256, held),
        field("Source", held.source, held),
        field("Licence", held.licence, held),
        field(
            "Registered", f"by {held.registered_by.get_username()}, {day(held.created_at)}", held
        ),
        field("Validation", f"{passed:,} of {len(results):,} checks passed", held),
        field("Protected columns, split off before training", protected, held),
    ]
    facts += [field(f"Excluded: {name}", why, held) for name, why in sorted(ignored.items())]
    return Part(tuple(facts))


def sampling(record: Record) -> Part:
    run, kept = record.run, record.version.artefact
    holdout, inside = (run.metrics[part]["performance"] for part in ("holdout", "in_sample"))
    return Part(
        (
            said(
                f"{run.holdout_share:.0%} of goods and of bads were to be held out, chosen by the digest of seed {run.seed} and row; "
                "rows of one person stay together.",
                run,
            ),
            said(
                f"The model was trained on {inside['n']:,} rows, of which {inside['n_bad']:,} are bad, and measured on {holdout['n']:,} "
                f"others, of which {holdout['n_bad']:,} are bad.",
                kept,
            ),
            absent("a sample out of time."),
        )
    )


def features(record: Record) -> Part:
    rows = tuple(
        line(
            record.version,
            feature.name,
            feature.type,
            _range(feature),
            feature.monotone,
            feature.missing,
            feature.reason_group.replace("_", " "),
        )
        for feature in record.contract.features
    )
    columns = ("Feature", "Type", "Range and unit", "Direction", "Missing", "Reason group")
    count = said(f"The contract has {len(rows)} features.", record.version)
    return Part((count,), (Grid(columns, rows, "Feature contract", left=6, wide=2),))


def method(record: Record) -> Part:
    run, kept = record.run, record.version.artefact
    params = ", ".join(f"{name} {value}" for name, value in sorted(run.params.items()))
    return Part(
        (
            field("Methodology", record.inventory.body["methodology"], record.inventory),
            field("Algorithm", run.get_algorithm_display(), run),
            field("Parameters", params or "those of the algorithm, none set", run),
            field("Seed", run.seed, run),
            field("Asked for by", run.requested_by.get_username(), run),
            field("Trained until", day(run.finished_at), kept),
            field("Code revision", run.code_revision, kept),
        )
    )


def alternatives(record: Record) -> Part:
    rows = []
    for run in record.alternatives:
        found = run.metrics["holdout"]["performance"]
        chosen = Cell("this version" if run.pk == record.run.pk else "")
        auc = between(found["auc"], found["auc_interval"]["low"], found["auc_interval"]["high"])
        rows.append(
            line(run.artefact, run.get_algorithm_display(), auc, number(found["brier"]), chosen)
        )
    columns = ("Run", "AUC on its holdout (95 %)", "Brier", "")
    return Part(grids=(Grid(columns, tuple(rows), "Runs that ended before the registration"),))


def performance(record: Record) -> Part:
    metrics, kept = record.run.metrics, record.version.artefact
    parts = [metrics["holdout"], metrics["in_sample"]]
    rows = [line(kept, title, *(show(part) for part in parts)) for title, show in _MEASURES.items()]
    roc = Picture(
        "roc",
        "plot",
        {"sha256": record.run.plots["roc"]},
        "Rank order, on held-out rows and on those of the training",
        "Share of bads called bad against share of goods called bad, as two curves",
        str(kept.entry_id),
    )
    bands = Picture(
        "calibration",
        "calibration",
        {"bands": _bands(metrics["holdout"]["calibration"]["bands"])},
        "Calibration on held-out rows, in bands of equal size, with 95 % intervals",
        "Observed bad rate of each band against its mean predicted probability",
        str(kept.entry_id),
    )
    columns = ("Measure (95 % interval)", "Held out", "Trained on")
    return Part(
        grids=(Grid(columns, tuple(rows), "As measured when the run ended"),), pictures=(roc, bands)
    )


def importance(record: Record) -> Part:
    kept = record.version.artefact
    losses = {name: f"{value:.6g}" for name, value in record.run.metrics["importance"].items()}
    drawn = Picture(
        "importance",
        "importance",
        {"values": losses},
        "Loss of AUC when a feature is shuffled (Breiman, 2001)",
        "Bars of the loss of AUC by feature, the longest first",
        str(kept.entry_id),
    )
    most = max(losses, key=lambda name: float(losses[name]))
    return Part(
        (
            said(
                f"Shuffling {most} loses the most AUC of any feature: {float(losses[most]):.4g}.",
                kept,
            ),
        ),
        pictures=(drawn,),
    )


def explanations(record: Record) -> Part:
    version, base, library = (
        record.version,
        record.version.baseline,
        record.version.reason_library,
    )
    band = base.band
    told = ReasonLibrary.from_json(library.body)
    used = sorted({feature.reason_group for feature in record.contract.features})
    rows = tuple(
        line(
            library,
            told.groups[name].code,
            name.replace("_", " "),
            told.texts_of(name).statement,
        )
        for name in used
    )
    return Part(
        (
            said(
                f"Attributions are against {base.rows:,} applicants of baseline {base.pk}: {band['rule']}, with a probability of bad from "
                f"{number(band['pd_from'])} to {number(band['pd_to'])}.",
                base,
            ),
            said(
                f"What applicants are told comes from the policy {library}, SHA-256 {library.sha256}.",
                version,
            ),
        ),
        (
            Grid(
                ("Code", "Reason group", "What an applicant is told"),
                rows,
                "Reasons",
                left=3,
                wide=2,
            ),
        ),
    )


def decision_rule(record: Record) -> Part:
    version, policy = record.version, record.version.decision_policy
    facts = [
        said(
            f"An application with a probability of bad at or above the cut-off of {version.cut_off:g} is declined.",
            version,
        ),
        said(f"The rule is the policy {policy}, SHA-256 {policy.sha256}.", version),
    ]
    if band := policy.body.get("grey_band"):
        facts.append(
            said(f"From {band['from']:g} to below {band['to']:g} a person decides.", policy)
        )
    rules = policy.body.get("knockout_rules", [])
    facts += [
        said(
            f"Whatever the score, {rule['feature']} {rule['operator']} {rule['value']} declines.",
            policy,
        )
        for rule in rules
    ]
    if not rules:
        facts.append(said("No rule declines whatever the score is.", policy))
    return Part(tuple(facts))


def design(record: Record) -> Part:
    return decision_rule(record) + importance(record)


def envelope(record: Record) -> Part:
    """What may be trained unattended, by the policy in force."""
    policy = record.policy(Policy.Kind.RETRAINING)
    if policy is None:
        return Part((absent("a retraining policy in force, so nothing is trained unattended."),))
    body = policy.body
    candidates = tuple(
        line(
            policy,
            candidate["algorithm"].replace("_", " "),
            ", ".join(f"{name} {value}" for name, value in sorted(candidate["params"].items()))
            or "none set",
        )
        for candidate in body["candidates"]
    )
    return Part(
        (
            said(
                f"Retraining stays within the policy {policy}, SHA-256 {policy.sha256}: data of {body['window_days']} days, at least "
                f"{body['minimum_rows']:,} rows, seed {body['seed']}, and the candidates below.",
                policy,
            ),
        ),
        (Grid(("Candidate", "Parameters"), candidates, left=2, wide=1),),
    )


def _range(feature: Feature) -> str:
    if feature.categories:
        return ", ".join(feature.categories)
    if feature.minimum is None:
        return "-"
    return f"{feature.minimum:,.10g} to {feature.maximum:,.10g} {feature.unit}".strip()


def _bands(bands: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "mean_pd": repr(band["mean_pd"]),
            "bad_rate": repr(band["bad_rate"]),
            "low": repr(band["bad_rate_interval"]["low"]),
            "high": repr(band["bad_rate_interval"]["high"]),
        }
        for band in bands
    ]


def _auc(part: dict[str, Any]) -> str:
    found = part["performance"]
    return between(found["auc"], found["auc_interval"]["low"], found["auc_interval"]["high"])


def _observed_expected(part: dict[str, Any]) -> str:
    found = part["calibration"]
    interval = found["observed_expected_interval"]
    return between(found["observed_expected"], interval["low"], interval["high"])


_MEASURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "AUC": _auc,
    "Gini": lambda part: number(part["performance"]["gini"]),
    "KS separation": lambda part: number(part["performance"]["ks_separation"]),
    "Brier score": lambda part: number(part["performance"]["brier"]),
    "Log loss": lambda part: number(part["performance"]["log_loss"]),
    "Observed over expected bads": _observed_expected,
    "Calibration slope": lambda part: number(part["calibration"]["slope"]),
    "Calibration intercept": lambda part: number(part["calibration"]["intercept"]),
    "Rows": lambda part: f"{part['performance']['n']:,}",
    "Bads": lambda part: f"{part['performance']['n_bad']:,}",
}
