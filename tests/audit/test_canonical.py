"""Canonical JSON: the writer's encoder, the verifier's and an independent one give the same bytes."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit import verify
from audit.canonical import (
    LARGEST_INTEGER,
    NotCanonical,
    canonical_json,
    digest_json,
    plain,
    timestamp,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = st.text(st.characters(max_codepoint=126), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


@given(VALUES)
def test_the_writer_the_verifier_and_rfc_8785_agree_byte_for_byte(value: object) -> None:
    written = canonical_json(value)

    assert written == rfc8785.dumps(value)
    assert written == verify.canonical(value)
    assert json.loads(written) == value


def test_every_control_character_is_escaped_as_rfc_8785_says() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028é€😀'

    assert canonical_json(text) == rfc8785.dumps(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        (np.float64(2.5e-9), "2.5e-09"),
        (np.int64(7), 7),
        (True, True),
        (Colour.RED, "red"),
        (Decimal("1.10"), "1.10"),
        (date(2026, 2, 28), "2026-02-28"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({"b", "a"}, ["a", "b"]),
        ((1, {"x": 0.5}), [1, {"x": "0.5"}]),
        (
            datetime(2026, 11, 28, 13, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-28T12:00:00.000000Z",
        ),
    ],
)
def test_what_acts_record_has_one_plain_form(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), {"é": 1}, {1: 2}, object(), b"bytes"],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        plain(value)


@pytest.mark.parametrize("value", ["half \ud800", {"a": ["\udfff"]}])
def test_half_a_surrogate_pair_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical, match="surrogate"):
        canonical_json(value)


def test_a_float_that_was_not_made_plain_is_refused() -> None:
    with pytest.raises(NotCanonical, match="float"):
        canonical_json([0.5])


def test_the_order_of_keys_changes_no_digest() -> None:
    assert digest_json({"a": 1, "b": 0.5}) == digest_json({"b": 0.5, "a": 1})


def test_times_have_one_length_and_need_a_zone() -> None:
    assert timestamp(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000000Z"
    with pytest.raises(NotCanonical, match="zone"):
        timestamp(datetime(2026, 1, 2))  # noqa: DTZ001  without a zone on purpose
