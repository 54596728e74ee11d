"""The load: so many connections, each of which sends its next request when it has its answer. One process, one thread.

`python -m tests.benchmarks.scoring.load` reads a task from standard input and prints what it saw, as JSON.
"""

import gevent.monkey

gevent.monkey.patch_socket()

import json  # noqa: E402  after the sockets are patched
import sys  # noqa: E402
import time  # noqa: E402
from itertools import count  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from geventhttpclient import HTTPClient  # noqa: E402


def main() -> None:
    task = json.loads(sys.stdin.readline())
    bodies = [line.rstrip("\n").encode() for line in sys.stdin]
    print(json.dumps(run(task, bodies)), flush=True)


def run(task: dict[str, Any], bodies: list[bytes]) -> dict[str, Any]:
    """`seconds` of requests, or all bodies once where it is 0. Every answer must be of the expected status."""
    next_body = count()
    latencies: list[float] = []
    headers = {"Content-Type": "application/json"}
    if task["token"]:
        headers["Authorization"] = f"Token {task['token']}"
    begun = time.perf_counter()
    end = begun + task["seconds"] if task["seconds"] else float("inf")

    def connection() -> None:
        client = HTTPClient(
            "127.0.0.1", task["port"], connection_timeout=30, network_timeout=120, concurrency=1
        )
        while time.perf_counter() < end:
            place = next(next_body)
            if place >= len(bodies):
                if not task["seconds"]:
                    return
                raise SystemExit(f"{len(bodies)} bodies are too few for {task['path']}.")
            sent = time.perf_counter()
            answer = client.post(task["path"], body=bodies[place], headers=headers)
            said = answer.read()
            if answer.status_code != task["expected"]:
                raise SystemExit(f"{task['path']}: {answer.status_code} {bytes(said)[:500]!r}")
            latencies.append(time.perf_counter() - sent)

    gevent.joinall([gevent.spawn(connection) for _ in range(task["connections"])], raise_error=True)
    latencies.sort()
    took = time.perf_counter() - begun
    return {
        "requests": len(latencies),
        "seconds": took,
        "per_s": len(latencies) / took,
        **{
            f"p{share}_ms": 1e3 * latencies[min(len(latencies) - 1, len(latencies) * share // 100)]
            for share in (50, 95, 99)
        },
    }


if __name__ == "__main__":
    main()
