"""A rotation killed at any step leaves a working log, and the next run goes on; the sequencer as the process that renews."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from audit import key_making, keyring, keys
from audit.actions.keys import introduce_producer_key, open_log
from audit.events import Event
from audit.models import Entry
from audit.sequencer import seal
from audit.verification import verify_log
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG, a_keeper

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120

pytestmark = [pytest.mark.long, pytest.mark.crash]

# Runs a command of `manage.py` and kills itself after the nth call of one function: before the next of them is the same.
CRASH = """
import importlib, os, signal, sys
import django
django.setup()
from django.core.management import call_command
module, name = sys.argv[1].rsplit(".", 1)
owner = importlib.import_module(module)
original, left = getattr(owner, name), [int(sys.argv[2])]
def die(*arguments, **options):
    left[0] -= 1
    if left[0]:
        return original(*arguments, **options)
    original(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
call_command(*sys.argv[3:])
"""


@pytest.fixture
def keeper(own_database: str) -> User:
    return a_keeper()


@pytest.fixture
def log(own_folders: Path, keeper: User) -> str:
    open_log(LOG, by=keeper)
    seal()
    return LOG


@pytest.fixture
def environment(own_database: str, settings: LazySettings) -> dict[str, str]:
    folders = {
        f"CREDENCE_{name}": str(getattr(settings, f"CREDENCE_{name}"))
        for name in ("VAR", "KEYS", "STORE", "ARCHIVE")
    }
    named = {"DJANGO_SETTINGS_MODULE": "governance.settings", "DATABASE_URL": own_database}
    return os.environ | folders | named


def killed(environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", CRASH, *words]
    died = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        timeout=PATIENCE,
        check=False,
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def events(name: Event) -> int:
    return Entry.objects.filter(event=name).count()


def require_whole(keeper: User) -> None:
    some_entries(3, by=keeper)
    seal()
    assert verify_log(by=keeper).problems == []


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("audit.signing.files.save", 1),
        ("audit.durable.move", 1),  # the prepared key
        ("audit.durable.move", 2),  # its delegation
        ("audit.producer_rotation.introduce_producer_key", 1),
        ("audit.introductions.await_sealed", 1),
        ("audit.keyring.change", 1),
        ("audit.key_making._install", 1),
    ],
)
def test_a_producer_rotation_killed_at_any_step_leaves_a_working_log(
    log: str, keeper: User, environment: dict[str, str], step: str, nth: int
) -> None:
    before = keys.producer().key_id

    killed(environment, step, str(nth), "keys", "rotate")

    require_whole(keeper)  # whichever key is in use, it signs and strangers know it
    call_command("keys", "rotate")
    assert keys.producer().key_id != before
    assert events(Event.PRODUCER_KEY_INTRODUCED) <= 3
    require_whole(keeper)


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("audit.signing.files.save", 1),
        ("audit.keyring.change", 1),  # the prepared key
        ("audit.log_rotation._rotation_note", 1),
        ("audit.log_rotation.introduce_log_key", 1),
        ("audit.introductions.await_sealed", 1),
        ("audit.keyring.change", 2),  # both sign
    ],
)
def test_a_log_key_rotation_killed_at_any_step_leaves_a_working_log(
    log: str, keeper: User, environment: dict[str, str], step: str, nth: int
) -> None:
    words = ["keys", "rotate", "--key", "log", "--overlap", "1"]
    killed(environment, step, str(nth), *words)

    require_whole(keeper)
    if len(keys.log_signers()) == 2:
        call_command(*words)
    assert len(keys.log_signers()) == 3
    assert events(Event.LOG_KEY_INTRODUCED) == 1
    require_whole(keeper)


@pytest.mark.parametrize("step", ["audit.log_rotation.lose_log_key", "audit.log_rotation._end"])
def test_a_loss_killed_at_any_step_is_told_once(
    log: str, keeper: User, environment: dict[str, str], step: str
) -> None:
    lost = keyring.public_id(keys.log_vkey())
    words = ["keys", "lose", "--key", lost, "--reason", "stolen"]

    killed(environment, step, "1", *words)

    if keyring.public_id(keys.log_vkey()) == lost:
        call_command(*words)
    assert keyring.public_id(keys.log_vkey()) != lost
    assert events(Event.LOG_KEY_LOST) == events(Event.LOG_KEY_INTRODUCED) == 1
    assert len(keyring.read(keys.folder()).log_keys) == 3


def test_the_sequencer_renews_a_producer_key_that_is_near_its_end_and_other_processes_take_it_up(
    log: str, keeper: User, environment: dict[str, str]
) -> None:
    made = timezone.now() - timedelta(days=21)
    near = key_making.prepare_producer(log, made)
    introduce_producer_key(near, by=keeper)
    seal()
    key_making.install_producer(near)
    faster = "import audit.management.commands.sequence as s; s.KEYS_EVERY_SECONDS = 0.2"
    command = [
        sys.executable, "-W", "ignore", "-c",
        f"import django; django.setup(); {faster}; from django.core.management import call_command; call_command('sequence')",
    ]  # fmt: skip
    sequencer = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while keys.producer().delegation.note == near.note:
            assert time.monotonic() < deadline, "It did not happen in time."
            time.sleep(0.1)
        some_entries(2, by=keeper)
    finally:
        sequencer.terminate()
        sequencer.wait(PATIENCE)

    newest = Entry.objects.filter(event=Event.PRODUCER_KEY_INTRODUCED).order_by("-pk")[0]
    assert newest.actor_name == "sequencer"
    require_whole(keeper)
