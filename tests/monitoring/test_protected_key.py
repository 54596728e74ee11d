"""Protected attributes have a key of their own."""

import stat

import pytest

from audit.errors import KeyMissing
from monitoring.protected_key import ProtectedKeyExists, make_protected_key, protected_key


def test_the_key_file_is_for_its_owner_alone_and_never_overwritten(tmp_path):
    path = tmp_path / "keys" / "protected.key"
    make_protected_key(path)
    before = path.read_bytes()

    with pytest.raises(ProtectedKeyExists):
        make_protected_key(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == before


def test_the_key_is_found_where_the_installation_keeps_it(settings, tmp_path):
    settings.CREDENCE_KEYS = tmp_path
    make_protected_key(tmp_path / "protected.key")

    key = protected_key()

    assert len(key.secret) == 32
    assert key == protected_key()
    assert key.key_id not in (tmp_path / "protected.key").read_text()


@pytest.mark.parametrize("content", [None, b"", b"not base64!", b"c2hvcnQ="])
def test_a_missing_or_broken_key_says_what_to_do(settings, tmp_path, content):
    settings.CREDENCE_KEYS = tmp_path
    if content is not None:
        (tmp_path / "protected.key").write_bytes(content)

    with pytest.raises(KeyMissing, match=r"protected\.key"):
        protected_key()
