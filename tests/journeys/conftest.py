"""The demo that the journeys share: told once in a run, by whichever process of the tests needs it first."""

import fcntl
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.told import Told, serving, tell


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Told:
    """The demo on its own data, on SQLite and files."""
    shared = tmp_path_factory.getbasetemp().parent / f"demo-{testrun_uid}"
    shared.mkdir(exist_ok=True)
    ended = shared / "ended"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ended.exists():
            ended.write_bytes(pickle.dumps(tell(shared / "var")))
    told: Told = pickle.loads(ended.read_bytes())
    assert told.code == 0, told.said[-4000:]
    return told


@pytest.fixture(scope="session")
def site(told: Told) -> Iterator[str]:
    """The address of the web server on what the demo left."""
    with serving(told) as address:
        yield address


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"
