"""A witness over HTTP, asked by our own client and by hand: every status, on both sides."""

import socket
import time
from collections.abc import Callable
from hashlib import sha256

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.notes import Cosigner, NoteSigner, open_note, parse_vkey, sign_note
from audit.tiles import CheckpointBody
from audit.witness import server as witness_server
from audit.witness.client import Answer, Cosigned, Failed, KnowsSize, RefusedProof, ask
from audit.witness.protocol import AddCheckpoint
from audit.witness.store import WitnessStore
from tests.audit.witness.conftest import ORIGIN, GrowingLog

Serve = Callable[[WitnessStore], str]


def post(url: str, body: bytes, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/add-checkpoint", content=body, headers=headers)


def asked(url: str, request: AddCheckpoint, store: WitnessStore) -> Answer:
    with httpx.Client(timeout=5) as http:
        return ask(http, url, request, [parse_vkey(store.vkeys[0])], time.time())


def test_a_checkpoint_is_cosigned_over_http(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    response = post(serve(store), grown.request(0, 7).encode())

    assert response.status_code == 200
    open_note(grown.checkpoint(7) + response.text, [parse_vkey(store.vkeys[0])])


@pytest.mark.parametrize("prefix", ["", "/"])
def test_our_client_takes_the_cosignature_and_verifies_it(
    store: WitnessStore, grown: GrowingLog, serve: Serve, prefix: str
) -> None:
    answer = asked(serve(store) + prefix, grown.request(0, 7), store)

    assert isinstance(answer, Cosigned)
    ((line, signature),) = answer.lines.items()
    assert line.startswith("— witness.example/w1 ")
    assert signature.kind == 4


def test_a_conflict_says_the_size_in_a_type_of_its_own(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    url = serve(store)
    store.cosign(grown.request(0, 7))

    response = post(url, grown.request(3, 9).encode())

    assert (response.status_code, response.text) == (409, "7\n")
    assert response.headers["Content-Type"] == "text/x.tlog.size"
    assert asked(url, grown.request(3, 9), store) == KnowsSize(7)


def test_a_rewritten_log_is_refused_with_422(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    url = serve(store)
    store.cosign(grown.request(0, 7))
    rewritten = GrowingLog(differs_from=2).request(7, 9)

    assert post(url, rewritten.encode()).status_code == 422
    assert isinstance(asked(url, rewritten, store), RefusedProof)


def test_an_unknown_log_is_404_and_an_untrusted_signature_403_and_nonsense_400(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    url = serve(store)
    stranger = NoteSigner("other.example", Ed25519PrivateKey.generate())
    unknown = sign_note(CheckpointBody("other.example", 3, bytes(32)).text, [stranger])
    forged = sign_note(grown.body(7).text, [NoteSigner(ORIGIN, Ed25519PrivateKey.generate())])

    for status, body in (
        (404, AddCheckpoint(0, (), unknown).encode()),
        (403, AddCheckpoint(0, (), forged).encode()),
        (400, AddCheckpoint(9, (), grown.checkpoint(7)).encode()),
        (400, b"what is this"),
    ):
        assert post(url, body).status_code == status
    answer = asked(url, AddCheckpoint(0, (), unknown), store)
    assert answer == Failed("it answered 404: This witness does not watch other.example.")


def test_monitors_fetch_the_newest_cosigned_checkpoint(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    url, name = serve(store), sha256(ORIGIN.encode()).hexdigest()
    assert httpx.get(f"{url}/{name}/checkpoint").status_code == 404
    store.cosign(grown.request(0, 7))
    store.cosign(grown.request(7, 40))

    response = httpx.get(f"{url}/{name}/checkpoint")

    opened = open_note(response.text, [grown.verifier, parse_vkey(store.vkeys[0])])
    assert opened.text == grown.body(40).text
    assert len(opened.signatures) == 2


@pytest.mark.parametrize(
    "path", ["/", "/checkpoint", f"/{'0' * 64}/checkpoint", "/../witness.key", "/logs/x/checkpoint"]
)
def test_nothing_else_is_to_be_had(store: WitnessStore, serve: Serve, path: str) -> None:
    assert httpx.get(serve(store) + path).status_code == 404


def test_a_body_without_a_length_or_beyond_the_limit_is_not_read(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    url = serve(store)

    assert post(url, b"x" * 300_001).status_code == 400
    chunked = httpx.post(f"{url}/add-checkpoint", content=iter([b"old 0\n", b"\n"]))
    assert chunked.status_code == 400
    assert post(url, grown.request(0, 7).encode()).status_code == 200


def test_one_connection_carries_many_requests(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    with httpx.Client(base_url=serve(store)) as http:
        for old, new in ((0, 7), (7, 9), (9, 40)):
            request = grown.request(old, new).encode()
            assert http.post("/add-checkpoint", content=request).status_code == 200


def test_whoever_says_nothing_is_hung_up_on(
    store: WitnessStore, grown: GrowingLog, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_server._Handler, "timeout", 0.2)
    url = httpx.URL(serve(store))

    with socket.create_connection((url.host, url.port or 0), timeout=5) as silent:
        silent.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 10\r\n\r\nold")
        assert silent.recv(1000) == b""
    assert post(str(url), grown.request(0, 7).encode()).status_code == 200


def test_more_connections_than_it_takes_are_closed_and_the_rest_are_served(
    store: WitnessStore, grown: GrowingLog, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_server, "AT_ONCE", 2)
    url = httpx.URL(serve(store))
    held = [socket.create_connection((url.host, url.port or 0), timeout=5) for _ in range(2)]
    time.sleep(0.2)

    with pytest.raises(httpx.TransportError):
        post(str(url), grown.request(0, 7).encode())
    for connection in held:
        connection.close()
    time.sleep(0.2)

    assert post(str(url), grown.request(0, 7).encode()).status_code == 200


class Liar(WitnessStore):
    """A server that answers 200 with whatever it is told to."""

    def __init__(self, lines: str) -> None:
        self._says = lines

    def cosign(self, request: AddCheckpoint) -> str:
        return self._says


def a_line(grown: GrowingLog, store: WitnessStore, *, size: int = 7, time: int = 1000) -> str:
    return Cosigner("witness.example/w1", store._cosigners[0].private_key).line(
        grown.body(size).text, time
    )


def test_a_cosignature_that_is_not_good_is_not_taken(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    stranger = Cosigner("stranger.example", Ed25519PrivateKey.generate())
    for lines, said in (
        ("", "cannot|not good"),
        ("thank you\n", "not good"),
        (a_line(grown, store, size=8), "not good"),
        (stranger.line(grown.body(7).text, 1000), "none of the keys"),
        (a_line(grown, store, time=int(time.time()) + 3600), "clock is ahead"),
        ("x" * 200_000, "longer"),
    ):
        answer = asked(serve(Liar(lines)), grown.request(0, 7), store)

        assert isinstance(answer, Failed)
        assert any(part in answer.detail for part in said.split("|")), answer


def test_lines_of_strangers_beside_a_good_one_are_passed_over(
    store: WitnessStore, grown: GrowingLog, serve: Serve
) -> None:
    stranger = Cosigner("stranger.example", Ed25519PrivateKey.generate())
    good = a_line(grown, store)

    answer = asked(
        serve(Liar(stranger.line(grown.body(7).text, 1000) + good)), grown.request(0, 7), store
    )

    assert isinstance(answer, Cosigned)
    assert list(answer.lines) == [good]


def test_a_witness_that_is_not_there_is_a_failure_and_no_exception(
    store: WitnessStore, grown: GrowingLog
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    for url in (f"http://127.0.0.1:{port}", "http://[", "nonsense", "ftp://127.0.0.1/"):
        answer = asked(url, grown.request(0, 7), store)
        assert isinstance(answer, Failed)
        assert "did not answer" in answer.detail
