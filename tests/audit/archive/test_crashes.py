"""A pass whose process is killed, at every step: the next one finds what is there, and nothing is there twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User

from audit.actions.keys import open_log
from audit.archive.passes import archive_pass
from audit.models import ArchivedObject, Entry, Epoch
from audit.sequencer import seal
from audit.verification import Verification, check_archive
from tests.audit.acts import some_entries
from tests.audit.archive.test_passes import files_below
from tests.audit.conftest import LOG, a_keeper

ROOT = Path(__file__).resolve().parents[3]
# Each starts the whole house: one of them always, the rest with the long tests.
STEPS = [
    "all written",
    *(
        pytest.param(step, marks=[pytest.mark.long, pytest.mark.crash])
        for step in ("epoch closed", "first object written", "epoch written", "part written")
    ),
]
# The process kills itself, as the system would, when it comes to the step; everything until then is real.
KILLED = """
import os, signal, sys
import django
django.setup()
from django.contrib.auth.models import User
from audit.archive import folder, passes

step = sys.argv[1]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
put, link = folder.WriteOnceFolder.put, os.link

def put_and_die(self, key, *rest, **more):
    stored = put(self, key, *rest, **more)
    if step == "first object written" or (step == "epoch written" and key.endswith(".tar")):
        die()
    return stored

def link_or_die(source, path):
    if step == "part written" and str(path).endswith(".tar"):
        die()
    return link(source, path)

folder.WriteOnceFolder.put, os.link = put_and_die, link_or_die
if step == "epoch closed":
    passes.write_epoch = passes._trust = die
if step == "all written":
    passes.record_archived = die
passes.archive_pass(by=User.objects.get(username="keeper"))
"""


@pytest.fixture
def keeper(own_database: str) -> User:
    return a_keeper()


@pytest.fixture
def log(own_folders: Path, keeper: User) -> str:
    open_log(LOG, by=keeper)
    return LOG


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_pass_loses_nothing_and_writes_nothing_twice(
    log: str, keeper: User, own_folders: Path, own_database: str, settings: LazySettings, step: str
) -> None:
    some_entries(300, by=keeper)
    seal()
    folders = {
        f"CREDENCE_{n}": str(getattr(settings, f"CREDENCE_{n}"))
        for n in ("VAR", "KEYS", "STORE", "ARCHIVE")
    }
    environment = {"DJANGO_SETTINGS_MODULE": "governance.settings", "DATABASE_URL": own_database}

    killed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, step],
        cwd=ROOT,
        env=os.environ | environment | folders,
        timeout=120,
    )

    assert killed.returncode == -signal.SIGKILL
    assert Epoch.objects.count() == 1
    assert not ArchivedObject.objects.exists()
    archive = own_folders / "archive"
    before = {k: v for k, v in files_below(archive).items() if not k.endswith(".part")}
    some_entries(10, by=keeper)
    seal()

    archive_pass(by=keeper)

    after = files_below(archive)
    recorded = set(ArchivedObject.objects.values_list("key", flat=True))
    assert before.items() <= after.items()
    assert {key for key in after if not key.endswith(".part")} == recorded
    assert Epoch.objects.order_by("first").values_list("first", "last").first() == (0, 301)
    assert Entry.objects.filter(event="audit.epoch.closed").count() == Epoch.objects.count() == 2
    found = Verification(log)
    check_archive(found)
    assert found.problems == []
