"""A Feast feature server, over HTTP: nothing of Feast is installed. Pure.

https://docs.feast.dev/reference/feature-servers/python-feature-server
"""

import atexit
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from audit.deferred import deferred
from registry.errors import OnlineStoreUnavailable
from registry.online_stores import OnlineStore, OnlineValue

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

ENTITIES_PER_REQUEST = 500
NO_ROW = datetime.fromtimestamp(0, UTC)
"""What Feast 0.67 dates a value from that it does not hold, and calls it PRESENT all the same."""
STATUSES = ("PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE")

Values = Mapping[tuple[str, str], OnlineValue]
"""What a store holds of one entity, by view and feature."""


@cache
def server_of(store: OnlineStore) -> "FeatureServer":
    """One for all threads of the process, so that connections are used again."""
    server = FeatureServer(store)
    atexit.register(server.close)
    return server


class FeatureServer:
    """One feature server, asked for online features and nothing else."""

    def __init__(self, store: OnlineStore) -> None:
        headers = {"Authorization": f"Bearer {store.token}"} if store.token else {}
        self._store = store
        self._http = httpx.Client(
            base_url=f"{store.url}/",
            headers=headers,
            timeout=httpx.Timeout(store.timeout_ms / 1000),
        )

    def close(self) -> None:
        self._http.close()

    def values_of(
        self, references: Sequence[str], wanted: Sequence[tuple[str, str]]
    ) -> dict[str, Values]:
        """Values by the reference of each entity; `wanted` are views and features.

        Raises OnlineStoreUnavailable where any of them was not answered.
        """
        found: dict[str, Values] = {}
        entities = list(dict.fromkeys(references))
        for start in range(0, len(entities), ENTITIES_PER_REQUEST):
            some = entities[start : start + ENTITIES_PER_REQUEST]
            answer = self._answer(
                {
                    "features": [f"{view}:{feature}" for view, feature in wanted],
                    "entities": {self._store.entity: some},
                    "full_feature_names": True,
                }
            )
            try:
                values = _read(answer, self._store.entity, some, wanted)
            except (LookupError, TypeError, ValueError):
                raise OnlineStoreUnavailable(
                    f"What the online store {self._store.name} answers is not what was asked for."
                ) from None
            found |= zip(some, values, strict=True)
        return found

    def _answer(self, body: dict[str, Any]) -> Any:
        try:
            answer = self._http.post("get-online-features", json=body)
        except httpx.HTTPError as error:
            raise OnlineStoreUnavailable(
                f"The online store {self._store.name} does not answer: {type(error).__name__}."
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise OnlineStoreUnavailable(
                f"The online store {self._store.name} answers with {answer.status_code}."
            )
        try:
            return answer.json()
        except ValueError:
            return None


def _read(
    answer: Any, entity: str, asked: Sequence[str], wanted: Sequence[tuple[str, str]]
) -> Sequence[Values]:
    """The values of n entities in the order in which they were asked for.

    Raises LookupError, TypeError or ValueError where something is not as it should be.

    The server answers by feature and in an order of its own, which `metadata` tells.
    """
    names = answer["metadata"]["feature_names"]
    columns = dict(zip(names, answer["results"], strict=True))
    if len(columns) < len(names):
        raise ValueError("Two columns have one name.")
    if columns[entity]["values"] != asked:
        raise ValueError("The values are of others, or in another order.")
    values: list[dict[tuple[str, str], OnlineValue]] = [{} for _ in asked]
    for view, feature in wanted:
        column = columns[f"{view}__{feature}"]
        parts = (column[key] for key in ("values", "statuses", "event_timestamps"))
        for one, value, status, event_at in zip(values, *parts, strict=True):
            one[view, feature] = _value(value, status, event_at)
    return values


def _value(value: Any, status: str, event_timestamp: str) -> OnlineValue:
    if status not in STATUSES:
        raise ValueError("Not a status that Feast documents.")
    if status != "PRESENT":
        value = None
    moment = datetime.fromisoformat(event_timestamp)
    if moment.tzinfo is None or (moment == NO_ROW and value is not None):
        raise ValueError("Nobody can say how old the value is.")
    event_at = None if moment == NO_ROW or status == "NOT_FOUND" else moment
    return OnlineValue(value, event_at, status == "OUTSIDE_MAX_AGE")
