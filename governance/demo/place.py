"""Where the demo may be told: an empty database, and a folder of its own."""

from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection

from governance import env


class NoPlace(Exception):
    """The database or the folder is somebody else's; says what to do. Nothing was changed."""


def make_place() -> Path | None:
    """Have an empty database and a fresh folder. Returns where an earlier demo was moved. Raises NoPlace."""
    _require_empty_database()
    try:
        return env.keep_demo()
    except env.Misconfigured as problem:
        raise NoPlace(str(problem)) from None


def _require_empty_database() -> None:
    """A log begins in an empty database. The SQLite file under `var/` is moved aside together with its folder."""
    name = str(settings.DATABASES["default"]["NAME"])
    if connection.vendor == "sqlite" and Path(name).is_relative_to(env.var_folder()):
        return
    try:
        tables = connection.introspection.table_names()
    except OperationalError as problem:
        raise NoPlace(f"The database of DATABASE_URL does not answer: {problem}") from None
    if tables:
        raise NoPlace(
            f"The database {name} is not empty ({len(tables)} tables), and the demo begins with an empty one. Nothing was "
            "changed. Create a new database and name it in DATABASE_URL, or unset DATABASE_URL to use SQLite under "
            f"{env.var_folder()}."
        )
