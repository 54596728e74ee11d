"""Reading the environment: each reader names the variable that is missing or wrong.

In demo mode the environment is a file, `var/demo.env`, that `manage.py demo` writes and that `manage.py`
reads only where no secret key is set. Imports no Django: it runs before the settings do.
"""

import os
import secrets
import string
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = "CREDENCE_SECRET_KEY"

# The people of the demo, by name and role; each gets a password of its own.
DEMO_PEOPLE = {
    "dana": "model developer",
    "victor": "validator",
    "amira": "approver",
    "felix": "fair-lending analyst",
    "ines": "auditor",
    "omar": "operator",
    "petra": "privacy officer",
    "paul": "privacy officer",
    "carla": "legal counsel",
    "chloe": "credit officer",
    "conrad": "credit officer",
    "lending": "scoring client",
    "admin": "administrator",
}


class Misconfigured(Exception):
    """An environment variable is missing or cannot be read."""


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None or (default is None and not value):
        raise Misconfigured(f"Set the environment variable {name}.")
    return value


def boolean(name: str, default: bool) -> bool:
    value = os.environ.get(name, "")
    if not value:
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise Misconfigured(f"{name} must be true or false, not {value!r}.")


def integer(name: str, default: int) -> int:
    value = os.environ.get(name, "")
    try:
        return int(value) if value else default
    except ValueError:
        raise Misconfigured(f"{name} must be a whole number, not {value!r}.") from None


def folder(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default).resolve()


def place(name: str, default: Path) -> Path | str:
    """A folder, or an address such as s3://bucket/prefix as it is written."""
    value = os.environ.get(name, "")
    return value if "://" in value else folder(name, default)


def file(name: str) -> Path | None:
    return Path(os.environ[name]).resolve() if os.environ.get(name) else None


def words(name: str, default: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def var_folder() -> Path:
    return folder("CREDENCE_VAR", ROOT / "var")


def password_variable(person: str) -> str:
    """Where a person of the demo finds their password."""
    return f"CREDENCE_DEMO_PASSWORD_{person.upper()}"


def demo_file() -> Path:
    return var_folder() / "demo.env"


def load_demo() -> bool:
    """Read `var/demo.env` when no secret key is set; True when the file was used."""
    if os.environ.get(SECRET_KEY) or not demo_file().exists():
        return False
    for line in demo_file().read_text().splitlines():
        name, _, value = line.partition("=")
        if name and not name.startswith("#"):
            os.environ.setdefault(name, value)
    return True


def begin_demo() -> None:
    """Give this process the environment of a new demo. Nothing is written yet: that is `keep_demo`."""
    os.environ.pop(SECRET_KEY, None)
    for name, value in _new_demo().items():
        os.environ.setdefault(name, value)


def stand_alone() -> None:
    """For a process that neither writes a log nor signs a session: a witness, on a machine that is not ours."""
    os.environ.setdefault(SECRET_KEY, secrets.token_urlsafe(48))
    os.environ.setdefault("CREDENCE_ORIGIN", "nothing.invalid")


def keep_demo() -> Path | None:
    """Move an earlier demo aside as a whole, and write down the environment of this one.

    Returns where the earlier demo is now. Raises Misconfigured for a folder that holds other things: it is not ours to move.
    """
    var, aside = var_folder(), None
    if var.exists() and any(var.iterdir()):
        if not demo_file().exists():
            raise Misconfigured(
                f"{var} is not empty and holds no earlier demo. Name another folder in CREDENCE_VAR."
            )
        aside = var.with_name(f"{var.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}")
        var.rename(aside)
    var.mkdir(parents=True, exist_ok=True, mode=0o700)
    demo_file().touch(mode=0o600)
    demo_file().write_text("".join(f"{name}={os.environ[name]}\n" for name in _new_demo()))
    return aside


def _new_demo() -> dict[str, str]:
    """What a demo needs set, with fresh secrets."""
    alphabet = string.ascii_letters + string.digits
    name = secrets.token_hex(4)
    values = {
        SECRET_KEY: secrets.token_urlsafe(48),
        "CREDENCE_DEMO": "true",
        "CREDENCE_SWEEP_SECONDS": "5",
        "CREDENCE_ORIGIN": f"credence.local/{name}",
        "CREDENCE_QUEUE": f"credence-demo-{name}",
    }
    for person in DEMO_PEOPLE:
        password = "".join(secrets.choice(alphabet) for _ in range(16))
        values[password_variable(person)] = password
    return values
