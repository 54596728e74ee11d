"""Applications are decided over REST: score, exact explanation, reasons, receipt, and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from governance.demo.clients import UnexpectedAnswer
from governance.demo.console import Storyteller
from governance.demo.stage import Stage

CHUNK = 500


def score_too_early(stage: Stage) -> None:
    with stage.story.step(
        "The lending system asks for a decision before anybody approved anything"
    ):
        answer = stage.rest("lending").post(
            f"models/{stage.model}/decisions", stage.material.application(0, "early-"), expect=503
        )
    stage.story.refused("no cleared version", answer["detail"])


def score_one(stage: Stage) -> None:
    """One application in full, and again with the same key."""
    story, lending = stage.story, stage.rest("lending")
    address = f"models/{stage.model}/decisions"
    with story.step("The lending system sends its first applications, until one is not approved"):
        for row in _risky_rows(stage):
            body = stage.material.application(row, "shown-")
            key = {"Idempotency-Key": f"demo-{stage.seed}-{row}"}
            decision = lending.post(address, body, headers=key)
            if decision["outcome"] != "approved":
                break
        again = lending.post(address, body, headers=key, expect=200)
    if again["decision_id"] != decision["decision_id"]:
        raise UnexpectedAnswer("The same key made a second decision.")
    stage.facts["shown"] = decision
    _show(story, decision)
    story.say("Sent again with the same Idempotency-Key: the same decision, not a second one.")


def explain_one(stage: Stage) -> None:
    """The letter that the applicant of the shown decision gets, and what would have changed the result."""
    story, lending = stage.story, stage.rest("lending")
    address = f"decisions/{stage.facts['shown']['decision_id']}/explanation"
    with story.step("The applicant asks why: the lending system issues the letter of explanation"):
        lending.post(address, {"language": "en"})
        told = lending.get(address)["counterfactuals"]
    for one in told["found"]:
        moves = "; ".join(
            f"{move['feature']} {_short(move['after'])} instead of {_short(move['before'])}"
            for move in one["moves"]
        )
        story.say(f"Would have been approved, at a probability of {one['pd']:.1%}: {moves}.")
    story.say(f"The letter, as it was issued: /api/v1/{address}?format=pdf")


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def show_refusals(stage: Stage) -> None:
    """Real answers to what must not be decided."""
    story, lending, material = stage.story, stage.rest("lending"), stage.material
    address = f"models/{stage.model}/decisions"
    with story.step("The lending system makes mistakes, and gets all of them named at once"):
        broken = material.application(1, "broken-")
        features = sorted(material.description.features.features, key=lambda f: f.type != "number")
        broken["features"][features[0].name] = "a lot"
        del broken["features"][features[1].name]
        broken["features"]["favourite_colour"] = "blue"
        broken["features"][next(iter(material.description.protected), "race")] = 1
        wrong = lending.post(address, broken, expect=422)
        unapproved = lending.post(
            f"{address}?version=2", material.application(1, "v2-"), expect=503
        )
    for problem in wrong["errors"]:
        story.refused(problem["field"], problem["detail"])
    story.refused("version 2, which nobody approved", unapproved["detail"])


def score_all(stage: Stage, limit: int) -> None:
    """Every row of the file, or as many as `limit`, drawn by the seed."""
    material = stage.material
    rows = np.arange(len(material))
    if len(rows) > limit:
        rows = np.sort(
            np.random.default_rng(stage.seed).choice(len(material), limit, replace=False)
        )
    title = f"The lending system sends {'all ' if len(rows) == len(material) else ''}{len(rows):,} applications"
    with stage.story.step(title):
        stage.facts["window_start"] = datetime.now(UTC).isoformat()
        stage.facts["decisions"] = decide_rows(stage, rows, "")
        stage.facts["rows"] = rows
        stage.facts["window_end"] = datetime.now(UTC).isoformat()
    _show_outcomes(stage.story, stage.facts["decisions"])


def let_an_officer_decide(stage: Stage) -> None:
    """One application that the score left to a person; who declines gives reasons of their own."""
    story, decisions = stage.story, stage.facts["decisions"]
    referred = [each["decision_id"] for each in decisions if each["outcome"] == "referred"]
    stage.facts["resolved"] = referred[:1]
    for decision_id in stage.facts["resolved"]:
        with story.step(
            "Chloe, a credit officer, decides a referred application in the admin, and declines it"
        ):
            stage.browser("chloe").act(
                f"/serving/decision/{decision_id}/resolve/",
                outcome="declined",
                statements="Length of employment could not be verified",
                rationale="The employer named in the application was called twice and did not confirm it.",
            )
            stands = stage.rest("lending").get(f"decisions/{decision_id}/resolution")
        for reason in stands["reasons"]:
            story.say(f"reason {reason['rank']}, of the {reason['component']}: {reason['statement']}")  # fmt: skip


def send_notices(stage: Stage) -> None:
    """Every declined applicant gets a notice; of all but the last it is recorded that it was sent."""
    lending = stage.rest("lending")
    declined = [
        each["decision_id"] for each in stage.facts["decisions"] if each["outcome"] == "declined"
    ]
    declined = stage.facts["resolved"] + declined
    with stage.story.step(
        f"The lending system issues the notices of {len(declined)} declined applicants, and sends all but one"
    ):
        for decision_id in declined:
            lending.post(f"decisions/{decision_id}/notice", {})
        for decision_id in declined[:-1]:
            sent = {"channel": "mail", "sent_at": datetime.now(UTC).isoformat()}
            lending.post(f"decisions/{decision_id}/notice/deliveries", sent)
    stage.story.say(
        "Each is kept as it was issued. Thirty days from the completed application remain for the last one, as the notice policy says."
    )


def supply_what_became_known(
    stage: Stage, rows: NDArray[np.int64], decisions: list[dict[str, Any]]
) -> None:
    """Labels, from the lending system, and protected attributes, from the fair-lending analyst."""
    material = stage.material
    labels = [
        {
            "decision_id": decision["decision_id"],
            "bad": material.bad(int(row)),
            "observed_on": datetime.now(UTC).date().isoformat(),
            "months_on_book": 12,
            "matured": True,
            "source": "the data file's label",
        }
        for row, decision in zip(rows, decisions, strict=True)
    ]
    for start in range(0, len(labels), 2 * CHUNK):
        stage.rest("lending").post(
            "labels", {"labels": labels[start : start + 2 * CHUNK]}, expect=200
        )
    if material.description.protected:
        _supply_demographics(stage, rows)


def _supply_demographics(stage: Stage, rows: NDArray[np.int64]) -> None:
    people = {int(row): stage.material.demographics(int(row)) for row in rows}
    demographics = list(people.values())
    for start in range(0, len(demographics), 2 * CHUNK):
        body = {"client": "lending", "demographics": demographics[start : start + 2 * CHUNK]}
        answer = stage.rest("felix").post("demographics", body, expect=200)
        if answer["refused"]:
            raise UnexpectedAnswer(f"Demographics were refused: {answer['problems'][:3]}")


def supply_outcomes(stage: Stage) -> None:
    known = stage.material.description.protected
    and_felix = ", and Felix supplies the protected attributes to the vault" if known else ""
    with stage.story.step(f"Outcomes come in{and_felix}"):
        supply_what_became_known(stage, stage.facts["rows"], stage.facts["decisions"])
    stage.story.say(
        "The scoring role cannot read them: they lie above the floor that scores, under a key of their own."
        if known
        else "The file says nothing about protected attributes, so no group can be compared."
    )


def decide_rows(stage: Stage, rows: NDArray[np.int64], prefix: str) -> list[dict[str, Any]]:
    """One decision per row, in order, in batches; a refused row would stop the demo."""
    lending, decided = stage.rest("lending"), []
    with stage.story.progress("deciding", len(rows)) as advance:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            applications = [
                stage.material.application(int(row), f"{prefix}{start + i}-" if prefix else "")
                for i, row in enumerate(chunk)
            ]
            answer = lending.post(
                f"models/{stage.model}/decisions/batch", {"applications": applications}, expect=200
            )
            refused = [result["problem"] for result in answer["results"] if "problem" in result]
            if refused:
                raise RuntimeError(
                    f"{len(refused)} applications were refused; the first: {refused[0]}"
                )
            decided += [result["decision"] for result in answer["results"]]
            advance(len(chunk))
    return decided


def _risky_rows(stage: Stage) -> Iterator[int]:
    """Rows that the label calls bad: more likely not to be approved, and so to have reasons."""
    rows = (row for row in range(len(stage.material)) if stage.material.bad(row))
    return islice(rows, 20)


def _show(story: Storyteller, decision: dict[str, Any]) -> None:
    explanation = decision["explanation"]
    total = explanation["base_value"] + sum(a["contribution"] for a in explanation["attributions"])
    largest = sorted(explanation["attributions"], key=lambda a: -abs(a["contribution"]))[:5]
    story.table(
        f"Decision {decision['decision_id']}: {decision['outcome']}, probability of bad {decision['pd']:.4f}, cut-off {decision['cut_off']}",
        ["largest of the attributions", "value", "log-odds of bad"],
        [[a["feature"], a["value"], f"{a['contribution']:+.4f}"] for a in largest],
    )
    story.say(f"base {explanation['base_value']:+.6f} + attributions = {total:+.6f}; the margin is {decision['margin']:+.6f}. Method: {explanation['method']}.")  # fmt: skip
    for reason in decision["reasons"]:
        story.say(f"reason {reason['rank']}: [bold]{reason['code']}[/] {reason['statement']}")
    story.say(
        f"receipt: entry {decision['receipt']['entry_id']}, leaf {decision['receipt']['leaf_hash']}"
    )


def _show_outcomes(story: Storyteller, decisions: list[dict[str, Any]]) -> None:
    outcomes = [decision["outcome"] for decision in decisions]
    counts = ", ".join(
        f"{outcomes.count(name):,} {name}" for name in ("approved", "referred", "declined")
    )
    story.say(f"{counts}. Each with its explanation, its receipt and its entry in the log.")
