"""Two processes that know nothing of one another make the same documents of the same record."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.conftest import a_person
from tests.governance.builders import a_measured_version

ROOT = Path(__file__).resolve().parents[3]
DIGESTS = """
import hashlib, django; django.setup()
from django.utils import timezone
from governance.documents.composing import compose, content_bytes
from governance.documents.kinds import Kind
from governance.documents.rendering import render
from registry.models import ModelVersion
for kind in Kind:
    content = compose(ModelVersion.objects.get(), kind, timezone.now())
    sha256 = hashlib.sha256(content_bytes(content)).hexdigest()
    made = render(content, sha256)
    print(kind, sha256, hashlib.sha256(made.html).hexdigest(), hashlib.sha256(made.pdf).hexdigest())
"""


@pytest.mark.long
def test_two_processes_make_the_same_bytes_of_the_same_record(
    own_database: str, settings: LazySettings
) -> None:
    a_measured_version(a_person("dana", "model developer"))
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "DATABASE_URL": own_database,
        **{f"CREDENCE_{name}": str(getattr(settings, f"CREDENCE_{name}")) for name in ("VAR", "KEYS", "STORE", "ARCHIVE")},
    }  # fmt: skip

    def begun(**elsewhere: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", DIGESTS]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment | elsewhere, stdout=subprocess.PIPE, text=True
        )

    here = begun(PYTHONHASHSEED="1", TZ="UTC")
    there = begun(PYTHONHASHSEED="2", TZ="Pacific/Auckland", LC_ALL="C")
    first, second = (process.communicate(timeout=120)[0].splitlines() for process in (here, there))

    assert (here.returncode, there.returncode, len(first)) == (0, 0, 5)
    assert first == second
