"""The proof of a decision, checked with hashes alone and the log's public key."""

import base64
import hashlib
import subprocess
import sys

import pytest

from audit import verify
from audit.actions.keys import open_log
from audit.keys import log_vkey
from audit.models import Entry
from audit.sequencer import seal
from audit.trust import policy_text
from tests.serving.builders import a_champion, a_decision
from tests.serving.test_receipts import public_key

pytestmark = pytest.mark.django_db

LOG = "credence.test/proofs/2026"


@pytest.fixture
def own_log(settings, tmp_path, operator):
    """A log of this test's own, so that it can be sealed."""
    for name in ("VAR", "KEYS", "STORE", "ARCHIVE"):
        setattr(settings, f"CREDENCE_{name}", tmp_path / name.lower())
    open_log(LOG, by=operator)


@pytest.fixture
def decision_path(own_log, lending):
    decision = a_decision(a_champion(), by=lending)
    return f"/api/v1/decisions/{decision.pk}/proof"


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    place, last, root = index, size - 1, leaf
    for sibling in path:
        assert last > 0
        if place % 2 or place == last:
            root = hashlib.sha256(b"\x01" + sibling + root).digest()
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\x01" + root + sibling).digest()
        place, last = place >> 1, last >> 1
    assert last == 0
    return root


def test_a_sealed_decision_is_proved_by_hashes_and_the_public_key_alone(
    decision_path, client_of_lending
):
    a_decision(a_champion())
    seal()

    response = client_of_lending.get(decision_path)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    head, checkpoint = response.content.decode().split("\n\n", 1)
    header, index, *path = head.split("\n")
    assert header == "c2sp.org/tlog-proof@v1"
    text, _, signatures = checkpoint.partition("\n\n")
    name, named, key = public_key(log_vkey())
    lines = [line.split(" ") for line in signatures.splitlines()]
    assert {line[1] for line in lines} == {name}
    [signature] = [s for line in lines if (s := base64.b64decode(line[2])).startswith(named)]
    key.verify(signature[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")[:3]
    assert origin == LOG
    entry = Entry.objects.filter(event="serving.decision.made").earliest("id")
    leaf = hashlib.sha256(b"\x00" + bytes(entry.body)).digest()
    place = int(index.removeprefix("index "))
    assert root_of(leaf, place, int(size), [base64.b64decode(h) for h in path]) == (
        base64.b64decode(root)
    )


def test_a_decision_that_waits_for_its_seal_says_when_to_ask_again(
    decision_path, client_of_lending
):
    response = client_of_lending.get(decision_path)

    assert response.status_code == 202
    assert response.headers["Retry-After"] == "1"


def test_whatever_a_client_accepts_it_gets_the_proof(decision_path, client_of_lending):
    seal()

    response = client_of_lending.get(decision_path, headers={"Accept": "text/plain"})

    assert response.status_code == 200


def test_an_auditor_may_prove_what_another_client_asked_for(decision_path, auditor, signed_in):
    seal()

    assert signed_in(auditor).get(decision_path).status_code == 200


def test_another_client_may_not(decision_path, administrator, signed_in):
    assert signed_in(administrator).get(decision_path).status_code == 403


def test_the_offline_verifier_accepts_the_proof_and_the_receipt_of_a_decision(
    decision_path, client_of_lending, tmp_path
):
    """As the applicant's lawyer would: the answer, its proof, and a policy file; none of our software."""
    seal()
    answer = client_of_lending.get(decision_path.removesuffix("/proof"))
    proof = client_of_lending.get(decision_path)
    (tmp_path / "decision.json").write_bytes(answer.content)
    (tmp_path / "p.tlog-proof").write_bytes(proof.content)
    (tmp_path / "policy").write_text(policy_text())
    leaf = answer.json()["receipt"]["leaf_hash"]
    given = ["--policy", tmp_path / "policy"]

    for arguments in (
        ["verify-proof", tmp_path / "p.tlog-proof", "--leaf-hash", leaf, *given],
        [
            "verify-receipt",
            tmp_path / "decision.json",
            "--proof",
            tmp_path / "p.tlog-proof",
            *given,
        ],
    ):
        command = [sys.executable, "-I", verify.__file__, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
