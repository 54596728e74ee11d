"""Two web processes serve while the champion changes to and fro: both see it within a second, and no request fails."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from django.db import connections

from governance.actions.rollbacks import roll_back
from registry.models import ModelVersion
from tests.conftest import a_person
from tests.governance.builders import a_champion, a_request, a_staged_version, read_and_approve
from tests.registry.live import a_token
from tests.serving.builders import an_application
from tests.web import granian

pytestmark = pytest.mark.long
CLIENTS = 4
WORKERS = 2
PATIENCE_S = 120
AFTER_S = 5  # of requests, after a change


@dataclass(frozen=True)
class Answer:
    """Of one request: when it was sent and answered, and what came back."""

    sent: float
    status: int
    version: int | None
    came: float


@pytest.fixture
def house(own_database, django_db_blocker):
    """A model whose champion has a successor in staging, with an approver's request open."""
    with django_db_blocker.unblock():
        developer = a_person("dana", "model developer")
        validator, approver = a_person("victor", "validator"), a_person("amira", "approver")
        blue = a_champion(developer, validator, approver)
        green = a_staged_version(developer, validator, model=blue.model)
        token = a_token(a_person("lending", "scoring client"))
        yield blue, green, a_request(developer, green, "production"), approver, token
        connections.close_all()


def ask(site: str, model: str, token: str) -> Answer:
    request = urllib.request.Request(
        f"{site}/api/v1/models/{model}/decisions",
        json.dumps(an_application()).encode(),
        {"Content-Type": "application/json", "Authorization": f"Token {token}"},
    )
    sent = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, said = response.status, json.load(response)
    except urllib.error.HTTPError as error:
        status, said = error.code, {}
    return Answer(sent, status, said.get("version"), time.monotonic())


def await_ready_in_both(version: ModelVersion, log: Path) -> None:
    """Until both processes said that they hold what is staged: a promotion before that makes their next requests wait."""
    end = time.monotonic() + PATIENCE_S
    while log.read_text().count(f"{version} is ready to decide") < WORKERS:
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def test_two_processes_follow_the_champion_within_a_second_and_fail_nobody(
    house, own_database, tmp_path
):
    blue, green, change, approver, token = house
    stop, answers = Event(), []

    def client(_: int) -> None:
        while not stop.is_set():
            answers.append(ask(site, blue.model.name, token))

    with (
        granian(own_database, tmp_path, workers=WORKERS) as site,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        try:
            await_ready_in_both(green, tmp_path / "web.log")
            read_and_approve(change.pk, by=approver)
            promoted = time.monotonic()
            time.sleep(AFTER_S)
            begun_back = time.monotonic()
            roll_back(blue.model, "Odd reasons.", by=approver)
            back = time.monotonic()
            time.sleep(AFTER_S)
        finally:
            stop.set()
        for done in clients:
            done.result()

    assert {answer.status for answer in answers} == {201}
    of_green = [a for a in answers if promoted + 1 <= a.sent and a.came < begun_back]
    of_blue = [a for a in answers if a.sent >= back + 1]
    assert of_green
    assert {answer.version for answer in of_green} == {green.number}
    assert of_blue
    assert {answer.version for answer in of_blue} == {blue.number}
