"""The admin in a real browser, on what the demo left: what people see, and what they are refused.

No page has an error of its own script, a request that fails, or an answer of 400 or more that was not foreseen.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browser import Person, chromium, sign_in
from tests.journeys.told import Told

pytestmark = pytest.mark.long

SignIn = Callable[[str], Person]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def at_the_desk(browser: Browser, told: Told, site: str) -> Iterator[SignIn]:
    """Signs one of the demo's people in. In the end, whatever was wrong with their pages fails the test."""
    people: list[Person] = []

    def open_as(name: str) -> Person:
        password = told.settings[f"CREDENCE_DEMO_PASSWORD_{name.upper()}"]
        people.append(sign_in(browser, site, name, password))
        return people[-1]

    yield open_as
    assert [problem for person in people for problem in person.problems] == []


def test_a_request_waits_for_amira_and_its_own_maker_cannot_approve_it(
    at_the_desk: SignIn, told: Told
) -> None:
    champion = told.champion
    dana = at_the_desk("dana")
    dana.open("/registry/modelversion/")
    dana.follow(f"loanapp v{champion}")
    dana.follow("Request revocation")
    dana.page.fill("textarea", "The population moved again.")
    dana.page.get_by_role("button", name="Request revocation").click()
    expect(dana.page.locator('[data-outcome="done"]')).to_contain_text("An approver decides")

    dana.open("/governance/changerequest/")
    dana.follow(f"loanapp v{champion}")
    assert dana.page.get_by_role("link", name="Approve").count() == 0
    approval = dana.page.url.replace("/change/", "/approve/").removeprefix(dana.site)
    dana.open(approval)
    dana.page.fill("textarea", "I asked for it, so I know.")
    with dana.refused(403):
        dana.page.get_by_role("button", name="Approve").click()
        expect(dana.page.locator('[data-outcome="refused"]')).to_contain_text("dana")
    expect(dana.page.get_by_role("alert")).to_contain_text("The attempt is on record")

    amira = at_the_desk("amira")
    expect(amira.page.get_by_text("1 change waits for your decision")).to_be_visible()
    expect(amira.page.get_by_text("The population moved again.")).to_be_visible()
    expect(amira.page.get_by_text("The whole log holds")).to_be_visible()
    expect(amira.page.get_by_role("link", name=f"version {champion}")).to_be_visible()
    amira.take_picture("desk.png")
    amira.follow("Read and decide")
    expect(amira.page.get_by_role("cell", name="Evidence digest")).to_be_visible()
    expect(amira.page.get_by_role("heading", name=re.compile("Gates: passed"))).to_be_visible()
    expect(amira.page.get_by_role("button", name="Approve")).to_be_visible()
    amira.take_picture("change.png")


def test_a_decision_shows_its_reasons_and_a_picture_to_those_who_may_see_them(
    at_the_desk: SignIn,
) -> None:
    ines = at_the_desk("ines")
    ines.open("/serving/decision/?outcome=declined")
    ines.page.locator("#result_list a[href*='/serving/decision/']").first.click()
    picture = ines.page.get_by_role("img", name="Contributions of the features")

    expect(ines.page.get_by_text("against a cut-off of")).to_be_visible()
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
    ines.page.get_by_text("Principal reasons").evaluate("row => row.scrollIntoView()")
    ines.take_picture("decision.png")

    dana = at_the_desk("dana")
    dana.open(ines.page.url.removeprefix(ines.site))
    expect(dana.page.get_by_text("against a cut-off of")).to_have_count(0)


def test_a_report_opens_as_a_page_with_its_charts(at_the_desk: SignIn) -> None:
    felix = at_the_desk("felix")
    felix.open("/monitoring/report/?kind__exact=drift")

    with felix.page.context.expect_page() as opened:
        felix.page.get_by_role("link", name="Page").first.click()
    report = Person(opened.value, felix.site)
    report.page.set_viewport_size({"width": 1440, "height": 900})
    report.page.wait_for_load_state("networkidle")

    expect(report.page.get_by_role("heading", name="drift").first).to_be_visible()
    assert report.page.locator("svg, img").count() > 0
    assert report.problems == []
    report.take_picture("report.png")


def test_the_log_explorer_finds_a_decision_and_proves_it(at_the_desk: SignIn) -> None:
    ines = at_the_desk("ines")
    ines.open("/audit/entry/?event=serving.decision.made")
    ines.page.locator("#result_list a[href*='/audit/entry/']").first.click()
    ines.page.wait_for_load_state("networkidle")

    proof = ines.page.get_by_text("c2sp.org/tlog-proof@v1")
    expect(proof).to_contain_text("credence.local/")
    proof.scroll_into_view_if_needed()
    ines.take_picture("log.png")


def test_the_administrator_issues_a_token_and_is_refused_the_models(at_the_desk: SignIn) -> None:
    admin = at_the_desk("admin")
    admin.open("/auth/user/")
    admin.follow("lending")
    admin.follow("Issue an API token")
    admin.page.get_by_role("button", name="Issue an API token").click()
    expect(admin.page.locator('[data-outcome="done"]')).to_contain_text("A token for lending")
    assert len(admin.page.locator("code").first.inner_text()) > 40

    with admin.refused(403):
        for path in ("/registry/scoringmodel/", "/registry/modelversion/", "/serving/decision/"):
            answer = admin.page.goto(admin.site + path)
            assert answer is not None
            assert answer.status == 403, path
    assert admin.page.get_by_role("link", name="Versions").count() == 0


def test_one_records_a_request_for_erasure_and_another_decides_it(at_the_desk: SignIn) -> None:
    petra = at_the_desk("petra")
    petra.open("/audit/erasurecase/")
    petra.follow("Record a request")
    petra.page.get_by_label("File number").fill("DSR-2026-0042")
    petra.page.get_by_label("Received on").fill(f"{datetime.now(UTC):%Y-%m-%d}")
    petra.page.get_by_label("Identity").fill("Passport seen at the branch.")
    petra.page.get_by_label("Lending system").fill("lending")
    petra.page.get_by_label("Its reference for the person").fill("nobody-we-know")
    petra.page.get_by_role("button", name="Record a request").click()
    expect(petra.page.locator('[data-outcome="done"]')).to_contain_text("The answer is due on")
    petra.open("/")
    expect(petra.page.get_by_text("Erasure: DSR-2026-0042")).to_be_visible()
    petra.take_picture("rights.png")

    paul = at_the_desk("paul")
    paul.open("/audit/erasurecase/")
    paul.follow("DSR-2026-0042")
    paul.follow("Decide and carry out")
    expect(paul.page.get_by_text("refused not subject")).to_be_visible()
    paul.take_picture("erasure.png")
    paul.page.get_by_role("button", name="Decide and carry out").click()
    expect(paul.page.locator('[data-outcome="done"]')).to_contain_text("refused not subject")
    expect(paul.page.get_by_text("nothing that we can connect")).to_be_visible()


@pytest.mark.parametrize("person", ["dana", "victor", "felix", "omar", "ines", "petra"])
def test_every_window_in_a_persons_sidebar_opens(at_the_desk: SignIn, person: str) -> None:
    someone = at_the_desk(person)
    links = someone.page.locator("#nav-sidebar a[href^='/'], aside a[href^='/']").all()
    paths = sorted({link.get_attribute("href") or "" for link in links})

    assert len(paths) > 10
    for path in paths:
        someone.open(path)
    assert someone.problems == []
