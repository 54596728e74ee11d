"""The sequencer as the process it is: started, stopped, killed, and two at a time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from audit import sequencer, shards
from audit.actions.keys import open_log
from audit.errors import ShardIsClosed
from audit.leadership import leadership
from audit.models import Head, Leaf, Outbox, Publication
from audit.queries import head_size, published_size
from audit.sequencer import HeadMoved, seal
from audit.signer import log_signer
from audit.verification import verify_log
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG, a_keeper

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # a command imports the whole house before it begins


@pytest.fixture
def keeper(own_database: str) -> User:
    return a_keeper()


@pytest.fixture
def log(own_folders: Path, keeper: User) -> str:
    open_log(LOG, by=keeper)
    return LOG


@pytest.fixture
def start(
    own_database: str, settings: LazySettings
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `manage.py` on this test's database and folders; kills what is left over."""
    running: list[subprocess.Popen[str]] = []
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "DATABASE_URL": own_database,
        **{f"CREDENCE_{name}": str(getattr(settings, f"CREDENCE_{name}")) for name in ("VAR", "KEYS", "STORE", "ARCHIVE")},
    }  # fmt: skip

    def start_one(*arguments: str, **more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "manage.py", *arguments]
        running.append(
            subprocess.Popen(
                command, cwd=ROOT, env=environment | more, text=True, stderr=subprocess.PIPE
            )
        )
        return running[-1]

    yield start_one
    for process in running:
        process.kill()
        process.communicate(timeout=PATIENCE)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.05)


def is_sealed(size: int) -> bool:
    return Publication.objects.filter(checkpoint__size=size).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sequencer_seals_what_comes_in_and_stops_cleanly(
    log: str, keeper: User, start: Callable[..., subprocess.Popen[str]], number: int
) -> None:
    process = start("sequence", "--interval", "0.1")
    eventually(lambda: is_sealed(2))
    some_entries(3, by=keeper)
    eventually(lambda: is_sealed(5))

    process.send_signal(number)

    assert process.wait(PATIENCE) == 0
    assert not Outbox.objects.exists()


def test_when_one_sequencer_is_killed_the_one_that_waited_goes_on(
    log: str, keeper: User, start: Callable[..., subprocess.Popen[str]]
) -> None:
    first = start("sequence", "--interval", "0.1")
    eventually(lambda: is_sealed(2))
    second = start("sequence", "--interval", "0.1")
    some_entries(50, by=keeper)

    first.kill()
    first.wait(PATIENCE)
    some_entries(50, by=keeper)

    eventually(lambda: is_sealed(102))
    assert second.poll() is None
    assert verify_log(by=keeper).problems == []


@pytest.mark.postgres
def test_a_sequencer_that_lost_its_connection_takes_a_new_one(
    log: str, keeper: User, start: Callable[..., subprocess.Popen[str]]
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only a server can hang up")
    process = start("sequence", "--interval", "0.1")
    eventually(lambda: is_sealed(2))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    some_entries(3, by=keeper)

    eventually(lambda: is_sealed(5))
    assert process.poll() is None


def test_seal_leaves_the_work_to_the_sequencer_that_leads(
    log: str, keeper: User, start: Callable[..., subprocess.Popen[str]]
) -> None:
    start("sequence", "--interval", "0.1")
    eventually(lambda: is_sealed(2))
    some_entries(3, by=keeper)

    assert start("seal").wait(PATIENCE) == 0

    assert is_sealed(5)


def test_a_sequencer_on_a_restored_database_stops_and_says_why(
    log: str, keeper: User, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The signer's memory lies beside its key, so the older database cannot bring it back."""
    seal()
    state = log_signer()
    remembered = state._state.read_text().replace('"size": 2', '"size": 9')
    state._state.write_text(remembered)

    process = start("sequence")
    _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "older database was restored" in said


def test_a_pause_above_a_second_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="at most 1 second"):
        call_command("sequence", interval=2)


# Kills itself where a crash hurts most; the next pass must go on as if nothing had been.
CRASH = """
import os, signal, sys
import django
django.setup()
from audit import sequencer
from audit.sequencer import seal
owner, name = sys.argv[1].rsplit(".", 1)
import importlib
owner = importlib.import_module(owner) if "." in owner else getattr(sequencer, owner)
original = getattr(owner, name)
def die(*arguments, **options):
    if sys.argv[2] == "after":
        original(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
seal()
"""


@pytest.mark.long
@pytest.mark.crash
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "step",
    [
        "audit.sequencer._move_head",
        "audit.sequencer._integrate",
        "audit.sequencer._sign_head",
        "Publisher.publish",
        "LogSigner._remember",
        "audit.notes.sign_note",
    ],
)
def test_a_sequencer_killed_at_any_step_loses_nothing_and_uses_no_index_twice(
    log: str, keeper: User, own_database: str, settings: LazySettings, step: str, when: str
) -> None:
    seal()
    entries = [entry.pk for entry in some_entries(20, by=keeper)]
    folders = {
        f"CREDENCE_{name}": str(getattr(settings, f"CREDENCE_{name}"))
        for name in ("VAR", "KEYS", "STORE", "ARCHIVE")
    }
    environment = os.environ | folders | {
        "DJANGO_SETTINGS_MODULE": "governance.settings", "DATABASE_URL": own_database
    }  # fmt: skip

    command = [sys.executable, "-W", "ignore", "-c", CRASH, step, when]
    died = subprocess.run(command, cwd=ROOT, env=environment, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    seal()

    leaves = list(Leaf.objects.filter(index__gte=2).order_by("index"))
    assert [leaf.entry_id for leaf in leaves] == entries
    assert [leaf.index for leaf in leaves] == list(range(2, 22))
    assert Head.objects.get().size == 22
    assert is_sealed(22)
    assert verify_log(by=keeper).problems == []


def test_two_that_integrate_at_once_never_give_an_index_twice(log: str, keeper: User) -> None:
    """Without the lock, as if a paused leader woke up: the head's compare-and-swap holds the line."""
    some_entries(200, by=keeper)
    moved: list[int] = []
    refused: list[Exception] = []

    def integrate() -> None:
        try:
            while count := sequencer._integrate(LOG):
                moved.append(count)
        except HeadMoved as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=integrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    seal()

    assert sum(moved) == 202
    indices = list(Leaf.objects.order_by("index").values_list("index", flat=True))
    assert indices == list(range(202))
    assert verify_log(by=keeper).problems == []


def test_leadership_ends_with_its_block(log: str) -> None:
    with leadership(log):
        pass

    with leadership(log):
        pass


# Kills itself at one step of the roll; the next process that rolls must go on as if nothing had been.
CRASH_OF_A_ROLL = """
import os, signal, sys
import django
django.setup()
from functools import partial
from django.contrib.auth.models import User
from audit import key_making, sequencer, shards
owners = {"shards": shards, "sequencer": sequencer, "key_making": key_making}
owner, name = owners[sys.argv[1].split(".")[0]], sys.argv[1].split(".")[1]
original = getattr(owner, name)
def die(*arguments, **options):
    if sys.argv[2] == "after":
        original(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
shards.roll(sys.argv[3], sys.argv[4], by=User.objects.get(username="keeper"))
"""


@pytest.mark.long
@pytest.mark.crash
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "step",
    [
        "key_making.make_shard",
        "shards.close_shard",
        "sequencer._integrate",
        "shards.publish",
        "shards.open_shard",
        "key_making.switch_shard",
        "key_making.install_producer",
    ],
)
def test_a_roll_that_is_killed_at_any_step_is_gone_on_from_by_the_next_pass(
    log: str, keeper: User, own_database: str, settings: LazySettings, step: str, when: str
) -> None:
    following = "credence.test/own/2027"
    seal()
    [before] = some_entries(1, by=keeper)
    folders = {
        f"CREDENCE_{name}": str(getattr(settings, f"CREDENCE_{name}"))
        for name in ("VAR", "KEYS", "STORE", "ARCHIVE")
    }
    environment = os.environ | folders | {
        "DJANGO_SETTINGS_MODULE": "governance.settings", "DATABASE_URL": own_database
    }  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-c", CRASH_OF_A_ROLL, step, when, log, following]
    died = subprocess.run(command, cwd=ROOT, env=environment, timeout=PATIENCE, check=False)
    assert died.returncode == -signal.SIGKILL

    while not shards.roll(log, following, by=keeper):
        pass
    [after] = some_entries(1, by=keeper)
    seal()

    assert (before.origin, after.origin) == (log, following)
    assert Leaf.objects.filter(origin=log).order_by("-index")[0].entry.event == "audit.shard.closed"
    opened = Leaf.objects.filter(entry__event="audit.shard.opened").count()
    assert opened == 2
    assert verify_log(by=keeper).problems == []


def test_the_sequencer_goes_over_to_the_next_shard_while_writers_write(
    log: str, keeper: User, start: Callable[..., subprocess.Popen[str]]
) -> None:
    following = "credence.test/own/2027"
    process = start("sequence", "--interval", "0.1")
    eventually(lambda: is_sealed(2))
    written, refused, stop = [], [], threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                written.append(some_entries(1, by=keeper)[0].pk)
            except ShardIsClosed as refusal:
                refused.append(refusal)
                time.sleep(0.05)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    eventually(lambda: len(written) > 5)
    command = start("roll_shard", "--as", "keeper", "--next", following)
    assert command.wait(PATIENCE) == 0
    rolled_at = len(written)
    eventually(lambda: len(written) > rolled_at + 5)
    stop.set()
    writer.join(PATIENCE)

    eventually(lambda: not Outbox.objects.exists())
    assert Leaf.objects.filter(entry_id__in=written).count() == len(written)
    assert set(Leaf.objects.values_list("origin", flat=True)) == {log, following}
    eventually(lambda: published_size(following) == head_size(following))
    assert verify_log(by=keeper).problems == []
    assert process.poll() is None
