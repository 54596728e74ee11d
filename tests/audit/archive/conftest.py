"""S3 servers: moto in a thread of the tests, and Ceph's gateway in processes of its own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from moto.server import ThreadedMotoServer

from audit.archive.passes import archive_pass
from audit.sequencer import seal
from tests import radosgw as ceph
from tests.audit.acts import some_entries
from tests.audit.archive.servers import MOTO, RADOSGW, SERVERS, Bucket, Server, new_bucket


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Server(MOTO, f"http://{host}:{port}", "tests", "tests")
    server.stop()


@pytest.fixture(scope="session")
def radosgw() -> Iterator[Server]:
    if missing := ceph.missing_programs():
        refuse = pytest.fail if os.environ.get("SERVICES") == "required" else pytest.skip
        refuse(f"needs {', '.join(missing)} (.ci/install-packages)")
    # Not pytest's folder: that one stays for three runs, and this one holds a disk.
    with (
        tempfile.TemporaryDirectory(prefix="radosgw-") as folder,
        ceph.running(Path(folder)) as gateway,
    ):
        yield Server(RADOSGW, gateway.endpoint, gateway.access_key, gateway.secret_key)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return new_bucket(server)


@pytest.fixture
def s3_archive(
    bucket: Bucket, own_folders: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Bucket:
    """This installation's archive is a bucket of the test's own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": bucket.server.access_key,
        "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    settings.CREDENCE_ARCHIVE = f"s3://{bucket.name}/log"
    settings.CREDENCE_ARCHIVE_ENDPOINT = bucket.server.endpoint
    return bucket


@pytest.fixture
def archived_log(log: str, keeper: User) -> str:
    """A log of 302 entries in one archived epoch."""
    some_entries(300, by=keeper)
    seal()
    archive_pass(by=keeper)
    return log
