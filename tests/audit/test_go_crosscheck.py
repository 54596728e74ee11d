"""Another project's implementation, Go's golang.org/x/mod from Debian, opens our checkpoints and proves our entries from our tiles."""

import base64
import os
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from audit import keys
from audit.actions.exports import request_export
from audit.export import build_export, bundle_path
from audit.models import Checkpoint
from audit.scope import Scope
from audit.sequencer import seal
from tests.audit.acts import some_entries

pytestmark = pytest.mark.long

DEBIAN_GO_SOURCES = "/usr/share/gocode"


@pytest.fixture(scope="session")
def crosscheck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built without any network."""
    if shutil.which("go") is None:
        pytest.fail(
            "There is no Go compiler: .ci/install-packages installs golang-go and golang-golang-x-mod-dev."
        )
    built = tmp_path_factory.mktemp("go") / "crosscheck"
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": DEBIAN_GO_SOURCES,
        "GOCACHE": str(built.parent / "cache"),
        "GOFLAGS": "",
    }
    source = Path(__file__).parent / "crosscheck" / "main.go"
    subprocess.run(["go", "build", "-o", str(built), str(source)], env=environment, check=True)
    return built


@pytest.fixture
def exported(log: str, keeper: User, tmp_path: Path) -> Path:
    """The log's folder of an unpacked evidence bundle, after growth by random steps."""
    for _ in range(3):
        some_entries(random.randint(1, 400), by=keeper)
        seal(log)
    export = request_export(Scope(), by=keeper)
    build_export(export, by=keeper)
    with zipfile.ZipFile(bundle_path(export)) as bundle:
        bundle.extractall(tmp_path / "bundle")
    (checkpoint,) = (tmp_path / "bundle" / "log").glob("*/checkpoint")
    return checkpoint.parent


def run(crosscheck: Path, folder: Path, earlier: int = 0) -> subprocess.CompletedProcess[str]:
    command = [str(crosscheck), str(folder), keys.log_vkey(), str(earlier)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_go_proves_every_entry_and_every_growth(crosscheck: Path, exported: Path, log: str) -> None:
    checkpoints = list(Checkpoint.objects.filter(origin=log).order_by("size"))

    for checkpoint in checkpoints:
        said = run(crosscheck, exported, checkpoint.size)

        assert said.returncode == 0, said.stderr
        assert f"{log} at {checkpoints[-1].size}: every entry proved" in said.stdout
        if checkpoint is not checkpoints[-1]:
            root = base64.b64encode(bytes(checkpoint.root)).decode()
            assert f"grew from {root}" in said.stdout


@pytest.mark.parametrize("kind", ["entries", "0"])
def test_go_refuses_what_we_refuse(crosscheck: Path, exported: Path, kind: str) -> None:
    files = sorted(path for path in (exported / "tile" / kind).rglob("*") if path.is_file())
    file = random.choice(files)
    data = bytearray(file.read_bytes())
    data[random.randrange(40, len(data))] ^= 1
    file.write_bytes(bytes(data))

    assert run(crosscheck, exported).returncode != 0
