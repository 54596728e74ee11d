"""Tested counterfactuals: a few changes after which the same version, policy and knock-out rules approve. Pure.

Each one is found by scoring candidates in batches and was then judged as an application is, so that it is an answer of
the version and no estimate. It says what would have changed the result; it is not a principal reason.

The fewest changed features count first, then the smallest sum of moves, each counted in ranks: the share of the population
that lies between the old value and the new one (Wachter, Mittelstadt and Russell 2018 ask for the closest possible world;
ranks make features comparable). Several are told where they change different features, none including another.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import Refusal
from serving.changeable import Change
from serving.judging import Judge
from serving.policy import OPERATORS, DecisionOutcome, DecisionPolicy, KnockoutRule, decide

Floats = NDArray[np.float64]
MOST_CHANGED = 3  # features; more is no advice that anybody follows
MOST_TOLD = 3
ROWS_PER_DEPTH = 300
VALUES_PER_FEATURE = 8
VALUES_REFINED = 20


@dataclass(frozen=True)
class Moved:
    """One feature and its values, as an application holds them."""

    feature: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Counterfactual:
    """Changes after which the application is approved, and what the version makes of it then."""

    moves: tuple[Moved, ...]
    pd: float
    margin: float


@dataclass(frozen=True)
class _State:
    """A changed applicant (k,): which features differ, by how many ranks, and how far from approval it is."""

    packed: Floats
    changed: frozenset[int]
    cost: tuple[float, float]  # ranks moved, and share of the values; 0 where not approved
    distance: tuple[int, float]  # knock-out rules that hold, and the margin
    approved: bool

    @property
    def order(self) -> tuple[Any, ...]:
        return (len(self.changed), self.cost, sorted(self.changed), self.packed.tolist())


def find(
    judge: Judge,
    packed: Floats,
    changes: Sequence[Change],
    population: Floats,
    accepted: Callable[[Mapping[str, Any]], bool] = lambda features: True,
) -> tuple[Counterfactual, ...]:
    """At most MOST_TOLD counterfactuals of one packed applicant (k,), the best first; empty where the search finds none.

    population (m, k): other applicants, for ranks and plausible values. `accepted` says whether the service would take such an
    application at all.

    1. Change one feature, to as many values as ROWS_PER_DEPTH allows; then one more of what came closest, to VALUES_PER_FEATURE
    values; and a third where nothing was found. Where all combinations of these fit into ROWS_PER_DEPTH all are tried. 2. Of what is approved, take each set of features once and move every value
    back as far as it goes. 3. Judge each as an application.
    """
    search = _Search(judge, packed, changes, population)
    told: list[Counterfactual] = []
    sets: list[frozenset[int]] = []
    frontier = [_State(packed, frozenset(), (0.0, 0.0), (0, 0.0), approved=False)]
    for changed in range(1, min(MOST_CHANGED, len(changes)) + 1):
        if told and changed == MOST_CHANGED:
            break
        # 1
        states = search.expanded(frontier, sets)
        # 2
        for found in _best_of_each_set(state for state in states if state.approved):
            if any(known <= found.changed for known in sets):
                continue
            best = search.refined(found)
            # 3
            checked = _checked(judge, packed, best, accepted)
            if checked and not any(known <= best.changed for known in sets):
                told.append(checked)
                sets.append(best.changed)
            if len(told) == MOST_TOLD:
                return tuple(told)
        frontier = [state for state in states if not state.approved]
    return tuple(told)


class _Search:
    """One applicant's candidates, scored in batches."""

    def __init__(
        self, judge: Judge, packed: Floats, changes: Sequence[Change], population: Floats
    ) -> None:
        self._judge, self._start = judge, packed
        self._changes = {change.position: change for change in changes}
        self._sorted = {
            position: np.sort(population[~np.isnan(population[:, position]), position])
            for position in self._changes
        }
        self._few = self._spread_values(VALUES_PER_FEATURE)
        self._many = self._spread_values(ROWS_PER_DEPTH // max(len(changes), 1))
        self._bare = replace(judge.policy, knockout_rules=())

    def _spread_values(self, most: int) -> dict[int, Floats]:
        """At most so many of the values that each feature can become."""
        return {
            position: _spread(
                change.from_value(self._start[position]), most, self._sorted[position]
            )
            for position, change in self._changes.items()
        }

    def expanded(self, frontier: Sequence[_State], told: Sequence[frozenset[int]]) -> list[_State]:
        """The states with one more change, from as many of the frontier as the budget of rows allows, the closest
        first; what changes the features of a set that is told already is left out."""
        rows: dict[bytes, tuple[Floats, frozenset[int]]] = {}
        for state in _round_robin(frontier):
            new = list(self._with_one_more(state, told))
            if rows and len(rows) + len(new) > ROWS_PER_DEPTH:
                break
            rows |= {row.tobytes(): (row, changed) for row, changed in new}
        return self._scored(list(rows.values()))

    def _with_one_more(
        self, state: _State, told: Sequence[frozenset[int]]
    ) -> Iterator[tuple[Floats, frozenset[int]]]:
        for position, values in (self._few if state.changed else self._many).items():
            changed = state.changed | {position}
            if position in state.changed or any(known <= changed for known in told):
                continue
            for value in values:
                row = state.packed.copy()
                row[position] = value
                yield row, changed

    def refined(self, state: _State) -> _State:
        """The approved state with each value moved back towards the applicant's own, one feature after the other.

        A value that is not needed at all goes back. Of a long way every so many steps are tried, and then those between
        the best of them and the one before it.
        """
        best = state
        for position in sorted(state.changed):
            way = self._way(position, best.packed[position])
            stride = -(-len(way) // VALUES_REFINED)
            best = self._closest(best, position, [self._start[position], *way[::stride]])
            if position in best.changed and stride > 1:
                place = int(np.flatnonzero(way == best.packed[position])[0])
                best = self._closest(best, position, way[max(place - stride + 1, 0) : place])
        return best

    def _way(self, position: int, new: float) -> Floats:
        """The values from the applicant's own, which is left out, to the new one: (w,), the closest first."""
        old, change = self._start[position], self._changes[position]
        if not change.is_ordered or np.isnan(old):
            return np.array([new])
        values = change.from_value(old)
        between: Floats = values[(values >= min(old, new)) & (values <= max(old, new))]
        return between if new > old else between[::-1]

    def _closest(self, state: _State, position: int, values: Iterable[float]) -> _State:
        """The best of the approved states with one of these values there, and of the state itself."""
        rows = []
        for value in values:
            row = state.packed.copy()
            row[position] = value
            is_back = value == self._start[position] or bool(np.isnan(value))
            rows.append((row, state.changed - {position} if is_back else state.changed))
        approved = [one for one in self._scored(rows) if one.approved and one.changed]
        return min([state, *approved], key=lambda one: one.order)

    def _scored(self, rows: Sequence[tuple[Floats, frozenset[int]]]) -> list[_State]:
        if not rows:
            return []
        packed = np.array([row for row, _ in rows])
        scores = self._judge.score(packed)
        held = _knockouts(self._judge, packed)
        states = []
        for (row, changed), pd, margin, knocked in zip(
            rows, scores.pd.tolist(), scores.margin.tolist(), held.tolist(), strict=True
        ):
            approved = not knocked and _approves(pd, self._bare)
            cost = self._cost(row, changed) if approved else (0.0, 0.0)
            states.append(_State(row, changed, cost, (knocked, margin), approved))
        return states

    def _cost(self, row: Floats, changed: frozenset[int]) -> tuple[float, float]:
        """The sum of the moves in ranks, 0 to 1 each, and in shares of each feature's values, which parts equal ranks.

        A category, true or false, and a value that was not known count 1.
        """
        moves = [self._move(position, row[position]) for position in sorted(changed)]
        return sum(ranks for ranks, _ in moves), sum(share for _, share in moves)

    def _move(self, position: int, value: float) -> tuple[float, float]:
        old, others = self._start[position], self._sorted[position]
        change = self._changes[position]
        if not change.is_ordered or np.isnan(old):
            return 1.0, 1.0
        low, high = min(old, value), max(old, value)
        between = np.searchsorted(others, high, "right") - np.searchsorted(others, low, "left")
        span = max(float(np.ptp(change.values)), high - low)
        return float(between) / max(len(others), 1), (high - low) / span


def _approves(pd: float, bare: DecisionPolicy) -> bool:
    return decide(pd, {}, bare).outcome == DecisionOutcome.APPROVED


def _checked(
    judge: Judge, packed: Floats, state: _State, accepted: Callable[[Mapping[str, Any]], bool]
) -> Counterfactual | None:
    """The state as an application, judged as one; None where it would not be taken, or not be approved."""
    contract = judge.contract
    before, after = contract.unpack(packed), contract.unpack(state.packed)
    if contract.problems(after, judge.barred) or not accepted(after):
        return None
    [judged] = judge.judge([after])
    if isinstance(judged, Refusal) or judged.ruling.outcome != DecisionOutcome.APPROVED:
        return None
    names = [contract.names[position] for position in sorted(state.changed)]
    moves = tuple(Moved(name, before[name], after[name]) for name in names)
    return Counterfactual(moves, judged.pd, judged.margin)


def _knockouts(judge: Judge, packed: Floats) -> NDArray[np.int64]:
    """(n,) how many knock-out rules hold for each of n packed applicants."""
    held = np.zeros(len(packed), dtype=np.int64)
    for rule in judge.policy.knockout_rules:
        held += _holds(judge, rule, packed)
    return held


def _holds(judge: Judge, rule: KnockoutRule, packed: Floats) -> NDArray[np.bool_]:
    """(n,) whether one rule holds; a value that is not known is NaN, of which no comparison holds."""
    feature = judge.contract.by_name[rule.feature]
    column = packed[:, judge.contract.names.index(rule.feature)]
    compared: Callable[[Any, Any], Any] = OPERATORS[rule.operator]
    limit = (
        feature.categories.index(str(rule.value))
        if feature.type == "category"
        else float(rule.value)
    )
    return np.asarray(compared(column, limit))


def _best_of_each_set(states: Iterable[_State]) -> list[_State]:
    """Of each set of changed features the best state, the best of all first."""
    best: dict[frozenset[int], _State] = {}
    for state in sorted(states, key=lambda state: state.order):
        best.setdefault(state.changed, state)
    return list(best.values())


def _round_robin(states: Sequence[_State]) -> list[_State]:
    """The closest of every set of features before the second closest of any."""
    seen: dict[frozenset[int], int] = {}
    ranked = []
    for state in sorted(states, key=lambda state: (*state.distance, state.order)):
        place = seen[state.changed] = seen.get(state.changed, -1) + 1
        ranked.append((place, state))
    return [state for _, state in sorted(ranked, key=lambda item: item[0])]


def _spread(values: Floats, most: int, others: Floats) -> Floats:
    """At most `most` of v rising values: half evenly, half next to what others (sorted, m) have."""
    if len(values) <= most:
        return values
    half = most // 2
    places = np.linspace(0, len(values) - 1, most - half).round().astype(np.intp)
    inside = others[(others >= values[0]) & (others <= values[-1])]
    if inside.size:
        wanted = np.quantile(inside, np.linspace(0, 1, half))
        places = np.append(places, np.searchsorted(values, wanted).clip(max=len(values) - 1))
    return values[np.unique(places)]
