"""A PostgreSQL server, web workers and a sequencer of a test's own, all of which can be killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.journeys.told import ROOT, answers, clean_environment, free_port

PATIENCE = 180


class OwnServer:
    """A PostgreSQL server in a folder. It refuses to run as root, so it runs as the user `postgres` there."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.port, self._folder, self._programs = free_port(), folder, programs
        folder.mkdir(mode=0o755)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-D", str(folder / "data"))
        self.start()

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-o", settings, "-l", log, "-t", str(PATIENCE), "-w", "start")  # fmt: skip

    def kill(self) -> None:
        """SIGKILL to the server and to all that serve its connections."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        killed = [pid, *map(int, children)]
        for process in killed:
            _kill(process)
        # Their shared memory is in use until the last of them is gone, and the server would refuse to start.
        deadline = time.monotonic() + PATIENCE
        while any(_lives(process) for process in killed) and time.monotonic() < deadline:
            time.sleep(0.05)
        # Nobody may have fetched the end of its process, which then still counts as running.
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_owner, str(self._programs / program), *arguments]
        ended = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=PATIENCE)
        log = self._folder / "log"
        said = log.read_text()[-2000:] if log.exists() else ""
        assert ended.returncode == 0, f"{program}: {ended.stdout}{ended.stderr}{said}"


class House:
    """The web server and the sequencer on one database; whatever was killed is started again, as a supervisor would."""

    def __init__(self, folder: Path, database: str) -> None:
        self.port, self._folder = free_port(), folder
        self.web: subprocess.Popen[bytes] | None = None
        self.sequencer: subprocess.Popen[bytes] | None = None
        self.environment = clean_environment() | {
            "DATABASE_URL": database,
            "CREDENCE_VAR": str(folder),
            "CREDENCE_SECRET_KEY": "of-this-test-and-of-nothing-else",
            "CREDENCE_ORIGIN": "credence.test/kills",
            "CREDENCE_SECURE_COOKIES": "false",
            "CREDENCE_LOG_LEVEL": "WARNING",
            "CREDENCE_MONTHS_AHEAD": "1",
        }

    def manage(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            timeout=PATIENCE,
        )

    def python(self, code: str) -> str:
        """What code prints that runs in this house, Django set up."""
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"import django; django.setup()\n{code}"],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "governance.settings"},
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return told.stdout.strip()

    def start(self) -> None:
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "2"]
        self.web = self._process(
            "web", "-m", "granian", "--interface", "wsgi", "--respawn-failed-workers", *where, "governance.wsgi:application",
        )  # fmt: skip
        self.start_sequencer()
        answers(f"http://127.0.0.1:{self.port}/healthz", self.web)

    def start_sequencer(self) -> None:
        self.sequencer = self._process("sequencer", "manage.py", "sequence")

    def kill_a_worker(self) -> None:
        assert self.web is not None
        children = Path(f"/proc/{self.web.pid}/task/{self.web.pid}/children").read_text().split()
        _kill(int(children[0]))

    def kill_the_sequencer(self) -> None:
        assert self.sequencer is not None
        self.sequencer.kill()
        self.sequencer.wait(30)

    def stop(self) -> None:
        running = [process for process in (self.web, self.sequencer) if process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(PATIENCE)

    def _process(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-W", "ignore", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )


def server_programs() -> Path | None:
    """The folder of PostgreSQL's own programs, the newest there is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _lives(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
