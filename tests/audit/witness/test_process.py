"""A witness as the process that a second party runs, and a log that needs it: killed, restarted, and put back in time."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User

from audit import sequencer
from audit.keys import log_vkey
from audit.models import Checkpoint, Cosignature, Publication, WitnessRefusal
from audit.queries import published_size
from audit.sequencer import seal
from audit.signer import log_signer
from audit.verification import verify_log
from tests.audit.acts import some_entries
from tests.audit.test_sequencer_process import (
    PATIENCE,
    ROOT,
    eventually,
    is_sealed,
)
from tests.audit.test_sequencer_process import keeper as keeper
from tests.audit.test_sequencer_process import log as log
from tests.audit.test_sequencer_process import start as start

Start = Callable[..., subprocess.Popen[str]]

# Kills the process at one step of its work: "module:name.name", before or after it.
CRASH = """
import importlib, os, signal, sys
step, when, *arguments = sys.argv[1:]
if arguments[0] == "seal":
    import django
    django.setup()
module, path = step.split(":")
*owners, name = path.split(".")
owner = importlib.import_module(module)
for part in owners:
    owner = getattr(owner, part)
original = getattr(owner, name)
def die(*given, **options):
    if when == "after":
        original(*given, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, die)
if arguments[0] == "seal":
    from audit.sequencer import seal
    seal()
else:
    from django.core.management import execute_from_command_line
    sys.argv = ["manage.py", *arguments]
    import runpy
    runpy.run_path("manage.py", run_name="__main__")
"""


class WitnessProcess:
    """`manage.py witness`, in an environment that knows nothing of the log's database and keys."""

    def __init__(self, folder: Path, logs: list[str]) -> None:
        self._folder, self._logs = folder, logs
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CREDENCE_", "DATABASE_", "DJANGO_", "BROKER_"))
        } | {"CREDENCE_VAR": str(folder / "var")}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._running: list[subprocess.Popen[str]] = []

    def init(self) -> str:
        """Its verifier key, as the command prints it."""
        said = subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", "witness", "init",
             "--store", str(self._folder / "store"), "--name", "witness.example"],
            cwd=ROOT, env=self._environment, text=True, capture_output=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        _, name, vkey, _ = said.stdout.splitlines()[-1].split()
        assert name == "witness.example"
        return vkey

    def start(self, *, crash: tuple[str, str] | None = None) -> subprocess.Popen[str]:
        how = ["-c", CRASH, *crash] if crash else ["manage.py"]
        logs = [part for vkey in self._logs for part in ("--log", vkey)]
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *how, "witness", "serve",
             "--store", str(self._folder / "store"), "--listen", f"127.0.0.1:{self._port}", *logs],
            cwd=ROOT, env=self._environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._running.append(process)
        eventually(lambda: self._answers(process))
        return process

    def kill(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate(timeout=PATIENCE)
        self._running.clear()

    def _answers(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return httpx.get(self.url).status_code == 404
        except httpx.TransportError:
            return False


@pytest.fixture
def witness(log: str, settings: LazySettings, tmp_path: Path) -> Iterator[WitnessProcess]:
    """A witness that the log needs; not started yet."""
    one = WitnessProcess(tmp_path / "second-party", [log_vkey()])
    settings.CREDENCE_WITNESSES = tmp_path / "witnesses"
    settings.CREDENCE_WITNESSES.write_text(f"witness w1 {one.init()} {one.url}\nquorum w1\n")
    yield one
    one.kill()


def test_a_log_is_published_while_its_witness_runs_and_sealed_while_it_does_not(
    log: str, keeper: User, witness: WitnessProcess, start: Start, settings: LazySettings
) -> None:
    process = witness.start()
    sequence = start(
        "sequence", "--interval", "0.1", CREDENCE_WITNESSES=str(settings.CREDENCE_WITNESSES)
    )
    eventually(lambda: is_sealed(2))

    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    some_entries(3, by=keeper)
    eventually(lambda: Checkpoint.objects.filter(size=5).exists())
    time.sleep(1.5)
    assert published_size(log) == 2

    witness.start()
    eventually(lambda: is_sealed(5))
    sequence.send_signal(signal.SIGTERM)
    assert sequence.wait(PATIENCE) == 0
    assert verify_log(by=keeper).problems == []


@pytest.mark.long
@pytest.mark.crash
def test_a_witness_killed_between_keeping_and_answering_knows_what_it_cosigned(
    log: str, keeper: User, witness: WitnessProcess
) -> None:
    witness.start()
    seal()
    witness.kill()
    some_entries(3, by=keeper)
    died = witness.start(crash=("audit.durable:write", "after"))

    seal()

    assert died.wait(PATIENCE) == -signal.SIGKILL
    assert published_size(log) == 2
    (kept,) = (witness._folder / "store" / "logs").glob("*/checkpoint")
    assert kept.read_text().split("\n")[1] == "5", "it was kept before anything was said"
    witness.kill()
    witness.start()
    some_entries(1, by=keeper)
    seal()

    assert published_size(log) == 6
    assert not WitnessRefusal.objects.exists()
    assert verify_log(by=keeper).problems == []


@pytest.mark.long
@pytest.mark.crash
def test_a_witness_killed_before_keeping_has_cosigned_nothing(
    log: str, keeper: User, witness: WitnessProcess
) -> None:
    died = witness.start(crash=("audit.durable:move", "before"))

    seal()

    assert died.wait(PATIENCE) == -signal.SIGKILL
    assert not list((witness._folder / "store" / "logs").glob("*/checkpoint"))
    witness.kill()
    witness.start()
    seal()
    assert published_size(log) == 2


@pytest.mark.long
@pytest.mark.crash
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "step",
    [
        "audit.sequencer:_sign_head",
        "audit.cosigning:ask",
        "audit.cosigning:_keep",
        "audit.publishing:Publisher._lines",
        "audit.publishing:Publisher.publish",
    ],
)
def test_a_sequencer_killed_between_signing_and_publishing_publishes_that_very_tree(
    log: str,
    keeper: User,
    witness: WitnessProcess,
    own_database: str,
    settings: LazySettings,
    step: str,
    when: str,
) -> None:
    witness.start()
    seal()
    some_entries(20, by=keeper)
    sequencer._integrate(log)
    folders = ("VAR", "KEYS", "STORE", "ARCHIVE", "WITNESSES")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "DATABASE_URL": own_database,
        **{f"CREDENCE_{name}": str(getattr(settings, f"CREDENCE_{name}")) for name in folders},
    }

    died = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CRASH, step, when, "seal"],
        cwd=ROOT, env=environment, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    seal()

    assert published_size(log) == 22
    sizes = list(Checkpoint.objects.values_list("size", flat=True))
    assert len(sizes) == len(set(sizes))
    assert Publication.objects.filter(checkpoint__size=22).count() == 1
    assert Cosignature.objects.filter(checkpoint__size=22).count() == 1
    assert not WitnessRefusal.objects.exists()
    assert verify_log(by=keeper).problems == []


@pytest.mark.long
@pytest.mark.crash
def test_a_restored_machine_is_refused_by_the_witness_process(
    log: str, keeper: User, witness: WitnessProcess
) -> None:
    """Database and signer put back together, as a whole machine from its backup: only the second party remembers."""
    witness.start()
    seal()
    memory = log_signer(log)._state.read_bytes()
    some_entries(3, by=keeper)
    seal()
    assert published_size(log) == 5
    _put_back(log, 2)
    log_signer(log)._state.write_bytes(memory)

    some_entries(1, by=keeper)
    seal()

    assert published_size(log) == 2
    assert WitnessRefusal.objects.get().witness_size == 5


def _put_back(log: str, size: int) -> None:
    """As a backup of the database from when it had `size` entries would."""
    from audit.models import Head, Leaf
    from tests.audit.tampering import drop_triggers

    drop_triggers("audit_leaf", "audit_checkpoint", "audit_publication", "audit_cosignature")
    Cosignature.objects.filter(checkpoint__size__gt=size).delete()
    Publication.objects.filter(checkpoint__size__gt=size).delete()
    Checkpoint.objects.filter(size__gt=size).delete()
    # The entries themselves stay, in no tree: without the triggers on their table new ones would not be sealed.
    Leaf.objects.filter(origin=log, index__gte=size).delete()
    root = Checkpoint.objects.get(size=size).root
    Head.objects.filter(origin=log).update(size=size, root=root)
