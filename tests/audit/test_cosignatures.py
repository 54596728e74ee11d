"""Known answers, written out by hand from the rules of the format."""

import pytest

from audit.cosignatures import ed25519_message, ml_dsa_message, subtree_message
from audit.tiles import MalformedCheckpoint

ROOT = bytes(range(32))
TEXT = "log.example\n258\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_an_ed25519_cosignature_is_over_the_time_and_the_whole_checkpoint():
    expected = (
        b"cosignature/v1\n"
        b"time 1700000000\n"
        b"log.example\n258\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    )

    assert ed25519_message(TEXT, 1_700_000_000) == expected


def test_an_ml_dsa_cosignature_is_over_names_time_range_and_root():
    expected = (
        b"subtree/v1\x0a\x00"
        b"\x07witness"
        b"\x00\x00\x00\x00\x65\x53\xf1\x00"  # 1,700,000,000
        b"\x0blog.example"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x01\x02" + ROOT
    )

    assert ml_dsa_message("witness", TEXT, 1_700_000_000) == expected


def test_a_range_of_entries_is_signed_from_its_first_to_its_end():
    whole = subtree_message("w", 1, "o", 0, 258, ROOT)
    part = subtree_message("w", 1, "o", 256, 258, ROOT)

    assert whole[:-48] == part[:-48]
    assert part[-48:] == (256).to_bytes(8, "big") + (258).to_bytes(8, "big") + ROOT


@pytest.mark.parametrize("text", ["", "a\n1\n", TEXT + "extension\n", "not a checkpoint\n"])
def test_ml_dsa_signs_nothing_but_a_checkpoint_of_three_lines(text: str):
    with pytest.raises(MalformedCheckpoint):
        ml_dsa_message("witness", text, 1)


@pytest.mark.parametrize("name", ["", "n" * 256])
def test_a_name_that_its_length_byte_cannot_count_is_refused(name: str):
    with pytest.raises(ValueError, match="255 bytes"):
        subtree_message(name, 1, "o", 0, 1, ROOT)
