"""The population is watched: reports, a simulated shift, a retraining case with its clock, and people who decide."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from governance.demo.chapters import building, deciding
from governance.demo.clients import UnexpectedAnswer
from governance.demo.material import draw_shifted
from governance.demo.stage import Stage

DRAWS = 1_500
MOVED = ("drift", "performance")


def report(stage: Stage) -> None:
    """Drift, bias and performance of everything decided so far."""
    story, kinds = stage.story, _kinds(stage)
    with story.step(f"Felix has {', '.join(kinds)} reported"):
        _pass(stage, kinds, stage.facts["window_start"])
        _save_reports(stage, kinds, "first")
        reports = {kind: _latest(stage, kind) for kind in kinds}
    fairness = reports.get("fairness", {"alerts": [], "results": {"comparisons": []}})
    stage.facts["bias"] = any(alert["confirmed"] for alert in fairness["alerts"])
    _show_fairness(stage, fairness)
    _show_drift(stage, reports["drift"])


def answer_the_bias_alert(stage: Stage) -> None:
    """A ratio below the limit opened a case as well; a person closes it with its cause."""
    story = stage.story
    if not stage.facts["bias"]:
        return
    with story.step(
        "The ratio below its limit opened a case; Amira answers it with a cause, in the admin"
    ):
        case = _case_for(stage, "adverse_impact")
        stage.browser("amira").act(
            f"/governance/retrainingcase/{case['id']}/close/",
            cause="The label is what underwriters decided, so retraining on it would repeat the difference. "
            "A lender would look for less discriminatory alternatives here, and change the label.",
        )
        case = stage.rest("dana").get(f"retraining-cases/{case['id']}")
    story.say(f"The case is {case['state']}: {case['closing_reason']}")


def shift_the_population(stage: Stage) -> None:
    """Weighted draws of real rows, the riskier the likelier: simulated, and called so."""
    story = stage.story
    scores = np.array([decision["pd"] for decision in stage.facts["decisions"]])
    drawn = stage.facts["rows"][draw_shifted(scores, DRAWS, stage.seed)]
    with story.step(
        f"A SIMULATED shift: {DRAWS:,} draws of real rows, weighted by the rank of their risk (seed {stage.seed})"
    ):
        began = datetime.now(UTC).isoformat()
        decisions = deciding.decide_rows(stage, drawn, "shifted-")
        deciding.supply_what_became_known(stage, drawn, decisions)
        # Groups were compared before; the draws are the same people again.
        _pass(stage, MOVED, began)
        _save_reports(stage, MOVED, "shifted")
        drift = _latest(stage, "drift")
    _show_drift(stage, drift)
    for alert in drift["alerts"]:
        story.say(
            f"[red]alert[/] {alert['trigger']} of {alert['measured']}: {alert['observed']:.3f}, limit {alert['threshold']:g} ({alert['severity']})"
        )


def retrain(stage: Stage) -> None:
    """The sweep opens a case with a deadline; workers carry it as far as people must decide."""
    story, dana = stage.story, stage.rest("dana")
    with story.step("The alerts open a retraining case; its 24-hour clock runs"):
        case = _case_for(stage, "population_drift")
        story.say(f"Cause: {case['cause']}. Detected {case['detected_at']}, due {case['due_at']}.")
        case = dana.wait(
            f"retraining-cases/{case['id']}",
            lambda answer: answer["state"] != "open" or _stopped(answer) is not None,
            "The candidate",
            stage.processes.require_alive,
        )
        if stopped := _stopped(case):
            raise UnexpectedAnswer(f"The case stopped: {stopped['detail']['reason']}")
    stage.facts["case"] = case
    _show_steps(stage, case)


def let_people_decide(stage: Stage) -> None:
    """Time alone never approves: two people do, and the candidate becomes the champion."""
    story, case = stage.story, stage.facts["case"]
    number = case["candidate"]
    with story.step(
        f"Version {number} waits for people: Victor decides about staging, Amira about production"
    ):
        for person, why in (
            ("victor", "Gates read; the search kept every candidate."),
            ("amira", "The shift is understood."),
        ):
            change = _open_change(stage, number)
            stage.browser(person).act(building.approval_page(change), rationale=why)
        case = stage.rest("dana").wait(
            f"retraining-cases/{case['id']}",
            lambda answer: answer["closed_at"] is not None,
            "Closing the case",
            stage.processes.require_alive,
        )
        champion = stage.rest("dana").get(f"models/{stage.model}")["champion"]
    story.say(
        f"The case is {case['state']}; the champion is version {champion}. Version 1 stays ready for rollback for 30 days."
    )
    _show_steps(stage, case)


def _case_for(stage: Stage, cause: str) -> dict[str, Any]:
    def found(answer: dict[str, Any]) -> list[dict[str, Any]]:
        return [case for case in answer["results"] if case["cause"] == cause]

    cases = stage.rest("dana").wait(
        "retraining-cases",
        lambda answer: bool(found(answer)),
        f"The retraining case about {cause}",
        stage.processes.require_alive,
    )
    return found(cases)[0]


def _stopped(case: dict[str, Any]) -> dict[str, Any] | None:
    """The step that stopped the case; None when none did."""
    return next((step for step in case["steps"] if step["outcome"] == "stopped"), None)


def _kinds(stage: Stage) -> list[str]:
    """What can be reported: fairness only where the file knows groups, reasons only where the score declined somebody."""
    fairness = ["fairness"] if stage.material.description.groups else []
    by_score = any(
        (each["outcome"], each["decision_path"]) == ("declined", "score")
        for each in stage.facts["decisions"]
    )
    return ["drift", *fairness, "performance", *(["reasons"] if by_score else [])]


def _pass(stage: Stage, kinds: Sequence[str], start: str) -> None:
    """One monitoring pass over what was decided from `start` until now."""
    felix = stage.rest("felix")
    window = {"window_start": start, "window_end": datetime.now(UTC).isoformat()}
    asked = felix.post(
        f"models/{stage.model}/monitoring-passes",
        {**window, "kinds": list(kinds)},
        expect=202,
    )
    done = felix.wait(
        f"monitoring-passes/{asked['id']}",
        lambda answer: answer["finished_at"] is not None,
        "The monitoring pass",
        stage.processes.require_alive,
    )
    if done["problem"]:
        raise UnexpectedAnswer(f"The monitoring pass failed: {done['problem']}")


def _latest(stage: Stage, kind: str) -> dict[str, Any]:
    report: dict[str, Any] = stage.rest("felix").get(f"models/{stage.model}/reports/{kind}")
    return report


def _save_reports(stage: Stage, kinds: Sequence[str], name: str) -> None:
    for kind in kinds:
        for ending in ("html", "pdf"):
            address = f"models/{stage.model}/reports/{kind}?format={ending}"
            (stage.scratch / f"{name}-{kind}.{ending}").write_bytes(
                stage.rest("felix").download(address)
            )
    stage.story.say(f"{len(kinds)} reports, each as HTML and PDF, in {stage.scratch}.")


def _open_change(stage: Stage, number: int) -> str:
    def of_version(answer: dict[str, Any]) -> list[str]:
        return [change["id"] for change in answer["results"] if change["version"] == number]

    found = stage.rest("dana").wait(
        "change-requests?state=open",
        lambda answer: bool(of_version(answer)),
        "The change request",
        stage.processes.require_alive,
    )
    return of_version(found)[0]


def _show_steps(stage: Stage, case: dict[str, Any]) -> None:
    rows = [
        [step["step"], f"{step['budget_minutes']} min", step["outcome"] or "waits"]
        for step in case["steps"]
    ]
    stage.story.table(f"Case {case['state']}", ["step", "budget", "outcome"], rows)


def _show_fairness(stage: Stage, fairness: dict[str, Any]) -> None:
    for comparison in fairness["results"]["comparisons"]:
        rows = [
            [
                f"{attribute}: {group['group']}",
                f"{group['n']:,}" if group["shown"] else "few",
                "-" if group.get("air") is None else f"{group['air']:.3f}",
                _interval(group.get("air_interval")),
                group["state"],
            ]
            for attribute, groups in comparison["groups"].items()
            for group in groups
        ]
        columns = ["group", "n", "AIR", "95 % interval", "says"]
        stage.story.table(f"{comparison['title']}: {comparison['n']:,} people", columns, rows)


def _show_drift(stage: Stage, drift: dict[str, Any]) -> None:
    columns = drift["results"]["drift"]["columns"]
    largest = sorted(columns, key=lambda column: -column["psi"])[:5]
    rows = [
        [
            column["name"],
            "-" if column["ks"] is None else f"{column['ks']:.3f}",
            f"{column['psi']:.3f}",
        ]
        for column in largest
    ]
    stage.story.table(
        "Drift against the training reference, the five that moved most",
        ["column", "drift KS D", "PSI"],
        rows,
    )


def _interval(interval: dict[str, float] | None) -> str:
    return f"{interval['low']:.2f} to {interval['high']:.2f}" if interval else "-"
