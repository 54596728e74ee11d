"""A measure breaches beyond its limit and beyond chance; too few cases breach nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.measures.statistics import (
    median_interval,
    newcombe,
    paired_difference,
    psi_by_chance,
)
from serving import guard_rails
from serving.guard_rails import Arm, Flips, GuardRails, Reading, State, state_of
from tests.serving.builders import GUARD_RAILS

LIMITS = GuardRails.from_part({**GUARD_RAILS, "least_decisions": 50, "most_latency_ratio": 2.0})


def an_arm(**changes):
    fields = {
        "decided": 200,
        "failed": 0,
        "approved": 140,
        "first_reasons": {"debt": 40, "income": 20},
        "judge_us": np.full(100, 300.0),
    }
    return Arm(**{**fields, **changes})


def read(arm, champion=None, flips=None):
    readings = guard_rails.read_all(arm, champion or an_arm(), flips, LIMITS)
    return {reading.measure: reading for reading in readings}


def test_two_equal_versions_are_within_every_guard_rail():
    readings = read(an_arm())

    assert {reading.state for reading in readings.values()} == {State.WITHIN}
    assert state_of(list(readings.values())) == State.WITHIN


@pytest.mark.parametrize(
    ("measure", "changes"),
    [
        ("errors", {"failed": 5}),
        ("latency", {"judge_us": np.full(100, 900.0)}),
        ("approval rate", {"approved": 80}),
        ("approval rate", {"approved": 190}),
        ("reason mix", {"first_reasons": {"debt": 2, "history": 58}}),
    ],
)
def test_each_measure_breaches_by_itself(measure, changes):
    readings = read(an_arm(**changes))

    assert [name for name, each in readings.items() if each.state == State.BREACH] == [measure]
    found = readings[measure]
    assert found.low <= found.value <= found.high
    assert state_of(list(readings.values())) == State.BREACH
    assert measure in str(found)


def test_too_few_decisions_breach_nothing_however_they_went():
    few = an_arm(
        decided=49, approved=0, failed=0, first_reasons={"history": 49}, judge_us=np.full(49, 9e9)
    )

    readings = read(few)

    assert {reading.state for reading in readings.values()} == {State.INSUFFICIENT}
    assert {reading.value for reading in readings.values()} == {None}
    assert state_of(list(readings.values())) == State.INSUFFICIENT


def test_a_version_that_never_loads_breaches_although_it_decided_nothing():
    readings = read(
        an_arm(decided=0, approved=0, failed=60, first_reasons={}, judge_us=np.empty(0))
    )

    assert readings["errors"].state == State.BREACH
    assert readings["errors"].value == 100


def test_a_difference_that_chance_makes_is_no_breach():
    small = {"decided": 50, "first_reasons": {}, "judge_us": np.empty(0)}

    found = read(an_arm(**small, approved=25), an_arm(**small, approved=36))["approval rate"]

    assert abs(found.value) > LIMITS.approval_rate_points
    assert found.high < 0 or found.state == State.WITHIN
    noisy = read(
        an_arm(first_reasons={name: 5 + 4 * (i % 2) for i, name in enumerate("abcdefgh")}),
        an_arm(first_reasons={name: 9 - 4 * (i % 2) for i, name in enumerate("abcdefgh")}),
    )["reason mix"]
    assert noisy.state == State.WITHIN


def test_a_shadow_is_read_by_who_flips_and_has_no_latency():
    readings = read(an_arm(), flips=Flips(200, newly_approved=5, newly_declined=60))

    assert "latency" not in readings
    assert readings["approval rate"].state == State.BREACH
    assert readings["approval rate"].value == pytest.approx(-27.5)
    assert Flips(200, 5, 60).agreement == pytest.approx(0.675)


def test_one_breach_outweighs_what_is_within():
    readings = [
        Reading("a", "", state, None, 0, 0)
        for state in (State.WITHIN, State.BREACH, State.INSUFFICIENT)
    ]

    assert state_of(readings) == State.BREACH
    assert state_of(readings[::2]) == State.WITHIN
    assert state_of([]) == State.INSUFFICIENT


def test_the_interval_of_a_difference_is_newcombe_s():
    found = newcombe(56, 70, 48, 80)  # Newcombe 1998, table II, method 10

    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_paired_difference_lies_in_its_interval_and_turns_with_the_pair(gained, lost):
    n = gained + lost + 50

    found, turned = paired_difference(gained, lost, n), paired_difference(lost, gained, n)

    assert found.contains((gained - lost) / n)
    assert (turned.low, turned.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


@pytest.mark.parametrize("n", [1, 5, 6, 50, 501])
def test_the_interval_of_a_median_agrees_with_scipy(n):
    from scipy.stats import quantile_test

    values = np.random.default_rng(n).gamma(2.0, 100.0, n)

    found = median_interval(values)

    assert found.contains(float(np.median(values)))
    if n > 5:
        other = quantile_test(values, p=0.5).confidence_interval(0.95)
        assert (found.low, found.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_two_samples_of_one_population_rarely_differ_by_more_than_chance():
    generator, shares = np.random.default_rng(7), np.array([0.4, 0.3, 0.2, 0.1])

    beyond = [
        guard_rails.psi(generator.multinomial(500, shares) / 500, generator.multinomial(300, shares) / 300)
        > psi_by_chance(4, 500, 300)
        for _ in range(2000)
    ]  # fmt: skip

    assert 0.03 < np.mean(beyond) < 0.08
