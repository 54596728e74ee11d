import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.signing import SigningKey

from audit.notes import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    AmbiguousKey,
    BadNoteSignature,
    Cosigner,
    MalformedKey,
    MalformedNote,
    NoKnownSignature,
    NoteError,
    NoteSigner,
    Verifier,
    key_id,
    open_note,
    parse_vkey,
    sign_note,
    vkey,
)

SEED = bytes(range(32))
TEXT = "a.example/log\n7\nsome line\n"


def a_signer(name="a.example/log", seed=SEED):
    return NoteSigner(name, Ed25519PrivateKey.from_private_bytes(seed))


def test_every_reference_note_opens_under_its_key(vectors):
    for case in vectors("signed-notes")["notes"]:
        verifier = parse_vkey(case["vkey"])

        opened = open_note(case["note"], [verifier])

        assert verifier.vkey == case["vkey"]
        assert opened.text == case["note"].rpartition("\n\n")[0] + "\n"
        assert [s.kind for s in opened.signatures] == [case["type"]]


def test_reference_keys_that_must_be_refused_are_refused(vectors):
    for text in vectors("signed-notes")["bad_vkeys"]:
        with pytest.raises(MalformedKey):
            parse_vkey(text)


def test_our_signature_over_the_reference_text_is_the_reference_signature(vectors):
    signed = 0
    for case in vectors("signed-notes")["notes"]:
        if "test_seed_b64" not in case:
            continue
        seed = base64.b64decode(case["test_seed_b64"])[-32:]
        signer = a_signer(case["vkey"].split("+")[0], seed)
        signed += 1

        assert sign_note(case["note"].rpartition("\n\n")[0] + "\n", [signer]) == case["note"]
        assert signer.vkey == case["vkey"]
    assert signed


def test_no_shortened_or_altered_reference_key_parses(vectors):
    for case in vectors("signed-notes")["notes"]:
        text = case["vkey"]
        shorter = [text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)]
        altered = [text[:i] + chr(ord(c) + 1) + text[i + 1 :] for i, c in enumerate(text)]

        for bad in [t for t in shorter if t != text] + altered:
            with pytest.raises(MalformedKey):
                parse_vkey(bad)


def test_no_altered_byte_of_a_reference_note_opens(vectors):
    case = vectors("signed-notes")["notes"][0]
    note, verifier = case["note"].encode(), parse_vkey(case["vkey"])

    for position in range(len(note)):
        for bit in range(8):
            altered = bytearray(note)
            altered[position] ^= 1 << bit
            with pytest.raises(NoteError):
                open_note(bytes(altered), [verifier])


def test_a_note_verifies_with_another_implementation_of_ed25519():
    note = sign_note(TEXT, [a_signer()])

    line = note.rstrip("\n").rpartition("\n")[2]
    blob = base64.b64decode(line.split(" ")[2])

    SigningKey(SEED).verify_key.verify(TEXT.encode(), blob[4:])
    assert blob[:4] == key_id("a.example/log", a_signer().public)


def test_a_note_with_two_signers_names_those_that_are_known():
    first, second = a_signer(), a_signer("b.example", bytes(32))
    note = sign_note(TEXT, [first, second])

    assert [s.name for s in open_note(note, [parse_vkey(second.vkey)]).signatures] == ["b.example"]
    both = open_note(note.encode(), [parse_vkey(first.vkey), parse_vkey(second.vkey)])
    assert [s.name for s in both.signatures] == ["a.example/log", "b.example"]


def test_a_note_nobody_known_signed_is_refused():
    with pytest.raises(NoKnownSignature):
        open_note(sign_note(TEXT, [a_signer()]), [parse_vkey(a_signer(seed=bytes(32)).vkey)])


def test_one_bad_known_signature_spoils_a_note_that_another_signed_well():
    first, second = a_signer(), a_signer("b.example", bytes(32))
    good, bad = sign_note(TEXT, [first]), sign_note("other\n", [second])
    note = good + bad.rpartition("\n\n")[2]

    with pytest.raises(BadNoteSignature, match=r"b\.example"):
        open_note(note, [parse_vkey(first.vkey), parse_vkey(second.vkey)])


def test_the_signature_of_a_wrong_length_is_refused():
    blob = base64.b64encode(key_id("a.example/log", a_signer().public) + b"short").decode()

    with pytest.raises(BadNoteSignature, match="length"):
        open_note(f"{TEXT}\n— a.example/log {blob}\n", [parse_vkey(a_signer().vkey)])


def test_two_known_keys_with_the_same_name_and_id_are_refused():
    verifier = parse_vkey(a_signer().vkey)
    twin = Verifier(verifier.name, verifier.key_id, verifier.kind, bytes(32))

    with pytest.raises(AmbiguousKey):
        open_note(sign_note(TEXT, [a_signer()]), [verifier, twin])


def test_the_text_is_split_from_the_signatures_at_the_last_empty_line():
    text = "one\n\ntwo\n"

    assert open_note(sign_note(text, [a_signer()]), [parse_vkey(a_signer().vkey)]).text == text


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 a.example AAAAAAA=",
        b"text\n\nno dash AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 a.example\n",
        b"text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 a.example AAAA\n",
        b"text\n\n\xe2\x80\x94 a.example AAAAAAB=\n",
        b"te\txt\n\n\xe2\x80\x94 a.example AAAAAAA=\n",
        b"te\xffxt\n\n\xe2\x80\x94 a.example AAAAAAA=\n",
        b"x" * 1_000_000 + b"\n\n\xe2\x80\x94 a.example AAAAAAA=\n",
        b"text\n\n" + b"\xe2\x80\x94 a.example AAAAAAA=\n" * 101,
    ],
)
def test_bytes_that_are_no_note_are_refused(note):
    with pytest.raises(MalformedNote):
        open_note(note, [])


@pytest.mark.parametrize("text", ["", "no newline", "a tab\t\n", "a lone \ud800 surrogate\n"])
def test_a_text_that_could_not_be_read_back_is_not_signed(text):
    with pytest.raises(MalformedNote):
        sign_note(text, [a_signer()])


def test_a_note_without_a_signer_is_not_made():
    with pytest.raises(MalformedNote):
        sign_note(TEXT, [])


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\u00a0b", "a\nb"])
def test_a_name_that_a_signature_line_cannot_hold_makes_no_key(name):
    with pytest.raises(MalformedKey):
        vkey(name, a_signer().public)


CHECKPOINT = "a.example/log\n7\n" + base64.b64encode(bytes(32)).decode() + "\n"
AT = 1_700_000_000


def an_ml_dsa_signer(name="a.example/log", seed=SEED):
    return NoteSigner(name, MLDSA44PrivateKey.from_seed_bytes(seed))


def test_a_log_signs_its_checkpoint_with_both_algorithms_and_either_key_opens_it():
    classical, quantum = a_signer(), an_ml_dsa_signer()
    note = sign_note(CHECKPOINT, [classical, quantum], time=AT)

    for signer, kind, time in [(classical, ED25519, None), (quantum, ML_DSA_44, AT)]:
        opened = open_note(note, [parse_vkey(signer.vkey)])

        assert opened.text == CHECKPOINT
        assert [(s.kind, s.time) for s in opened.signatures] == [(kind, time)]


def test_an_ml_dsa_key_has_a_vkey_of_its_own_kind():
    signer = an_ml_dsa_signer()
    _, key, encoded = signer.vkey.split("+", 2)
    typed = base64.b64decode(encoded)

    assert (typed[0], len(typed)) == (6, 1 + 1312)
    assert key == hashlib.sha256(b"a.example/log\n" + typed).hexdigest()[:8]
    assert parse_vkey(signer.vkey).vkey == signer.vkey


@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE])
def test_a_key_of_the_wrong_length_for_its_kind_is_refused(kind):
    with pytest.raises(MalformedKey, match="1312 bytes"):
        vkey("a.example", an_ml_dsa_signer().public, kind)


@pytest.mark.parametrize("cosigner", [a_signer("w", bytes(32)), an_ml_dsa_signer("w", bytes(32))])
def test_a_cosigner_vouches_with_its_time_beside_the_log(cosigner):
    cosigner = Cosigner("w.example", cosigner.private_key)
    note = sign_note(CHECKPOINT, [a_signer()]) + cosigner.line(CHECKPOINT, AT)

    opened = open_note(note, [parse_vkey(cosigner.vkey)])

    assert [(s.name, s.time) for s in opened.signatures] == [("w.example", AT)]


def test_a_cosignature_is_of_another_kind_than_the_log_s_own_signature():
    assert Cosigner("w", a_signer().private_key).kind == COSIGNATURE
    assert Cosigner("w", an_ml_dsa_signer().private_key).kind == ML_DSA_44
    assert Cosigner("w", a_signer().private_key).vkey != a_signer("w").vkey


@pytest.mark.parametrize("signer", [a_signer(), an_ml_dsa_signer()])
def test_no_altered_bit_of_a_cosignature_or_its_time_verifies(signer):
    cosigner = Cosigner("w", signer.private_key)
    encoded = cosigner.line(CHECKPOINT, AT).split(" ")[2]
    blob = base64.b64decode(encoded)
    verifier = parse_vkey(cosigner.vkey)
    verifier.verify(CHECKPOINT, blob[4:])

    for position in [*range(4, 20), len(blob) // 2, len(blob) - 1]:
        altered = bytearray(blob)
        altered[position] ^= 1
        with pytest.raises(BadNoteSignature):
            verifier.verify(CHECKPOINT, bytes(altered[4:]))


def test_an_ml_dsa_signature_is_by_one_name_over_one_checkpoint():
    signer = an_ml_dsa_signer()
    blob = base64.b64decode(signer.line(CHECKPOINT, AT).split(" ")[2])
    other = CHECKPOINT.replace("\n7\n", "\n8\n")

    for verifier, text in [
        (parse_vkey(signer.vkey), other),
        (parse_vkey(signer.vkey), "no checkpoint\n"),
        (parse_vkey(an_ml_dsa_signer("b.example").vkey), CHECKPOINT),
    ]:
        with pytest.raises(BadNoteSignature):
            verifier.verify(text, blob[4:])


@pytest.mark.parametrize(("text", "time"), [("no checkpoint\n", AT), (CHECKPOINT, None)])
def test_an_ml_dsa_key_signs_checkpoints_only_and_never_without_a_time(text, time):
    with pytest.raises(MalformedNote):
        sign_note(text, [an_ml_dsa_signer()], time=time)
