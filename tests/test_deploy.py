"""The containers: what their files say, and the very commands that they run, tried on this machine.

No container engine is needed: the files are parsed, and each command is started as the container would start it,
with PostgreSQL and RabbitMQ on loopback in place of the other containers.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
OURS = ("set-up", "web", "worker", "beat", "sequencer")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), continued lines joined."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")
    ]


def test_the_image_runs_as_a_user_who_is_not_root() -> None:
    users = [arguments for word, arguments in instructions() if word == "USER"]

    assert users
    assert users[-1].split(":")[0] not in {"root", "0"}
    after = [word for word, _ in instructions()][::-1].index("USER")
    assert {word for word, _ in instructions()[-after:]} <= {
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }


def test_the_image_copies_only_what_there_is_and_every_floor() -> None:
    copied = []
    for word, arguments in instructions():
        if word == "COPY" and not arguments.startswith("--from"):
            copied += arguments.split()[:-1]

    for name in copied:
        assert (ROOT / name).exists(), name
    assert {"governance", "monitoring", "serving", "registry", "audit"} <= set(copied)


def test_the_image_installs_pinned_versions() -> None:
    runs = " ".join(arguments for word, arguments in instructions() if word == "RUN")

    assert "--constraint constraints.txt" in runs


def test_the_images_own_command_is_the_web_server_of_the_compose_file() -> None:
    [command] = [arguments for word, arguments in instructions() if word == "CMD"]

    assert json.loads(command) == COMPOSE["services"]["web"]["command"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_cannot_write_their_root_or_gain_rights(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_no_secret_has_a_default_in_the_compose_file() -> None:
    text = (ROOT / "deploy" / "compose.yaml").read_text()

    for name in (
        "CREDENCE_SECRET_KEY",
        "POSTGRES_OWNER_PASSWORD",
        "POSTGRES_PASSWORD",
        "RABBITMQ_PASSWORD",
    ):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text


def test_only_the_set_up_knows_who_owns_the_tables() -> None:
    knowing = [
        name for name in OURS if "MIGRATE_DATABASE_URL" in COMPOSE["services"][name]["environment"]
    ]

    assert knowing == ["set-up"]
    assert "credence_service:" in COMPOSE["x-service"]["environment"]["DATABASE_URL"]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the containers, with a database and a broker folder of their own."""
    brokers = [url for url in os.environ.get("TEST_BROKERS", "").split() if url.startswith("amqp")]
    server = os.environ.get("DATABASE_URL", "")
    if not brokers or not server.startswith("postgres"):
        pytest.skip("needs PostgreSQL and RabbitMQ (SERVICES=required)")
    name = f"credence_deploy_{uuid.uuid4().hex[:10]}"
    _admin(server, f'CREATE DATABASE "{name}"')
    _make_service_role(server.rsplit("/", 1)[0] + f"/{name}")
    given = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CREDENCE_", "DJANGO_"))
    }
    yield {
        **given,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CREDENCE_SECRET_KEY": "a-key-of-this-test-and-of-nothing-else-at-all",
        "CREDENCE_ORIGIN": "credence.test/deploy",
        "CREDENCE_VAR": str(tmp_path),
        "CREDENCE_SECURE_COOKIES": "true",
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "DATABASE_URL": _as_service(server.rsplit("/", 1)[0] + f"/{name}"),
        "MIGRATE_DATABASE_URL": server.rsplit("/", 1)[0] + f"/{name}",
        "BROKER_URL": brokers[0],
    }
    _admin(server, f'DROP DATABASE "{name}" WITH (FORCE)')
    _admin(server, "DROP ROLE credence_service")


def _make_service_role(database: str) -> None:
    """What the database's container runs on an empty volume, on this server."""
    owner = urlsplit(database)
    subprocess.run(
        ["sh", str(ROOT / "deploy" / "service-role.sh")],
        env={
            **os.environ,
            "PGHOST": owner.hostname or "127.0.0.1",
            "PGPORT": str(owner.port or 5432),
            "PGPASSWORD": owner.password or "",
            "POSTGRES_USER": owner.username or "",
            "POSTGRES_DB": owner.path[1:],
            "SERVICE_PASSWORD": "of the service's role's only",
        },
        check=True,
    )


def _as_service(database: str) -> str:
    place = urlsplit(database)
    password = quote("of the service's role's only")
    netloc = f"credence_service:{password}@{place.hostname}:{place.port or 5432}"
    return urlunsplit(place._replace(netloc=netloc))


def _admin(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # a name of our own making


def command(name: str, port: int) -> list[str]:
    words: list[str] = COMPOSE["services"][name]["command"]
    return [str(port) if word == "8000" else word.replace("0.0.0.0", "127.0.0.1") for word in words]


@pytest.mark.long
def test_the_commands_of_the_compose_file_make_a_service_that_answers(
    installation: dict[str, str],
) -> None:
    port = _free_port()
    running_env = {k: v for k, v in installation.items() if k != "MIGRATE_DATABASE_URL"}
    set_up = subprocess.run(
        command("set-up", port),
        env=installation,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert set_up.returncode == 0, set_up.stdout + set_up.stderr
    running = {
        name: subprocess.Popen(command(name, port), env=running_env, cwd=ROOT)
        for name in ("sequencer", "worker", "beat", "web")
    }

    try:
        ready = _wait_until_ready(port)
        time.sleep(3)
        ended = {name: process.poll() for name, process in running.items()}
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(120) for name, process in running.items()}

    assert ready["status"] == "ready", ready
    assert set(ended.values()) == {None}, f"Some ended by themselves: {ended}"
    assert codes["sequencer"] == 0, "The sequencer did not stop cleanly."


def _wait_until_ready(port: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3) as answer:
                body: dict[str, Any] = json.load(answer)
                return body
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_documented_first_steps_name_services_that_exist() -> None:
    header = [
        line
        for line in (ROOT / "deploy" / "compose.yaml").read_text().splitlines()
        if line.startswith("#")
    ]
    runs = [shlex.split(line.strip("# ")) for line in header if "run --rm" in line]

    assert runs
    for words in runs:
        assert words[words.index("--rm") + 1] in COMPOSE["services"]
