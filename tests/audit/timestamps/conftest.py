"""A timestamp authority: OpenSSL's own, behind a small HTTP server."""

import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
[tsa_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
"""


def run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


class Authority:
    """Issues tokens with `openssl ts`. `spoil` changes a response before it is sent."""

    def __init__(
        self, folder: Path, *, usage: str = "critical,timeStamping", digests: str = "sha256"
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder, usage=usage, digests=digests))
        (folder / "serial").write_text("01\n")
        self._certificates()
        self.asked = 0
        self.status = 200
        self.spoil = bytes
        self.replay: bytes | None = None
        self.url = ""

    @property
    def roots(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, query: bytes) -> bytes:
        self.asked += 1
        if self.replay is not None:
            return self.replay
        (self.folder / "query.tsq").write_bytes(query)
        run(
            "openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "one",
            "-queryfile", "query.tsq", "-out", "reply.tsr", folder=self.folder,
        )  # fmt: skip
        return self.spoil((self.folder / "reply.tsr").read_bytes())

    def _certificates(self) -> None:
        new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        run(
            *new, "-x509", "-keyout", "root.key", "-out", "root.pem", "-days", "30",
            "-subj", f"/CN=root of {self.folder.name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign", folder=self.folder,
        )  # fmt: skip
        run(
            *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=an authority",
            folder=self.folder,
        )  # fmt: skip
        run(
            "openssl", "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
            "-CAcreateserial", "-days", "20", "-out", "tsa.pem", "-extfile", "tsa.cnf",
            "-extensions", "tsa_ext", folder=self.folder,
        )  # fmt: skip


@pytest.fixture
def authorities(tmp_path: Path) -> Iterator["Authorities"]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = Authorities(tmp_path)
    yield made
    made.close()


class Authorities:
    """Starts authorities on loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._servers = folder, list[HTTPServer]()

    def start(self, name: str = "tsa", **options: str) -> Authority:
        authority = Authority(self._folder / name, **options)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                data = authority.answer(query)
                self.send_response(authority.status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: object) -> None:
                """Quiet."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        self._servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        authority.url = f"http://127.0.0.1:{server.server_address[1]}/"
        return authority

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def authority(authorities: Authorities) -> Authority:
    """One that the log may ask."""
    return authorities.start()
