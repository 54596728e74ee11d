"""Requests that come while others are worked on go together."""

import threading
import time
from collections.abc import Sequence

import pytest

from serving.grouping import Grouping


def test_whoever_comes_alone_is_worked_on_at_once_and_alone() -> None:
    groups: list[Sequence[int]] = []
    grouping: Grouping[int, int] = Grouping(8)

    def work(group: Sequence[int]) -> list[int]:
        groups.append(group)
        return [10 * asked for asked in group]

    assert [grouping.take_part("a", asked, work) for asked in (1, 2)] == [10, 20]
    assert groups == [[1], [2]]


def test_those_who_come_meanwhile_go_together_and_each_gets_its_own_result() -> None:
    sizes, results = _thirty_at_once(most=64)

    assert results == {asked: 10 * asked for asked in range(30)}
    assert sizes[0] == 1
    assert max(sizes) > 1


def test_no_group_is_larger_than_allowed_and_nobody_is_forgotten() -> None:
    sizes, results = _thirty_at_once(most=4)

    assert results == {asked: 10 * asked for asked in range(30)}
    assert max(sizes) <= 4


def test_where_the_work_fails_only_its_leader_is_told_and_the_next_group_goes_on() -> None:
    grouping: Grouping[int, int] = Grouping(8)

    def fail(group: Sequence[int]) -> list[int]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        grouping.take_part("a", 1, fail)
    assert grouping.take_part("a", 2, lambda group: [7]) == 7


def _thirty_at_once(most: int) -> tuple[list[int], dict[int, int | None]]:
    sizes: list[int] = []
    results: dict[int, int | None] = {}
    grouping: Grouping[int, int] = Grouping(most)

    def work(group: Sequence[int]) -> list[int]:
        sizes.append(len(group))
        time.sleep(0.02)
        return [10 * asked for asked in group]

    def ask(asked: int) -> None:
        results[asked] = grouping.take_part("a", asked, work)

    threads = [threading.Thread(target=ask, args=(asked,)) for asked in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(sizes) == 30
    return sizes, results
