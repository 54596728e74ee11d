"""A share takes its part of the applications, keeps those it had when it grows, and the same one always goes the same way."""

from collections import Counter
from hashlib import sha256

import pytest

from serving.routing import Share, routed, slot


def test_the_slot_is_the_hash_of_model_and_reference():
    digest = sha256(b"credence-route/1\nloans\nA-1").hexdigest()

    assert slot("loans", "A-1") == int(digest[:16], 16) % 100


def test_slots_are_spread_evenly_and_models_are_told_apart():
    references = [f"A-{number}" for number in range(20_000)]
    counts = Counter(slot("loans", reference) for reference in references)

    assert set(counts) == set(range(100))
    # Five standard deviations of a binomial with n = 20,000 and p = 1/100.
    assert max(abs(count - 200) for count in counts.values()) < 5 * (200 * 0.99) ** 0.5
    assert [slot("loans", one) for one in references[:50]] != [
        slot("cards", one) for one in references[:50]
    ]


@pytest.mark.parametrize(
    ("taken", "expected"), [(0, 7), (9, 7), (10, 8), (29, 8), (30, None), (99, None)]
)
def test_shares_take_slots_in_order_and_the_champion_the_rest(taken, expected):
    assert routed(taken, [Share(7, 10), Share(8, 20)]) == expected


def test_without_shares_the_champion_decides_all():
    assert {routed(taken, []) for taken in range(100)} == {None}


def test_a_share_that_grows_keeps_what_it_had():
    small = {taken for taken in range(100) if routed(taken, [Share(1, 10)]) == 1}
    large = {taken for taken in range(100) if routed(taken, [Share(1, 25)]) == 1}

    assert small < large
    assert (len(small), len(large)) == (10, 25)
