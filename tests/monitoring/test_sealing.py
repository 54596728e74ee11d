"""Protected attributes at rest: a key of their own, and ciphertext that belongs to one person."""

import stat

import pytest

from audit.errors import KeyMissing
from monitoring.errors import ProtectedValueUnreadable
from monitoring.protected_key import ProtectedKeyExists, make_protected_key, protected_key
from monitoring.sealing import open_sealed, seal

SECRET = bytes(range(32))
VALUES = {"race": "black", "age": 41, "married": True}


def test_values_come_back_as_they_were():
    assert open_sealed(seal(VALUES, "subject 1", SECRET), "subject 1", SECRET) == VALUES


def test_the_ciphertext_holds_neither_names_nor_values_and_differs_every_time():
    sealed = seal(VALUES, "subject 1", SECRET)

    assert b"race" not in sealed
    assert b"black" not in sealed
    assert sealed != seal(VALUES, "subject 1", SECRET)


@pytest.mark.parametrize(
    ("about", "secret", "damage"),
    [
        ("subject 2", SECRET, 0),
        ("subject 1", bytes(32), 0),
        ("subject 1", SECRET, 1),
    ],
    ids=["of another person", "under another key", "changed"],
)
def test_ciphertext_that_is_not_this_persons_does_not_open(about, secret, damage):
    sealed = bytearray(seal(VALUES, "subject 1", SECRET))
    sealed[-1] ^= damage

    with pytest.raises(ProtectedValueUnreadable, match=about):
        open_sealed(bytes(sealed), about, secret)


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
