"""An S3 server with real Object Lock, on loopback: one Ceph monitor, one store and one gateway, from Debian's packages.

`.ci/install-packages` installs them (ceph-mon ceph-osd radosgw). Tests take the fixture `radosgw`; by hand:

    python -m tests.radosgw [FOLDER]      start it, print its address and keys, stop it with Ctrl-C

No manager, no systemd, no authentication between the three, any folder. About 20 s to the first request, 200 MB of memory.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")
PATIENCE_SECONDS = 120
ACCESS_KEY, SECRET_KEY = "credence-tests", "a-secret-of-the-tests-and-of-nothing-else"
# A lifecycle "day" lasts this long.
LIFECYCLE_DAY_SECONDS = 10

CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
mon initial members = a
public network = 127.0.0.0/8
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
pid file =
# Nobody but this machine's user reaches the three; without `crc` the gateway hangs when nobody authenticates.
auth cluster required = none
auth service required = none
auth client required = none
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc
# One store, on one machine.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = 4294967296
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw lc debug interval = {day}
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd
"""


@dataclass(frozen=True)
class Gateway:
    """A gateway that answers."""

    endpoint: str
    access_key: str
    secret_key: str


def missing_programs() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


@contextmanager
def running(folder: Path) -> Iterator[Gateway]:
    """A gateway over an empty store in `folder`; stopped again, the gateway first, then the store, then the monitor."""
    mon_port, port = _free_ports(2)
    configuration = folder / "ceph.conf"
    fsid = str(uuid.uuid4())
    configuration.write_text(
        CONFIGURATION.format(
            fsid=fsid, mon_port=mon_port, port=port, folder=folder, day=LIFECYCLE_DAY_SECONDS
        )
    )

    def run(program: str, *arguments: str) -> str:
        command = [program, "--conf", str(configuration), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
        return done.stdout

    with ExitStack() as started:
        _make_monitor(folder, fsid, mon_port, run)
        started.enter_context(_process("ceph-mon", "-i", "a", configuration=configuration))
        osd_id = str(uuid.uuid4())
        run("ceph", "osd", "new", osd_id)
        (folder / "osd").mkdir()
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        started.enter_context(_process("ceph-osd", "-i", "0", configuration=configuration))
        _wait(lambda: "1 up" in run("ceph", "osd", "stat"), "The store did not come up.")
        # The first user also makes the zone and the zonegroup.
        run("radosgw-admin", "user", "create", "--uid", "tests", "--display-name", "tests",
            "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)  # fmt: skip
        _add_cold_class(run)
        started.enter_context(
            _process("radosgw", "-n", "client.rgw.a", configuration=configuration)
        )
        _wait(lambda: _answers(port), "The gateway does not answer.")
        yield Gateway(f"http://127.0.0.1:{port}", ACCESS_KEY, SECRET_KEY)


def _make_monitor(folder: Path, fsid: str, port: int, run: Callable[..., str]) -> None:
    monmap = folder / "monmap"
    run(
        "monmaptool",
        "--create",
        "--fsid",
        fsid,
        "--addv",
        "a",
        f"[v2:127.0.0.1:{port}]",
        str(monmap),
    )
    (folder / "mon").mkdir()
    run("ceph-mon", "-i", "a", "--mkfs", "--monmap", str(monmap))


def _add_cold_class(run: Callable[..., str]) -> None:
    """A lifecycle rule to a class that the zone does not define is accepted, and silently never carried out."""
    where = ("--placement-id", "default-placement", "--storage-class", "GLACIER")
    run("radosgw-admin", "zonegroup", "placement", "add", "--rgw-zonegroup", "default", *where)
    run("radosgw-admin", "zone", "placement", "add", "--rgw-zone", "default", *where,
        "--data-pool", "default.rgw.glacier.data")  # fmt: skip


@contextmanager
def _process(program: str, *arguments: str, configuration: Path) -> Iterator[None]:
    with (configuration.parent / f"{program}.out").open("wb") as output:
        process = subprocess.Popen(
            [program, "--conf", str(configuration), "-f", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def _wait(holds: Callable[[], bool], problem: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(problem)
        time.sleep(0.2)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_ports(count: int) -> list[int]:
    with ExitStack() as open_sockets:
        probes = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def main() -> int:
    if missing := missing_programs():
        print(f"Not installed: {', '.join(missing)}. Run .ci/install-packages.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        if len(sys.argv) > 1:
            folder = Path(sys.argv[1]).resolve()
            folder.mkdir(parents=True)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="radosgw-")))
        gateway = stack.enter_context(running(folder))
        print(
            f"AWS_ACCESS_KEY_ID={gateway.access_key} AWS_SECRET_ACCESS_KEY={gateway.secret_key} "
            f"AWS_DEFAULT_REGION=us-east-1 CREDENCE_ARCHIVE_ENDPOINT={gateway.endpoint}",
            flush=True,
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
