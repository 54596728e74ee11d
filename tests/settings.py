"""Settings of the tests: the product's own, over folders that last as long as the run. Never touches `var/`."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = Path(tempfile.mkdtemp(prefix="credence-tests-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

os.environ.update(
    CREDENCE_VAR=str(_folder),
    CREDENCE_SECRET_KEY="a-key-of-the-tests-and-of-nothing-else",
    CREDENCE_ORIGIN="credence.test/log",
    CREDENCE_DEMO="false",
    CREDENCE_SECURE_COOKIES="false",
    CREDENCE_LOG_LEVEL="WARNING",
    CREDENCE_MONTHS_AHEAD="2",
    BROKER_URL="memory://",
)
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_folder}/credence.sqlite3")

from governance.settings import *  # noqa: E402, F403  the environment comes first
from governance.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: tests that really commit copy it.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast: tests sign in often
WHITENOISE_AUTOREFRESH = True
