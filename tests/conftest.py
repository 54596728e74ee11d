"""The cast, the keys and the databases that all tests share."""

import hashlib
import importlib.util
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from audit import key_making

ORIGIN = "credence.test/log/2026"
ROOT = Path(__file__).parent.parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests of one folder share what is slow to start (the demo, Ceph), so one worker runs them all."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.xdist_group(str(item.path.parent)))


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """The migrated database. pytest-django's own makes none when only `own_database` asks for it."""
    verbosity = request.config.option.verbose
    kept = _kept_copy()
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity,
            interactive=False,
            keepdb=kept is not None and _restored(kept),
            aliases={DEFAULT_DB_ALIAS},
            serialized_aliases=set(),
        )
        if kept is not None:
            _keep(kept)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity)


def _kept_copy() -> Path | None:
    """Where the migrated SQLite file of these very migrations is kept, which takes a third of the time that migrating takes."""
    if connection.vendor != "sqlite":
        return None
    sources = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/triggers.py")]
    sources += [ROOT / "audit" / "partitions.py", ROOT / "constraints.txt"]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(f"{source.relative_to(ROOT)}\n".encode() + source.read_bytes())
    return ROOT / "build" / f"migrated-{digest.hexdigest()[:16]}.sqlite3"


def _restored(kept: Path) -> bool:
    """Whether there was a copy to begin from; what follows migrations (permissions, roles) is done anew on it."""
    if not kept.exists():
        return False
    shutil.copy(kept, connection.creation._get_test_db_name())
    return True


def _keep(kept: Path) -> None:
    if kept.exists():
        return
    kept.parent.mkdir(exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}")
    migrated, _ = _copy_sqlite(str(connection.settings_dict["NAME"]), part)
    os.replace(migrated, kept)


@pytest.fixture(scope="session", autouse=True)
def log_keys() -> None:
    """One set of keys for the run: a test that changes keys makes its own folder."""
    key_making.make_keys(ORIGIN, datetime.now(UTC))
    if importlib.util.find_spec("monitoring.protected_key"):
        _make_protected_key()


def _make_protected_key() -> None:
    from monitoring.protected_key import make_protected_key

    make_protected_key(Path(settings.CREDENCE_KEYS) / "protected.key")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference data and vectors; without it the test is skipped, and says so."""
    folder = os.environ.get("CREDENCE_REFERENCE")
    if not folder:
        pytest.skip("CREDENCE_REFERENCE names no folder of reference data")
    return Path(folder)


def a_person(name: str, *roles: str, **fields: object) -> User:
    """A user with those roles, signed up without any act: for tests of what they may do."""
    user = User.objects.create_user(name, password=name, is_staff=True, **fields)
    user.groups.set([Group.objects.get(name=role) for role in roles])
    return user


@pytest.fixture
def developer(db: None) -> User:
    return a_person("dana", "model developer")


@pytest.fixture
def validator(db: None) -> User:
    return a_person("victor", "validator")


@pytest.fixture
def approver(db: None) -> User:
    return a_person("amira", "approver")


@pytest.fixture
def analyst(db: None) -> User:
    return a_person("felix", "fair-lending analyst")


@pytest.fixture
def auditor(db: None) -> User:
    return a_person("ines", "auditor")


@pytest.fixture
def operator(db: None) -> User:
    return a_person("omar", "operator")


@pytest.fixture
def privacy_officer(db: None) -> User:
    return a_person("petra", "privacy officer")


@pytest.fixture
def counsel(db: None) -> User:
    return a_person("carla", "legal counsel")


@pytest.fixture
def credit_officer(db: None) -> User:
    return a_person("chloe", "credit officer")


@pytest.fixture
def second_officer(db: None) -> User:
    """Another credit officer: whoever reviews what the first one decided."""
    return a_person("conrad", "credit officer")


@pytest.fixture
def lending(db: None) -> User:
    """The lending system: the scoring client."""
    return a_person("lending", "scoring client")


@pytest.fixture
def administrator(db: None) -> User:
    return a_person("admin", "administrator")


@pytest.fixture
def superuser(db: None) -> User:
    """All of Django's power, and no role."""
    return a_person("root", is_superuser=True)


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser with that person's session."""

    def sign_in(user: User) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def own_database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> Iterator[str]:
    """A database of its own, copied from the migrated one and dropped: for tests that really commit. Yields its URL."""
    original = str(connection.settings_dict["NAME"])
    with django_db_blocker.unblock():
        connections.close_all()
        copy, url = (
            _copy_sqlite(original, tmp_path / "own.sqlite3")
            if connection.vendor == "sqlite"
            else _copy_postgresql(original)
        )
        connection.settings_dict["NAME"] = copy
        try:
            yield url
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = original
            if connection.vendor == "postgresql":
                _admin(f'DROP DATABASE "{copy}" WITH (FORCE)')


def _copy_sqlite(original: str, copy: Path) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    shutil.copy(original, copy)
    return str(copy), f"sqlite:///{copy}"


def _copy_postgresql(original: str) -> tuple[str, str]:
    copy = f"credence_own_{uuid.uuid4().hex[:12]}"
    _admin(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
    at = connection.settings_dict
    return (
        copy,
        f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST'] or '127.0.0.1'}:{at['PORT'] or 5432}/{copy}",
    )


def _admin(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)
