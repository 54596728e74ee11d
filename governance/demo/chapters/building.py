"""From a data file to a version that people who did not build it have let into production."""

from typing import Any

from governance.demo import policies
from governance.demo.clients import UnexpectedAnswer
from governance.demo.stage import Stage

BOOSTING = {"max_iter": 100, "max_depth": 3, "learning_rate": 0.05, "min_samples_leaf": 30}


def take_in_the_data(stage: Stage) -> None:
    """Protected columns go one way, features and label the other; every column is classified."""
    material, story = stage.material, stage.story
    with story.step(
        f"Dana brings {material.description.dataset['title']}: {len(material):,} applications"
    ):
        files = {
            "file": (material.filename, material.data),
            "description": ("description.toml", material.toml.encode()),
        }
        dataset = stage.rest("dana").send_files("datasets", {"name": material.name}, files)
        stage.facts["dataset"] = dataset["id"]
        detail = stage.rest("dana").get(f"datasets/{dataset['id']}")
    checks = detail["validation"]["checks"]
    story.say(
        f"Registered as [bold]{dataset['sha256'][:16]}[/], {dataset['rows']:,} rows; {len(checks)} checks passed."
    )
    story.say(f"[yellow]What the label means:[/] {material.description.dataset['label_meaning']}")
    protected = ", ".join(material.description.protected)
    if protected:
        story.say(f"Split off to where scoring cannot reach: [bold]{protected}[/].")


def enter_the_model(stage: Stage) -> None:
    description = stage.material.description.dataset
    with stage.story.step("Dana enters the model into the inventory"):
        stage.rest("dana").post(
            "models",
            {
                "name": stage.model,
                "title": description["title"],
                "purpose": "Show the whole life of a scoring model on real applications.",
                "product": "demonstration",
                "approved_uses": ["demonstration"],
                "prohibited_uses": ["any decision about a person"],
                "jurisdictions": [description["jurisdiction"]],
                "label_meaning": description["label_meaning"],
                "tier": 2,
                "tier_rationale": "Small exposure, but it decides about people.",
            },
        )


def adopt_policies(stage: Stage) -> None:
    """Every limit that will be applied is proposed by one person and adopted by another, what applicants are told by two."""
    material, story = stage.material, stage.story
    wanted: list[tuple[str, dict[str, Any], str]] = [
        ("decision", policies.decision_policy(material.bad_rate), f"Declines who is far likelier to be bad than the {material.bad_rate:.1%} of the file; just below, a person looks."),
        ("reason_library", material.description.reason_library(), "One specific statement per reason group, from the data's description."),
        ("gate", policies.gate_policy(material), "Limits for this file, each with its reason."),
        ("monitoring", policies.monitoring_policy(material.description), "The usual limits; one window, because the demo has no more."),
        ("retraining", policies.retraining_policy(), "Three plain specifications that were reviewed beforehand."),
        ("oversight", policies.oversight_policy(), "The usual times for findings, attestations and revalidations."),
        ("serving", policies.serving_policy(), "Known answers every five minutes, 25 old decisions judged again each night, a month for a review, guard rails of rollouts, and what a client may ask."),
        ("notice", policies.notice_policy()["body"], "Adverse action notices in the words of Regulation B with the days to send them in, letters of explanation in those of EU law; the bank in them is an example."),
    ]  # fmt: skip
    with story.step(
        "Dana proposes the policies, Amira adopts them, and Carla, legal counsel, the reasons too"
    ):
        for kind, body, why in wanted:
            proposal = {"kind": kind, "name": stage.model, "body": body, "rationale": why}
            jurisdiction = material.description.dataset["jurisdiction"]
            law = policies.notice_policy()["legal_basis"] if kind == "notice" else []
            policy = stage.rest("dana").post(
                "policies", {**proposal, "jurisdiction": jurisdiction, "legal_basis": law}
            )
            stage.facts[kind] = policy["id"]
            change = stage.rest("dana").post(
                "change-requests", {"kind": "policy", "policy": policy["id"], "rationale": why}
            )
            for person in ("amira", "carla") if kind == "reason_library" else ("amira",):
                stage.rest(person).post(
                    f"change-requests/{change['id']}/approvals",
                    {"decision": "approve", "rationale": f"Read in full. {why}"},
                )
    story.table("Policies in force", ["kind", "why"], [[kind, why] for kind, _, why in wanted])


def train(stage: Stage) -> None:
    """Two runs in the worker: a linear model to compare with, and the boosted trees that become version 1."""
    story, dana = stage.story, stage.rest("dana")
    with story.step("Dana trains two models in the worker; each run is recorded"):
        common = {
            "model": stage.model,
            "dataset": stage.facts["dataset"],
            "seed": stage.seed,
            "holdout_share": 0.3,
        }
        asked = [
            dana.post(
                "runs",
                {**common, "algorithm": "hist_gradient_boosting", "params": BOOSTING},
                expect=202,
            ),
            dana.post(
                "runs", {**common, "algorithm": "logistic_regression", "params": {}}, expect=202
            ),
        ]
        runs = [_finished(stage, run["id"]) for run in asked]
    stage.facts["runs"] = [run["id"] for run in runs]
    rows = []
    for run in runs:
        holdout = run["metrics"]["holdout"]["performance"]
        rows.append([run["algorithm"], f"{holdout['auc']:.3f}", f"{holdout['ks_separation']:.3f}", f"{holdout['brier']:.4f}", run["content_sha256"][:12]])  # fmt: skip
    story.table(
        "On the 30 % that were held out", ["run", "AUC", "KS separation", "Brier", "content"], rows
    )


def register(stage: Stage) -> None:
    story = stage.story
    with story.step("Dana registers both as versions, with the baseline of their explanations"):
        versions = [
            stage.rest("dana").post(
                f"models/{stage.model}/versions",
                {
                    "run": run,
                    "cut_off": policies.cut_off(stage.material.bad_rate),
                    "decision_policy": stage.facts["decision"],
                    "reason_library": stage.facts["reason_library"],
                },
            )
            for run in stage.facts["runs"]
        ]
    band = versions[0]["baseline"]["band"]
    story.say(
        f"Explained against {versions[0]['baseline']['rows']} applicants approved nearest to the cut-off of {versions[0]['cut_off']}: "
        f"probability of bad from {band['pd_from']:.3f} to {band['pd_to']:.3f} was used."
    )


def measure(stage: Stage, number: int) -> None:
    story, victor = stage.story, stage.rest("victor")
    with story.step(f"Victor measures version {number} at the gates"):
        address = f"models/{stage.model}/versions/{number}/gate-reports"
        asked = victor.post(address, expect=202)
        report = victor.wait(
            f"gate-runs/{asked['id']}",
            lambda answer: answer["state"] in {"measured", "failed"},
            "The gate report",
            stage.processes.require_alive,
        )
        report = victor.get(f"{address}/{report['report']}")
    rows = [_verdict_row(verdict) for verdict in report["results"]]
    story.table(f"Gates of version {number}: {'passed' if report['passed'] else 'NOT passed'}", ["check", "measured", "limit", "says"], rows)  # fmt: skip


def promote(stage: Stage, number: int) -> None:
    """Maker and checker, with a self-approval that the service refuses."""
    story = stage.story
    with story.step("Dana asks for staging and tries to approve it herself; Victor decides"):
        change = _ask(
            stage, "dana", number, "staging", "Best of two runs on the holdout; gates passed."
        )
        refusal = stage.rest("dana").post(
            f"change-requests/{change}/approvals",
            {"decision": "approve", "rationale": "I know it is good."},
            expect=403,
        )
        story.refused("Dana's own approval", refusal["detail"])
        stage.browser("victor").act(
            approval_page(change), rationale="Replicated the run; gates read one by one."
        )
    with story.step(
        "Dana asks for production; Amira, who neither built nor validated it, decides in the admin"
    ):
        change = _ask(stage, "dana", number, "production", "Staging holds; ready to decide.")
        said = stage.browser("amira").act(
            approval_page(change),
            rationale="Purpose, limits and gates are acceptable for a demonstration.",
        )
    story.say(said or f"Version {number} is the champion.")


def _finished(stage: Stage, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = stage.rest("dana").wait(
        f"runs/{run_id}",
        lambda answer: answer["status"] in {"succeeded", "failed"},
        "The training run",
        stage.processes.require_alive,
    )
    if run["status"] == "failed":
        raise UnexpectedAnswer(f"The run failed: {run['error']}")
    return run


def _ask(stage: Stage, person: str, number: int, target: str, why: str) -> str:
    body = {
        "kind": "promotion",
        "model": stage.model,
        "version": number,
        "target": target,
        "rationale": why,
    }
    change = stage.rest(person).post("change-requests", body)
    return str(change["id"])


def approval_page(change_id: str) -> str:
    return f"/governance/changerequest/{change_id}/approve/"


def _verdict_row(verdict: dict[str, Any]) -> list[str]:
    value = "-" if verdict["value"] is None else f"{verdict['value']:.4g}"
    name = f"{verdict['check']} {verdict['subject']}".strip()
    return [name, value, verdict["threshold"], verdict["status"]]
