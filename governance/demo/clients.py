"""How the people of the demo reach the service: over HTTP, as themselves."""

import html
import re
import time
from collections.abc import Callable
from typing import Any

import httpx

from governance import env

POLL_SECONDS = 0.5
WAIT_SECONDS = 600


class UnexpectedAnswer(Exception):
    """The service answered otherwise than the story says it must."""


class Rest:
    """One person's (or system's) token at the REST API."""

    def __init__(self, base: str, name: str, token: str) -> None:
        self.name = name
        headers = {"Authorization": f"Token {token}"}
        self._client = httpx.Client(base_url=f"{base}/api/v1/", headers=headers, timeout=120)

    def get(self, path: str, *, expect: int = 200) -> Any:
        return self._answer(self._client.get(path), expect)

    def post(self, path: str, body: Any = None, *, expect: int = 201, **options: Any) -> Any:
        return self._answer(self._client.post(path, json=body, **options), expect)

    def send_files(
        self, path: str, fields: dict[str, str], files: dict[str, tuple[str, bytes]]
    ) -> Any:
        return self._answer(self._client.post(path, data=fields, files=files), 201)

    def download(self, path: str) -> bytes:
        response = self._client.get(path)
        self._require(response, 200)
        return response.content

    def wait(
        self, path: str, done: Callable[[Any], bool], what: str, alive: Callable[[], None]
    ) -> Any:
        """Ask until `done` holds. `alive` raises where the work cannot finish any more."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            answer = self.get(path)
            if done(answer):
                return answer
            alive()
            time.sleep(POLL_SECONDS)
        raise UnexpectedAnswer(
            f"{what} did not happen within {WAIT_SECONDS} seconds; last answer: {answer}"
        )

    def _answer(self, response: httpx.Response, expect: int) -> Any:
        self._require(response, expect)
        return response.json() if response.content else None

    def _require(self, response: httpx.Response, expect: int) -> None:
        if response.status_code != expect:
            request = response.request
            raise UnexpectedAnswer(
                f"{self.name}: {request.method} {request.url.path} answered {response.status_code}, "
                f"not {expect}: {response.text[:2000]}"
            )


class Browser:
    """One person's session in the admin: pages are fetched and their forms are sent, as a browser does."""

    def __init__(self, base: str, name: str) -> None:
        self.name = name
        self._client = httpx.Client(base_url=base, timeout=60, headers={"Referer": f"{base}/"})
        password = env.text(env.password_variable(name))
        page = self.send("/login/?next=/", {"username": name, "password": password})
        if "/login/" in page.url.path:
            raise UnexpectedAnswer(f"{name} could not sign in.")

    def send(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """Open the page with the form, and send the form with these fields. Returns the page that follows."""
        self._require(self._client.get(path, follow_redirects=True))
        form = {"csrfmiddlewaretoken": self._client.cookies["csrftoken"], **fields}
        response = self._client.post(path, data=form, follow_redirects=True)
        if response.status_code >= 500:
            self._require(response)
        return response

    def act(self, path: str, **fields: str) -> str:
        """Press a button that must succeed. Returns the message that the person sees."""
        response = self.send(path, fields)
        self._require(response)
        if 'data-outcome="refused"' in response.text:
            raise UnexpectedAnswer(f"{self.name}: {path} was refused: {_message(response.text)}")
        return _message(response.text)

    def refused(self, path: str, **fields: str) -> str:
        """Press a button that must be refused. Returns the message that the person sees."""
        response = self.send(path, fields)
        if response.status_code < 400 and 'data-outcome="refused"' not in response.text:
            raise UnexpectedAnswer(f"{self.name}: {path} was not refused.")
        return _message(response.text)

    def _require(self, response: httpx.Response) -> None:
        if response.status_code >= 400:
            raise UnexpectedAnswer(
                f"{self.name}: {response.request.url.path} answered {response.status_code}."
            )


def _message(page: str) -> str:
    """The text of the element that carries the outcome of an act."""
    found = re.search(r'data-outcome="[a-z]+"[^>]*>(.*?)</', page, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).split()) if found else ""
