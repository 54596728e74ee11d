"""What is costly is made once, however many ask, and what cannot be made holds nobody up."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from serving.made_once import MadeOnce

MANY = 6


class Refused(Exception):
    pass


def test_many_threads_that_ask_at_once_get_one_value():
    def make(_: str) -> object:
        time.sleep(0.05)  # so that all of them ask meanwhile
        return object()

    barrier, made = Barrier(MANY), MadeOnce(make, 2, Refused, 60)

    def ask(_: int) -> object:
        barrier.wait()
        return made("a")

    with ThreadPoolExecutor(MANY) as pool:
        values = set(pool.map(ask, range(MANY)))

    assert len(values) == 1
    assert made.made == 1


def test_a_kept_value_is_given_out_while_another_is_made():
    waiting, over = Barrier(2), Barrier(2)

    def make(key: str) -> str:
        if key == "slow":
            waiting.wait(10)
            over.wait(10)
        return key

    made = MadeOnce(make, 2, Refused, 60)
    made("quick")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(made, "slow")
        waiting.wait(10)

        assert made("quick") == "quick"  # while the other thread is still making

        over.wait(10)
        assert slow.result() == "slow"


def test_the_values_used_last_are_kept():
    made = MadeOnce(lambda key: key, 2, Refused, 60)

    for key in ("a", "b", "a", "c", "a"):
        made(key)
    assert made.made == 3
    made("b")

    assert made.made == 4


@pytest.mark.parametrize(("seconds", "tries"), [(60, 1), (0, 2)])
def test_a_refusal_is_repeated_for_a_while_without_trying(seconds, tries):
    tried = []

    def make(key: str) -> str:
        tried.append(key)
        raise Refused("The bytes were changed.")

    made = MadeOnce(make, 2, Refused, seconds)
    for _ in range(2):
        with pytest.raises(Refused, match="changed"):
            made("a")

    assert len(tried) == tries
