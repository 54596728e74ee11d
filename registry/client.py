"""Reports a training that runs outside of Credence, over its REST API. One file, which needs httpx and nothing of Credence.

    from client import connect

    registry = connect("https://credence.example", token)
    with registry.run(model="loans", dataset=3, seed=7) as run:
        run.log_params(C=0.5)
        run.log_metric("auc", 0.81)
        run.log_model(estimator)

A block that ends well hands the model in to be measured by the service; one that raises ends the run as failed, with
the exception's type. Everything is sent with a key of its own, so that what is sent again counts once.
`python client.py --help` does the same from a shell.
"""

import argparse
import csv
import json
import math
import os
import secrets
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

TRIES = 6
FIRST_WAIT = 0.25  # seconds; doubled at each try
MOST_WAITING = 500  # values kept back before they are sent
TIMEOUT = httpx.Timeout(120, connect=10)
TRY_AGAIN = {429, 502, 503, 504}
MISSING_CATEGORY = "(missing)"  # how the service calls the column of values that are not known


class RegistryError(Exception):
    """The service refused, or could not be reached. `type` is the problem's stable name, `status` the HTTP status."""

    def __init__(self, detail: str, type: str = "unreachable", status: int = 0) -> None:
        super().__init__(detail)
        self.type = type
        self.status = status


class RunFailed(RegistryError):
    """The model was handed in, and the service could not measure it."""


def connect(url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> "Registry":
    """A line to the service at `url`; `token` is an API token of a person who may report runs."""
    return Registry(url, token, transport)


class Registry:
    """The service, as one person sees it."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Token {token}", "Accept": "application/json"},
            timeout=TIMEOUT,
            transport=transport,
        )

    def run(
        self,
        model: str,
        dataset: int | str,
        *,
        seed: int | None = None,
        holdout_share: float = 0.3,
        code_revision: str | None = None,
        tags: Mapping[str, str] | None = None,
        wait_seconds: float = 600,
    ) -> "OutsideRun":
        """A run of `model` on a registered data set (its number or SHA-256), opened by `with`.

        Without a seed one is drawn; without a revision the one of git is taken where there is git. `wait_seconds`: how
        long the end of the block waits for the service to measure the model; 0 does not wait.
        """
        opening = {
            "key": str(uuid.uuid4()),
            "model": model,
            "dataset": str(dataset),
            "seed": secrets.randbelow(2**31) if seed is None else seed,
            "holdout_share": holdout_share,
            "code_revision": git_revision() if code_revision is None else code_revision,
            "environment": environment(),
        }
        return OutsideRun(self, opening, dict(tags or {}), wait_seconds)

    def compare(self, *runs: str) -> dict[str, Any]:
        """Two to five runs side by side."""
        return self.send("GET", "runs/compare", params=[("run", run) for run in runs])

    def send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to one request, which is sent again where the line or the service failed.

        Raises RegistryError.
        """
        wait = FIRST_WAIT
        for tries_left in reversed(range(TRIES)):
            try:
                answer = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                if not tries_left:
                    raise RegistryError(f"{type(error).__name__}: {error}") from error
            else:
                if answer.is_success:
                    document: dict[str, Any] = answer.json()
                    return document
                refused = _refusal(answer)
                passing = answer.status_code in TRY_AGAIN or refused.type == "overtaken"
                if not tries_left or not passing:
                    raise refused
            time.sleep(wait)
            wait *= 2
        raise AssertionError("unreachable")


class OutsideRun:
    """One run: open within its `with` block, frozen after it."""

    def __init__(
        self, registry: Registry, opening: dict[str, Any], tags: dict[str, str], wait: float
    ) -> None:
        self._registry = registry
        self._opening = opening
        self._wait = wait
        self._said: dict[str, Any] = {"params": {}, "tags": tags, "metrics": []}
        self.record: dict[str, Any] = {}
        """What the service last answered about the run."""

    def __enter__(self) -> "OutsideRun":
        self.record = self._registry.send("POST", "runs/outside", json=self._opening)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._end_failed(error)
            return
        try:
            self.flush()
        except RegistryError as problem:
            self._end_failed(problem)
            raise
        self.record |= self._send("POST", "end", json={"error": ""})
        self._wait_until_measured()

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def seed(self) -> int:
        return int(self._opening["seed"])

    @property
    def status(self) -> str:
        """open, queued, running, succeeded or failed, as last heard."""
        return str(self.record["status"])

    @property
    def metrics(self) -> dict[str, Any]:
        """What the service measured of the model, once it did."""
        measured: dict[str, Any] = self.record["metrics"]
        return measured

    def log_params(self, **params: str | float | bool | None) -> None:
        """What the training was asked for. A name keeps its first value: another is refused."""
        self._said["params"] |= {name: _plain(value) for name, value in params.items()}
        self._send_when_many()

    def log_tags(self, **tags: str) -> None:
        self._said["tags"] |= tags
        self._send_when_many()

    def log_metric(self, name: str, value: float, step: int = 0) -> None:
        """What you measured yourself. The service shows it as reported, beside what it measures."""
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"The metric {name} is {number}, which is no number to compare.")
        self._said["metrics"].append({"name": name, "value": number, "step": int(step)})
        self._send_when_many()

    def log_importance(self, **features: float) -> None:
        """How much each feature counts, on any scale; the service draws it."""
        self._report({"importance": {name: float(value) for name, value in features.items()}})

    def log_scores(
        self,
        bad: Iterable[int],
        pd: Iterable[float],
        *,
        threshold: float = 0.5,
        sample: str = "holdout",
    ) -> None:
        """Labels (1 where bad) and probabilities of bad of the same applications.

        From them the service draws the ROC curve, the calibration and the confusion matrix at the threshold.
        """
        scores = {
            "bad": [int(label) for label in bad],
            "pd": [float(value) for value in pd],
            "threshold": threshold,
            "sample": sample,
        }
        self._report({"scores": scores})

    def log_model(self, model: Any) -> None:
        """The trained model: an estimator, or the path or bytes of a file in a format without pickle.

        scikit-learn goes as skops, LightGBM and XGBoost in their own formats. A pickle or joblib file is refused.
        """
        headers = {"Content-Type": "application/octet-stream"}
        self._send("PUT", "artefact", content=model_bytes(model), headers=headers)

    def split(self) -> tuple[list[str], list[str]]:
        """The ids of the rows to train on, and of those that the service holds out and will measure on."""
        found = self._registry.send("GET", f"runs/{self.id}/split")
        return found["in_sample"], found["held_out"]

    def matrix(self, table: Any) -> Any:
        """float64 (n, p): the columns that the model must take, from n values by feature (a data frame, a dict)."""
        import numpy as np

        columns = [_column(table[at["feature"]], at["category"]) for at in self.record["columns"]]
        return np.array(columns, dtype=np.float64).T

    def flush(self) -> None:
        """Send what was kept back."""
        said = {name: value for name, value in self._said.items() if value}
        self._said = {"params": {}, "tags": {}, "metrics": []}
        if said:
            self._report(said)

    def _send_when_many(self) -> None:
        if sum(map(len, self._said.values())) >= MOST_WAITING:
            self.flush()

    def _report(self, said: dict[str, Any]) -> None:
        self._send("POST", "reports", json={"key": str(uuid.uuid4()), **said})

    def _send(self, method: str, what: str, **request: Any) -> dict[str, Any]:
        return self._registry.send(method, f"runs/{self.id}/{what}", **request)

    def _end_failed(self, error: BaseException) -> None:
        """The exception goes on its way whatever becomes of the report. Only its type is sent: its text may name people."""
        try:
            self.flush()
        except RegistryError as problem:
            error.add_note(f"What was kept back could not be reported: {problem}")
        try:
            self.record |= self._send("POST", "end", json={"error": type(error).__name__})
        except RegistryError as problem:
            error.add_note(f"The run {self.id} could not be ended as failed: {problem}")

    def _wait_until_measured(self) -> None:
        until = time.monotonic() + self._wait
        while self.status in ("queued", "running") and time.monotonic() < until:
            time.sleep(min(1.0, self._wait / 10))
            self.record |= self._registry.send("GET", f"runs/{self.id}")
        if self.status == "failed":
            raise RunFailed(str(self.record["error"]), "run-failed")


def environment() -> dict[str, Any]:
    """Python and every installed package with its version."""
    packages = {f"{found.name}=={found.version}" for found in metadata.distributions()}
    return {"python": ".".join(map(str, sys.version_info[:3])), "packages": sorted(packages)}


def git_revision() -> str:
    """The revision checked out here, with `+changes` where files differ from it; empty where there is no git."""
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        revision = _git(git, "rev-parse", "HEAD")
        changed = _git(git, "status", "--porcelain", "--untracked-files=no")
    except (subprocess.SubprocessError, OSError):
        return ""
    return f"{revision}+changes" if changed else revision


def model_bytes(model: Any) -> bytes:
    """The file of a model: given as bytes or by its path, or made from an estimator without pickle."""
    if isinstance(model, bytes):
        return model
    if isinstance(model, str | Path):
        return Path(model).read_bytes()
    library = type(model).__module__.partition(".")[0]
    if library == "lightgbm":
        text: str = getattr(model, "booster_", model).model_to_string()
        return text.encode()
    if library == "xgboost":
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        return bytes(booster.save_raw("json"))
    import skops.io

    data: bytes = skops.io.dumps(model)
    return data


def _git(git: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  fixed arguments, no shell
        [git, *arguments], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


def _plain(value: Any) -> Any:
    """A value of NumPy as one of Python."""
    return value.item() if hasattr(value, "item") else value


def _column(values: Iterable[Any], category: str | None) -> list[float]:
    if category is None:
        return [math.nan if value is None else float(value) for value in values]
    if category == MISSING_CATEGORY:
        return [float(value is None or value != value) for value in values]
    return [float(value == category) for value in values]


def _refusal(answer: httpx.Response) -> RegistryError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    fields = [f"{one['field']}: {one['detail']}" for one in problem.get("errors") or ()]
    detail = problem.get("detail") or f"The service answered {answer.status_code}."
    kind = str(problem.get("type", "")).rpartition("/")[2]
    return RegistryError("\n".join([detail, *fields]), kind, answer.status_code)


def main(words: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(words)
    if not options.url or not options.token:
        sys.exit(
            "Name the service with --url and CREDENCE_TOKEN, or CREDENCE_URL and CREDENCE_TOKEN."
        )
    registry = connect(options.url, options.token)
    try:
        found = options.do(registry, options)
    except RegistryError as error:
        print(f"Refused ({error.type}): {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="client.py",
        description="Report a run that was trained outside of Credence. The token is read from CREDENCE_TOKEN.",
    )
    parser.add_argument("--url", default=os.environ.get("CREDENCE_URL"))
    parser.set_defaults(token=os.environ.get("CREDENCE_TOKEN"))
    commands = parser.add_subparsers(required=True)
    report = commands.add_parser("report", help="report one finished training")
    report.add_argument("model")
    report.add_argument("dataset", help="number or SHA-256 of a registered data set")
    report.add_argument("--seed", type=int)
    report.add_argument("--holdout-share", type=float, default=0.3)
    for name in ("param", "metric", "tag"):
        report.add_argument(f"--{name}", action="append", default=[], metavar="NAME=VALUE")
    report.add_argument("--scores", type=Path, help="CSV with the columns bad and pd")
    report.add_argument("--threshold", type=float, default=0.5)
    report.add_argument("--artefact", type=Path, help="skops, LightGBM text or XGBoost JSON")
    report.set_defaults(do=_report_command)
    compare = commands.add_parser("compare", help="two to five runs side by side")
    compare.add_argument("runs", nargs="+", metavar="RUN")
    compare.set_defaults(do=lambda registry, options: registry.compare(*options.runs))
    show = commands.add_parser("show", help="one run")
    show.add_argument("run")
    show.set_defaults(do=lambda registry, options: registry.send("GET", f"runs/{options.run}"))
    return parser


def _report_command(registry: Registry, options: argparse.Namespace) -> dict[str, Any]:
    with registry.run(
        options.model,
        options.dataset,
        seed=options.seed,
        holdout_share=options.holdout_share,
        tags=dict(_pair(word) for word in options.tag),
    ) as run:
        run.log_params(**{name: _read(value) for name, value in map(_pair, options.param)})
        for name, value in map(_pair, options.metric):
            run.log_metric(name, float(value))
        if options.scores:
            with options.scores.open(newline="") as file:
                rows = list(csv.DictReader(file))
            run.log_scores(
                [int(row["bad"]) for row in rows],
                [float(row["pd"]) for row in rows],
                threshold=options.threshold,
            )
        if options.artefact:
            run.log_model(options.artefact)
    return run.record


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        sys.exit(f"{word!r} is not NAME=VALUE.")
    return name, value


def _read(text: str) -> str | float | bool | None:
    """A number, true, false or null where the text is one, else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool | None) else text


if __name__ == "__main__":
    sys.exit(main())
