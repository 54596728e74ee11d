"""With which code and which libraries something was made."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent


@cache
def code_revision() -> str:
    """The git revision of the source, with `+changes` where files differ from it.

    Where the source is no git checkout, or git is absent, the version of the installed package; and
    where nothing is installed either, the words that say so.
    """
    git = shutil.which("git")
    if git is None or not (SOURCE / ".git").exists():
        return _installed()
    revision = _git(git, "rev-parse", "HEAD")
    changed = _git(git, "status", "--porcelain", "--untracked-files=no")
    return f"{revision}+changes" if changed else revision


@cache
def environment() -> bytes:
    """Python and every installed package with its version, as sorted JSON."""
    packages = {f"{found.name}=={found.version}" for found in metadata.distributions()}
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return environment_of(packages, python)


def environment_of(found: Iterable[str], python: str) -> bytes:
    """An environment as it is kept, from its packages as `name==version`."""
    packages = sorted(set(found))
    return json.dumps({"packages": packages, "python": python}, sort_keys=True).encode()


def environment_sha256() -> str:
    return hashlib.sha256(environment()).hexdigest()


def environment_changes(recorded: bytes) -> list[str]:
    """What differs between a recorded environment and this one, as `name: then -> now`; None where one lacks it."""
    return environment_differences(recorded, environment())


def environment_differences(one: bytes, other: bytes) -> list[str]:
    """What differs between two recorded environments, as `name: one -> other`; None where one lacks it."""
    then, now = packages_of(one), packages_of(other)
    return [
        f"{name}: {then.get(name)} -> {now.get(name)}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]


def packages_of(environment: bytes) -> dict[str, str]:
    """The versions of a recorded environment, by the names of its packages and `python`."""
    fields = json.loads(environment)
    packages = (package.partition("==") for package in fields["packages"])
    return {"python": fields["python"]} | {name: version for name, _, version in packages}


def _installed() -> str:
    try:
        return f"credence {metadata.version('credence')}"
    except metadata.PackageNotFoundError:
        return "credence, version unknown"


def _git(git: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  fixed arguments, no shell
        [git, *arguments], cwd=SOURCE, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()
