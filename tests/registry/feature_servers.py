"""A server that answers like Feast's on Redis, for tests that need no Feast. `test_feast.py` holds it against the real one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from django.utils import timezone

ENTITY = "customer"
EPOCH = "1970-01-01T00:00:00Z"
Row = tuple[datetime, dict[str, Any]]


@dataclass
class FeastLike:
    """`rows` by view and entity. `status`, `body` and `wait_s` are for answers that go wrong; `said` for other statuses."""

    url: str = ""
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    status: int = 200
    body: bytes | None = None
    wait_s: float = 0.0
    said: str = "PRESENT"
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    def holds(self, view: str, entity: str, days_old: float, **values: Any) -> None:
        event_at = timezone.now() - timedelta(days=days_old)
        self.rows.setdefault(view, {})[entity] = (event_at, values)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """As Feast 0.67: columns in an order of its own, PRESENT whatever is held, null from 1970 where nothing is."""
        entities = asked["entities"][ENTITY]
        names, results = [ENTITY], [_column(entities, "PRESENT", [EPOCH] * len(entities))]
        for reference in reversed(asked["features"]):
            view, feature = reference.split(":")
            held = [self.rows.get(view, {}).get(entity) for entity in entities]
            names.append(f"{view}__{feature}")
            values = [row and row[1].get(feature) for row in held]
            times = [f"{row[0]:%Y-%m-%dT%H:%M:%S.%fZ}" if row else EPOCH for row in held]
            results.append(_column(values, self.said, times))
        return {"results": results, "metadata": {"feature_names": names}}


def _column(values: list[Any], status: str, times: list[str]) -> dict[str, Any]:
    return {"values": values, "statuses": [status] * len(values), "event_timestamps": times}


@contextmanager
def a_feature_server() -> Iterator[FeastLike]:
    held = FeastLike()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            held.asked.append(asked)
            held.tokens.append(self.headers["Authorization"])
            time.sleep(held.wait_s)
            known = self.path == "/get-online-features"
            body = json.dumps(held.answer(asked)).encode() if held.body is None else held.body
            self.send_response(held.status if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()


def named_stores(folder: Path, url: str, client: str = "lending", **changes: Any) -> Path:
    """The operator's file, with one store called risk."""
    keys = {"url": url, "entity": ENTITY, "client": client, "timeout_ms": 2000, **changes}
    path = folder / "stores.toml"
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in keys.items()]
    path.write_text("[risk]\n" + "".join(lines))
    return path
