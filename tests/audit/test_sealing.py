"""What is kept beside the log: ciphertext that belongs to one label, one subject and one key."""

import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.errors import Refusal
from audit.sealing import Seal

KEY = bytes(range(32))
CONTENT = {"race": "black", "age": 41, "married": True}


class Unreadable(Refusal):
    """A refusal of whoever seals."""


SEAL = Seal(b"test/v1", Unreadable)


def test_content_comes_back_as_it_was():
    assert SEAL.open(SEAL.close(CONTENT, "subject 1", KEY), "subject 1", KEY) == CONTENT


def test_the_form_is_what_earlier_releases_wrote():
    sealed = SEAL.close(CONTENT, "subject 1", KEY)

    plaintext = AESGCM(KEY).decrypt(sealed[:12], sealed[12:], b"test/v1\nsubject 1")

    assert json.loads(plaintext) == CONTENT


def test_the_ciphertext_holds_neither_names_nor_values_and_differs_every_time():
    sealed = SEAL.close(CONTENT, "subject 1", KEY)

    assert b"race" not in sealed
    assert b"black" not in sealed
    assert sealed != SEAL.close(CONTENT, "subject 1", KEY)


@pytest.mark.parametrize(
    ("seal", "about", "key", "damage"),
    [
        (SEAL, "subject 2", KEY, 0),
        (Seal(b"other/v1", Unreadable), "subject 1", KEY, 0),
        (SEAL, "subject 1", bytes(32), 0),
        (SEAL, "subject 1", KEY, 1),
    ],
    ids=["about another", "of another kind", "under another key", "changed"],
)
def test_ciphertext_that_is_not_this_one_does_not_open(seal, about, key, damage):
    sealed = bytearray(SEAL.close(CONTENT, "subject 1", KEY))
    sealed[-1] ^= damage

    with pytest.raises(Unreadable, match=about):
        seal.open(bytes(sealed), about, key)
