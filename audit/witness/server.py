"""A witness over HTTP: two routes, bounded in what it reads, how long it waits and how much it does at once.

POST /add-checkpoint                                    for logs
GET  /<hex SHA-256 of the origin>/checkpoint            for monitors
"""

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any

from audit.errors import Refusal
from audit.witness.protocol import (
    MAX_REQUEST_BYTES,
    SIZE_TYPE,
    MalformedRequest,
    NotCosigned,
    OtherSize,
    parse_request,
)
from audit.witness.store import WitnessStore

SECONDS_PER_READ = 10
AT_ONCE = 64  # connections
TEXT = "text/plain; charset=utf-8"

logger = logging.getLogger(__name__)


class WitnessServer(ThreadingHTTPServer):
    """Serves one store. Connections beyond `AT_ONCE` are closed unanswered: who sends checkpoints asks again."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], store: WitnessStore) -> None:
        self.store = store
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.exception("A request from %s failed.", client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "credence-witness"
    sys_version = ""
    timeout = SECONDS_PER_READ
    server: WitnessServer
    connection: socket

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._answer(404, "There is nothing here but /add-checkpoint.\n")
            return
        try:
            lines = self.server.store.cosign(parse_request(self._body()))
        except NotCosigned as reason:
            kind = SIZE_TYPE if isinstance(reason, OtherSize) else TEXT
            self._answer(reason.status, reason.body, kind)
        except Refusal as refusal:
            logger.error("%s", refusal.detail)
            self._answer(refusal.status, "This witness cannot be relied on at the moment.\n")
        else:
            self._answer(200, lines)

    def do_GET(self) -> None:
        name, _, rest = self.path.removeprefix("/").partition("/")
        note = self.server.store.checkpoint(name) if rest == "checkpoint" else None
        if note is None:
            self._answer(404, "No such checkpoint.\n")
            return
        self._answer(200, note.decode())

    def _body(self) -> bytes:
        """Raises MalformedRequest; what is left unread then ends the connection."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= MAX_REQUEST_BYTES):
            self.close_connection = True
            raise MalformedRequest(f"State a Content-Length of at most {MAX_REQUEST_BYTES}.")
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            self.close_connection = True
            raise MalformedRequest("The request ended early.")
        return body

    def _answer(self, status: int, text: str, kind: str = TEXT) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        logger.info("%s " + format, self.address_string(), *arguments)
