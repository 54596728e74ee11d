"""Web workers, the sequencer and the database are killed under load: what a client was told stays true, once."""

import json
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import services
from tests.journeys.kills import House, OwnServer, server_programs

pytestmark = pytest.mark.long
CLIENTS = 8
ASK_AGAIN = {409, 500, 502, 503}  # being decided just now, or something is down
MAKE_BANK = """
from datetime import timedelta
from knox.models import AuthToken
from audit.actions.keys import open_log
from audit.queries import service_account
from tests.serving.builders import a_champion, the_client
open_log("credence.test/kills", by=service_account("cli"))
print(a_champion().model.name, AuthToken.objects.create(the_client(), expiry=timedelta(hours=1))[1])
"""
COUNT = """
import json
from audit.models import Leaf, Outbox
from serving.models import Decision, IdempotencyRecord
decisions = dict(Decision.objects.values_list("pk", "entry_id"))
leaves = set(Leaf.objects.filter(entry_id__in=decisions.values()).values_list("entry_id", flat=True))
print(json.dumps({
    "decisions": [str(pk) for pk in decisions],
    "sealed": [str(pk) for pk, entry in decisions.items() if entry in leaves],
    "by_key": dict((key, str(pk)) for key, pk in IdempotencyRecord.objects.values_list("key", "decision_id")),
    "waiting": Outbox.objects.count(),
}))
"""


@pytest.fixture
def server() -> Iterator[OwnServer]:
    programs = server_programs()
    if programs is None:
        if services.mode() == "required":
            pytest.fail("needs the programs of a PostgreSQL server (.ci/install-packages)")
        pytest.skip("needs the programs of a PostgreSQL server")
    # Not under pytest's own folder, which each session closes to all users but its own.
    folder = Path(tempfile.mkdtemp(prefix="credence-server-"))
    folder.chmod(0o755)
    own = OwnServer(folder / "postgresql", programs)
    yield own
    own.stop()
    shutil.rmtree(folder)


@pytest.fixture
def house(server: OwnServer, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, server.url)
    house.manage("migrate", "--verbosity", "0")
    yield house
    house.stop()


class Lending:
    """A lending system that asks again, with the same key, until it is told something final."""

    def __init__(self, address: str, token: str) -> None:
        self._address, self._token = address, token
        self.told: dict[str, str] = {}
        self.surprises: list[str] = []
        self.asked_again = 0
        self.stopping = threading.Event()

    def run(self, number: int) -> None:
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            self._decide(f"{number}-{turn}")

    def _decide(self, name: str) -> None:
        body = {
            "application_ref": f"A-{name}",
            "subject_ref": f"P-{name}",
            "features": {"dti": 21.5, "income": 62000, "delinquencies": 1, "homeowner": True, "purpose": "car"},
        }  # fmt: skip
        while not self.stopping.is_set():
            answer = self._ask(json.dumps(body).encode(), f"k-{name}")
            if answer is not None:
                self.told[f"k-{name}"] = answer["decision_id"]
                return
            self.asked_again += 1
            time.sleep(0.05)

    def _ask(self, body: bytes, key: str) -> dict[str, Any] | None:
        request = urllib.request.Request(
            self._address,
            body,
            {
                "Authorization": f"Token {self._token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except urllib.error.HTTPError as refusal:
            if refusal.code not in ASK_AGAIN:
                self.surprises.append(refusal.read().decode())
            return None
        except (OSError, ValueError):
            return None


def test_every_answer_that_a_client_saw_stands_with_its_entry_whatever_is_killed(
    house: House, server: OwnServer
) -> None:
    model, token = house.python(MAKE_BANK).split()
    house.start()
    lending = Lending(f"http://127.0.0.1:{house.port}/api/v1/models/{model}/decisions", token)
    clients = [threading.Thread(target=lending.run, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()

    for blow in (house.kill_a_worker, house.kill_the_sequencer, server.kill, house.kill_a_worker):
        _more_answers(lending)
        blow()
        if blow == house.kill_the_sequencer:
            house.start_sequencer()
        if blow == server.kill:
            server.start()
    _more_answers(lending)
    lending.stopping.set()
    for client in clients:
        client.join(120)
    found = _once_sealed(house)

    assert lending.surprises == []
    assert lending.asked_again > 0, "Nothing was felt: the blows missed."
    assert lending.told.items() <= found["by_key"].items()
    assert len(set(found["by_key"].values())) == len(found["decisions"])
    assert set(found["decisions"]) == set(found["by_key"].values()) == set(found["sealed"])
    house.manage("verify_log")


def _more_answers(lending: Lending, more: int = 40) -> None:
    """So many more are told: what was killed before has been got over."""
    enough, deadline = len(lending.told) + more, time.monotonic() + 180
    while len(lending.told) < enough:
        assert time.monotonic() < deadline, "Nothing is decided any more."
        time.sleep(0.05)


def _once_sealed(house: House) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        found: dict[str, Any] = json.loads(house.python(COUNT))
        if not found["waiting"]:
            return found
        assert time.monotonic() < deadline, "The log is not sealed any more."
        if house.sequencer is not None and house.sequencer.poll() is not None:
            house.start_sequencer()
