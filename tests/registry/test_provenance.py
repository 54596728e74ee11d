"""With which code and libraries something was made."""

import hashlib
import json
from importlib import metadata

from registry import provenance


def test_the_code_is_named_by_revision_or_by_version() -> None:
    revision = provenance.code_revision()

    assert len(revision.removesuffix("+changes")) == 40 or revision.startswith("credence")
    assert len(revision) <= 64


def test_the_environment_lists_every_package_with_its_version() -> None:
    listed = json.loads(provenance.environment())

    assert f"scikit-learn=={metadata.version('scikit-learn')}" in listed["packages"]
    assert listed["packages"] == sorted(listed["packages"])
    assert provenance.environment_sha256() == hashlib.sha256(provenance.environment()).hexdigest()
