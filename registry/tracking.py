"""An MLflow tracking server, over its REST API 2.0 and its proxy of artefacts: nothing of MLflow is installed.

https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from registry.errors import TrackingMalformed, TrackingRefused

API = "api/2.0/mlflow/"
PROXY = "mlflow-artifacts"  # scheme of what the server itself hands out, and its route
LARGEST_FILE = 256 * 2**20
MOST_POINTS = 25_000  # of one metric's history
TIMEOUT = httpx.Timeout(60, connect=10)


class TrackingServer:
    """One server. Every method raises TrackingRefused where it does not answer as asked."""

    def __init__(self, uri: str, token: str = "") -> None:
        if urlsplit(uri).scheme not in ("http", "https"):
            raise TrackingMalformed("A tracking server is named by an http or https address.")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.uri = uri.rstrip("/")
        self._http = httpx.Client(base_url=f"{self.uri}/", headers=headers, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def run(self, run_id: str) -> dict[str, Any]:
        """`info` and `data` of a run."""
        found: dict[str, Any] = self._get("runs/get", run_id=run_id)["run"]
        return found

    def history(self, run_id: str, metric: str) -> list[dict[str, Any]]:
        """Every value of a metric with its step."""
        found = self._get(
            "metrics/get-history", run_id=run_id, metric_key=metric, max_results=MOST_POINTS
        )
        points: list[dict[str, Any]] = found.get("metrics", [])
        return points

    def model_version(self, name: str, version: str) -> dict[str, Any]:
        """A registered version, by its number or `@alias`."""
        if version.startswith("@"):
            return self._version("registered-models/alias", name=name, alias=version[1:])
        return self._version("model-versions/get", name=name, version=version)

    def files_of_version(self, name: str, version: str) -> str:
        """Where the files of a registered version are, as the server names it."""
        found = self._get("model-versions/get-download-uri", name=name, version=version)
        return str(found["artifact_uri"])

    def file(self, folder: str, path: str) -> bytes:
        """The bytes of one file below a folder that the server hands out itself.

        Raises TrackingMalformed where the folder lies elsewhere, or the file is too large.
        """
        parts = urlsplit(folder)
        if parts.scheme != PROXY:
            raise TrackingMalformed(
                f"The artefacts lie at {parts.scheme or 'a path'}, not with the server. Start it with"
                " --artifacts-destination, or hand the file in with registry.client."
            )
        name = quote(f"{parts.path.strip('/')}/{path}")
        with self._sent("GET", f"api/2.0/{PROXY}/artifacts/{name}") as answer:
            data = b""
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > LARGEST_FILE:
                    raise TrackingMalformed(f"The file {path} is larger than 256 MiB.")
        return data

    def set_tag(self, name: str, version: str, key: str, value: str) -> None:
        body = {"name": name, "version": version, "key": key, "value": value}
        self._answer("POST", f"{API}model-versions/set-tag", json=body)

    def set_alias(self, name: str, version: str, alias: str) -> None:
        body = {"name": name, "version": version, "alias": alias}
        self._answer("POST", f"{API}registered-models/alias", json=body)

    def drop_alias(self, name: str, version: str, alias: str) -> None:
        """Takes the alias away if it points to that version."""
        if alias in self.model_version(name, version).get("aliases", ()):
            # The server reads the parameters of a DELETE from its body alone.
            body = {"name": name, "alias": alias}
            self._answer("DELETE", f"{API}registered-models/alias", json=body)

    def _version(self, path: str, **params: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(path, **params)["model_version"]
        return found

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        return self._answer("GET", API + path, params=params)

    def _answer(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        with self._sent(method, path, **request) as answer:
            try:
                found = answer.read() and answer.json()
            except ValueError as error:
                raise TrackingRefused(f"{self.uri} answered {path} without JSON.") from error
        return found if isinstance(found, dict) else {}

    @contextmanager
    def _sent(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(method, path, **request) as answer:
                if not answer.is_success:
                    said = answer.read()[:500].decode(errors="replace")
                    raise TrackingRefused(
                        f"{self.uri} answered {path} with {answer.status_code}: {said}"
                    )
                yield answer
        except httpx.HTTPError as error:
            raise TrackingRefused(
                f"{self.uri} cannot be reached: {type(error).__name__}."
            ) from error
