"""From a file to a champion and back, by three people in three browsers, on real credit data.

Dana builds and asks, Victor validates, Amira approves; each sees pages and presses buttons. A lending system decides over
REST, a pipeline runs the gate as a command, and an examiner asks what was live when.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.governance.builders import a_check
from tests.journeys.browser import Person, chromium, sign_in
from tests.journeys.installed import Installation, installed, password, until
from tests.registry.test_reference_data import UCI, uci_description

pytestmark = pytest.mark.long

PEOPLE = {
    "dana": "model developer",
    "victor": "validator",
    "amira": "approver",
    "carla": "legal counsel",
    "ines": "auditor",
    "lending": "scoring client",
}
MODEL = "cards"
CUT_OFF = 0.4
DECISION = """\
cut_off = 0.4
grey_band = {from = 0.38, to = 0.4}
knockout_rules = []
materiality_floor = 0.0
max_reasons = 4
"""
REASONS = """\
language = "en"
[groups.all]
code = "R01"
statement = "How the account was used and paid"
missing_statement = "Not known how the account was used"
"""
GATES = {
    "checks": [
        a_check("rows", minimum=10_000),
        a_check("auc", minimum=0.75),
        a_check("additivity", maximum=1e-6),
        a_check("reproducibility"),
    ]
}
GROUPS = '[groups.sex]\ncontrol = "male"\nmale = { SEX = 1 }\nfemale = { SEX = 2 }\n'


@dataclass
class Bank:
    """The installation, and everybody at their browser."""

    house: Installation
    browser: Browser
    file: Path
    people: dict[str, Person] = field(default_factory=dict)

    def at(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = sign_in(self.browser, self.house.site, name, password(name))
        return self.people[name]

    def page_of(self, name: str, window: str, text: str) -> Page:
        """The window of the row that says so, as that person sees it."""
        self.at(name).open(f"/{window}/")
        return self.at(name).follow(text)

    def press(self, name: str, button: str, /, **fields: str) -> Page:
        """On the page that is open: to the button's page, fill its form in, and confirm."""
        person = self.at(name)
        page = person.follow(button)
        for label, value in fields.items():
            box = page.locator(f"#id_{label}")
            if box.evaluate("box => box.tagName") == "SELECT":
                _choose(box, value)
            elif box.get_attribute("type") == "file":
                box.set_input_files(value)
            else:
                box.fill(value)
        person.take_picture(f"{button.lower().replace(' ', '-')}.png", whole=True)
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state("networkidle")
        expect(page.locator('[data-outcome="done"]').first).to_be_visible()
        return page

    def adopt(self, kind: str, body: str) -> None:
        """Dana proposes and asks; Amira reads and adopts, what applicants are told together with Carla."""
        self.at("dana").open("/registry/policy/")
        words = {"kind": kind, "name": MODEL, "body": body, "rationale": "Agreed in the committee."}
        self.press("dana", "Propose a policy", **words)
        self.page_of("dana", "registry/policy", f"{kind} {MODEL} v1")
        self.press("dana", "Request adoption", rationale="For the new model.")
        self.decide("amira", f"adopt {kind} {MODEL}")
        if kind == "reason_library":
            self.decide("carla", f"adopt {kind} {MODEL}")

    def decide(self, name: str, what: Any) -> Page:
        """Open the request on the desk's list, look at the evidence, and approve."""
        person = self.at(name)
        person.open("/governance/changerequest/?state__exact=open")
        person.follow(what)
        return self.press(name, "Approve", rationale="Read; the evidence holds.")

    def train(self, algorithm: str, params: str) -> None:
        """Dana trains in the worker and makes a version of what comes of it."""
        self.page_of("dana", "registry/dataset", "uci")
        asked = self.press("dana", "Train a model on it", model="cards", algorithm=algorithm, params=params, seed="7")  # fmt: skip
        expect(asked.locator('[data-outcome="done"]')).to_contain_text("A worker trains")
        person = self.at("dana")
        for _ in until("The training"):
            page = person.open("/registry/run/")
            if page.locator("#result_list tbody tr").first.get_by_text("succeeded").count():
                break
        page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
        page.wait_for_load_state("networkidle")
        self.press("dana", "Register a version", cut_off=str(CUT_OFF), decision_policy=MODEL, reason_library=MODEL)  # fmt: skip

    def measure(self, version: int) -> None:
        self.page_of("victor", "registry/modelversion", f"cards v{version}")
        self.press("victor", "Measure gates")
        for _ in until("The measuring"):
            page = self.at("victor").open("/governance/gatereport/")
            if page.get_by_text(f"cards v{version}").count():
                return

    def promote(self, version: int, target: str, checker: str) -> Page:
        self.page_of("dana", "registry/modelversion", f"cards v{version}")
        self.press("dana", f"Request {target}", rationale="Better on the holdout.")
        return self.decide(checker, f"cards v{version} to {target}")

    def decided_by(self, application: str) -> tuple[int, str]:
        """The version that decides an application now, and the digest of its bytes."""
        row = pd.read_csv(self.file).iloc[0]
        features = {
            name: int(row[name])
            if name.startswith("PAY_") and "AMT" not in name
            else float(row[name])
            for name in row.index
            if name.startswith(("LIMIT", "PAY", "BILL"))
        }
        body = {"application_ref": application, "subject_ref": "C-1", "features": features}
        answer = httpx.post(
            f"{self.house.site}/api/v1/models/{MODEL}/decisions",
            json=body,
            headers=self.house.token_of("lending"),
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        decision = answer.json()
        return decision["version"], decision["artefact_sha256"]

    def live(self, at: datetime) -> dict[str, Any]:
        """The examiner's question, as an examiner asks it."""
        answer = httpx.get(
            f"{self.house.site}/api/v1/models/{MODEL}/live",
            params={"at": at.isoformat()},
            headers=self.house.token_of("ines"),
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def bank(reference: Path, tmp_path: Path) -> Iterator[Bank]:
    file = tmp_path / "uci.csv"
    file.write_bytes(gzip.decompress((reference / "data" / UCI).read_bytes()))
    with chromium() as browser, installed(tmp_path / "var", PEOPLE) as house:
        bank = Bank(house, browser, file)
        yield bank
    assert [problem for person in bank.people.values() for problem in person.problems] == []


def test_a_model_goes_from_a_file_to_champion_and_back_by_three_people(bank: Bank) -> None:
    describe = bank.file.with_suffix(".toml")
    describe.write_text(uci_description() + GROUPS)

    # A file comes in, a model enters the inventory, and its policies are adopted.
    bank.at("dana").open("/registry/dataset/")
    taken = bank.press("dana", "Take in a data file", name="uci", file=str(bank.file), description=str(describe))  # fmt: skip
    expect(taken.locator('[data-outcome="done"]')).to_contain_text("30,000 rows")
    bank.at("dana").open("/registry/scoringmodel/")
    words = {"name": MODEL, "title": "Credit cards", "purpose": "Who may have a card.", "label_meaning": "Default in the next month.", "tier": "2", "tier_rationale": "One product."}  # fmt: skip
    bank.press("dana", "Register a model", **words)
    for kind, body in (("decision", DECISION), ("reason_library", REASONS), ("gate", json.dumps(GATES))):  # fmt: skip
        bank.adopt(kind, body)

    # The first champion.
    nobody = datetime.now(UTC)
    bank.train("hist_gradient_boosting", "max_iter = 40")
    bank.measure(1)
    bank.promote(1, "staging", "victor")
    bank.promote(1, "production", "amira")
    first = bank.decided_by("A-1")
    assert first[0] == 1
    first_alone = datetime.now(UTC)

    # A second takes its place: whoever approves saw who would be decided otherwise.
    bank.train("hist_gradient_boosting", "max_iter = 80")
    bank.measure(2)
    bank.promote(2, "staging", "victor")
    bank.promote(2, "production", "amira")
    second = bank.decided_by("A-2")
    assert second[0] == 2
    both = datetime.now(UTC)

    # A worse one is stopped by the gate, in a pipeline.
    bank.train("logistic_regression", "")
    gate = bank.house.manage("gate", MODEL, "3", "--json", "--as", "dana")
    assert gate.returncode == 1
    (auc,) = [check for check in json.loads(gate.stdout)["results"] if check["check"] == "auc"]
    assert auc["status"] == "fail"
    assert auc["value"] < 0.75
    bank.page_of("dana", "registry/modelversion", "cards v3")
    page = bank.at("dana").follow("Request staging")
    page.locator("#id_rationale").fill("It is simpler.")
    with bank.at("dana").refused(409):
        page.get_by_role("button", name="Request staging").click()
        expect(page.locator('[data-outcome="refused"]')).to_contain_text("did not pass")

    # Back by one act.
    bank.page_of("amira", "registry/modelversion", "cards v2")
    bank.press("amira", "Roll back", rationale="Complaints about v2.")
    assert bank.decided_by("A-3") == first

    # The examiner.
    assert bank.live(nobody)["champion"] is None
    for moment, (version, sha256) in ((first_alone, first), (both, second), (datetime.now(UTC), first)):  # fmt: skip
        live = bank.live(moment)
        assert (live["champion"]["version"], live["champion"]["artefact_sha256"]) == (version, sha256)  # fmt: skip
        assert live["clearance"]["artefact_sha256"] == sha256
        assert live["approvers"] == ["amira", "victor"]
    said = bank.house.done("live", MODEL, "--at", both.isoformat())
    assert "2" in said
    assert second[1][:12] in said


def _choose(box: Any, words: str) -> None:
    """The option that says so, by its words or its value."""
    for option in box.locator("option").all():
        value = option.get_attribute("value") or ""
        if words == value or words in (option.inner_text() or ""):
            box.select_option(value=value)
            return
    raise AssertionError(f"Nothing to choose says {words!r}: {box.inner_text()}")
