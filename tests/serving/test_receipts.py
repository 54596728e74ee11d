"""A receipt is checked with the log's public key alone: nothing of ours is used to check it here."""

import base64
import hashlib
from datetime import datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.key_making import install_producer, prepare_producer
from audit.keys import log_vkey
from audit.models import Entry
from serving.models import Decision
from tests.conftest import ORIGIN
from tests.serving.builders import an_application

pytestmark = pytest.mark.django_db


def public_key(vkey):
    """Name, the four bytes that name the key, and the key, of `name+hash+base64(0x01 || key)`."""
    name, key_hash, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded)
    assert raw[0] == 1, "not Ed25519"
    named = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    assert named.hex() == key_hash
    return name, named, Ed25519PublicKey.from_public_bytes(raw[1:])


def check_receipt(receipt, decided_at, log_key):
    """Raises unless the log's key vouches for the key that signed the receipt, for that time."""
    text, _, signatures = receipt["delegation"].partition("\n\n")
    name, named, key = public_key(log_key)
    [line] = [line for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    signature = base64.b64decode(line.split(" ")[2])
    assert signature[:4] == named
    key.verify(signature[4:], f"{text}\n".encode())

    header, producer, not_before, not_after, origin = text.split("\n")
    assert header == "credence-delegation/v1"
    assert origin == name
    assert receipt["key_id"] == "+".join(producer.split("+", 2)[:2])
    assert moment(not_before) <= moment(decided_at) <= moment(not_after)
    message = f"credence-receipt/v1\n{origin}\n{receipt['entry_id']}\n{receipt['leaf_hash']}\n{decided_at}\n"
    public_key(producer)[2].verify(base64.b64decode(receipt["signature"]), message.encode())


def moment(text):
    return datetime.fromisoformat(text)


def test_a_receipt_is_good_by_the_public_key_of_the_log_alone(decide_over_http):
    answer = decide_over_http(an_application()).json()

    check_receipt(answer["receipt"], answer["decided_at"], log_vkey())


def test_a_receipt_names_the_entry_and_its_leaf(decide_over_http):
    answer = decide_over_http(an_application()).json()

    entry = Entry.objects.get(pk=answer["receipt"]["entry_id"])
    assert Decision.objects.get(pk=answer["decision_id"]).entry == entry
    leaf = hashlib.sha256(b"\x00" + bytes(entry.body)).digest()
    assert base64.b64decode(answer["receipt"]["leaf_hash"]) == leaf


@pytest.mark.parametrize("part", ["entry_id", "leaf_hash", "decided_at"])
def test_a_receipt_with_anything_changed_is_no_receipt(decide_over_http, part):
    answer = decide_over_http(an_application()).json()
    other = decide_over_http(an_application()).json()
    receipt, decided_at = answer["receipt"], answer["decided_at"]
    if part == "decided_at":
        decided_at = other["decided_at"]
    else:
        receipt = receipt | {part: other["receipt"][part]}

    with pytest.raises(InvalidSignature):
        check_receipt(receipt, decided_at, log_vkey())


def test_an_old_receipt_is_read_back_as_it_was_after_the_key_was_replaced(
    decide_over_http, client_of_lending, settings, tmp_path
):
    import shutil

    own = tmp_path / "keys"
    shutil.copytree(settings.CREDENCE_KEYS, own)
    settings.CREDENCE_KEYS = own
    before = decide_over_http(an_application()).json()
    install_producer(prepare_producer(ORIGIN, datetime.fromisoformat(before["decided_at"])))

    again = client_of_lending.get(f"/api/v1/decisions/{before['decision_id']}").json()
    after = decide_over_http(an_application()).json()

    assert again == before
    assert after["receipt"]["key_id"] != before["receipt"]["key_id"]
    check_receipt(again["receipt"], again["decided_at"], log_vkey())
