"""Requests that come while others are worked on go together."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from serving.grouping import LINGER_S, Grouping


class Work:
    """Multiplies by ten, and keeps what it was asked and when: alone, or in which groups."""

    def __init__(self, most: int = 64, takes_s: float = 0.02) -> None:
        self.grouping: Grouping[int, int] = Grouping(most)
        self.takes_s = takes_s
        self.alone: list[int] = []
        self.groups: list[list[int]] = []

    def ask(self, asked: int, key: str = "a") -> int:
        return self.grouping.take_part(key, asked, lambda: self.alone_with(asked), self.together)

    def alone_with(self, asked: int) -> int:
        self.alone.append(asked)
        time.sleep(self.takes_s)
        return 10 * asked

    def together(self, group: Sequence[int]) -> Sequence[int | None]:
        self.groups.append(list(group))
        time.sleep(self.takes_s)
        return [10 * asked for asked in group]


def test_whoever_comes_alone_is_worked_on_at_once_and_in_its_own_thread() -> None:
    work, threads = Work(takes_s=0), []

    def alone() -> int:
        threads.append(threading.current_thread())
        return 10

    assert [work.grouping.take_part("a", 1, alone, work.together) for _ in range(2)] == [10, 10]
    assert threads == [threading.current_thread()] * 2
    assert work.groups == []


def test_those_who_come_meanwhile_go_together_and_each_gets_its_own_result() -> None:
    work = Work(takes_s=0.3)  # until all have come
    results = _at_once(work.ask, 30)

    assert results == {asked: 10 * asked for asked in range(30)}
    assert len(work.alone) == 1
    assert sorted(work.alone + [asked for group in work.groups for asked in group]) == list(
        range(30)
    )
    assert len(work.groups) < 5


def test_no_group_is_larger_than_allowed_and_nobody_is_forgotten() -> None:
    work = Work(most=4)
    results = _at_once(work.ask, 30)

    assert results == {asked: 10 * asked for asked in range(30)}
    assert max(len(group) for group in work.groups) == 4


def test_callers_who_ask_again_and_again_stay_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.grouping.LINGER_S", 1.0)  # whatever else the machine does
    work = Work()

    def again_and_again(asked: int) -> int:
        return [work.ask(asked) for _ in range(20)][-1]

    _at_once(again_and_again, 8)

    sizes = [len(group) for group in work.groups]
    assert max(sizes) == 8
    assert sum(sizes) / len(sizes) > 6  # those who take turns are four and four


def test_where_nobody_asks_again_the_next_is_alone() -> None:
    work = Work()
    _at_once(work.ask, 6)
    time.sleep(20 * LINGER_S)

    work.ask(7)

    assert work.alone[-1] == 7
    assert all(7 not in group for group in work.groups)


def test_groups_of_different_keys_are_worked_on_side_by_side() -> None:
    work, both = Work(), threading.Barrier(2, timeout=10)
    to_come, all_came = list(range(12)), threading.Event()
    of_key = {"a": range(0, 6), "b": range(6, 12)}

    def together(group: Sequence[int]) -> Sequence[int | None]:
        both.wait()
        return Work.together(work, group)

    def alone_with(asked: int) -> int:
        all_came.wait(10)
        time.sleep(0.2)  # until they wait
        return work.alone_with(asked)

    def ask(asked: int) -> int:
        to_come.pop()
        if not to_come:
            all_came.set()
        key = "a" if asked in of_key["a"] else "b"
        return work.grouping.take_part(key, asked, lambda: alone_with(asked), together)

    _at_once(ask, 12)

    assert len(work.groups) == 2
    for group in work.groups:
        assert set(group) < set(of_key["a"]) or set(group) < set(of_key["b"])


def test_where_work_together_fails_each_is_worked_on_alone() -> None:
    work = Work(takes_s=0.3)

    def fail(group: Sequence[int]) -> list[int | None]:
        work.groups.append(list(group))
        raise ValueError("no")

    def ask(asked: int) -> int:
        return work.grouping.take_part("a", asked, lambda: work.alone_with(asked), fail)

    results = _at_once(ask, 8)

    assert results == {asked: 10 * asked for asked in range(8)}
    assert sorted(work.alone) == list(range(8))
    assert sum(len(group) for group in work.groups) == 7


def test_what_is_raised_alone_is_raised_to_who_asked_and_the_next_goes_on() -> None:
    work = Work(takes_s=0)

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work.grouping.take_part("a", 1, fail, work.together)
    assert work.ask(2) == 20


def _at_once(ask: Callable[[int], int], callers: int) -> dict[int, int]:
    results: dict[int, int] = {}

    def one(asked: int) -> None:
        results[asked] = ask(asked)

    threads = [threading.Thread(target=one, args=(asked,)) for asked in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return results
