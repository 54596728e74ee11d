"""The tlog-policy file: what it may say, and when its quorum is met."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.notes import Cosigner, NoteSigner
from audit.witness.policy import NO_WITNESSES, MalformedPolicy, parse_policy

LOG = NoteSigner("log.example/2026", Ed25519PrivateKey.generate()).vkey
LOG_ML_DSA = NoteSigner("log.example/2026", MLDSA44PrivateKey.generate()).vkey
KEYS = {
    name: Cosigner(f"{name.lower()}.example", Ed25519PrivateKey.generate()).vkey
    for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
WITNESSES = "".join(f"witness {name} {vkey}\n" for name, vkey in KEYS.items())
TWO_LEVELS = (
    f"log {LOG}\n\n# two organisations\n{WITNESSES}"
    "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n"
    "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
)


@pytest.mark.parametrize(
    ("cosigned", "met"),
    [
        (["X1", "X2", "Y1"], True),
        (["X3", "X1", "Y3", "Y2"], True),
        (["X1", "X2"], False),
        (["X1", "Y1", "Y2", "Y3"], False),
        (["Y1"], False),
        ([], False),
        (["X-witnesses", "Y-witnesses"], False),
        (["X-and-Y"], False),
    ],
)
def test_a_quorum_of_two_groups_needs_both(cosigned: list[str], met: bool) -> None:
    assert parse_policy(TWO_LEVELS).is_met(cosigned) is met


def test_a_policy_says_which_logs_and_witnesses_there_are_and_where() -> None:
    policy = parse_policy(
        f"log\t{LOG}  https://log.example/ \nlog {LOG_ML_DSA}\n"
        f"  witness X1 {KEYS['X1']} https://x1.example/\nquorum X1\n"
    )

    assert [log.verifier.vkey for log in policy.logs] == [LOG, LOG_ML_DSA]
    assert policy.logs[0].url == "https://log.example/"
    assert policy.witnesses[0].url == "https://x1.example/"
    assert policy.is_met(["X1"])
    assert not policy.is_met([])


def test_quorum_none_needs_nobody() -> None:
    assert parse_policy("quorum none\n").is_met([])
    assert parse_policy("quorum none\n") == NO_WITNESSES


def test_a_witness_may_have_a_name_that_only_bytes_can_tell_apart() -> None:
    policy = parse_policy(f"witness K {KEYS['X1']}\nwitness \u212a {KEYS['X2']}\nquorum \u212a\n")

    assert policy.is_met(["\u212a"])
    assert not policy.is_met(["K"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "newline"),
        ("quorum none", "newline"),
        ("log {LOG}\n", "no quorum line"),
        ("quorum none\nquorum none\n", "Line 2: there is a quorum line already"),
        ("quorum\n", "Line 1: the quorum is"),
        ("quorum X1 X2\n", "the quorum is"),
        ("quorum X1\nwitness X1 {X1}\n", "Line 1: 'X1' is not defined"),
        ("witnesses X1 {X1}\nquorum none\n", "is none of"),
        ("LOG {LOG}\nquorum none\n", "is none of"),
        ("log\nquorum none\n", "a log is"),
        ("log {LOG} https://a.example https://b.example\nquorum none\n", "a log is"),
        ("log {LOG}\nlog {LOG}\nquorum none\n", "another log has the same key"),
        ("log {X1}\nquorum none\n", "kind 04 is not the key of a log"),
        ("witness X1\nquorum none\n", "a witness is"),
        ("witness X1 {LOG}\nquorum X1\n", "kind 01 is not the key of a witness"),
        ("witness X1 {X1}\nwitness X1 {X2}\nquorum X1\n", "'X1' is taken"),
        ("witness X1 {X1}\nwitness X2 {X1}\nquorum X1\n", "another witness has the same key"),
        ("witness none {X1}\nquorum none\n", "'none' is taken"),
        ("witness X1 x1.example+00000000+AAAA\nquorum X1\n", "cannot be used"),
        ("witness X1 {X1}\ngroup none any X1\nquorum none\n", "'none' is taken"),
        ("witness X1 {X1}\ngroup X1 any X1\nquorum X1\n", "'X1' is taken"),
        ("witness X1 {X1}\ngroup g any\nquorum g\n", "a group is"),
        ("witness X1 {X1}\ngroup g any X2\nquorum g\n", "'X2' is not defined"),
        ("witness X1 {X1}\ngroup g any g\nquorum g\n", "'g' is not defined"),
        ("witness X1 {X1}\ngroup g any none\nquorum g\n", "'none' is not defined"),
        ("witness X1 {X1}\ngroup g any X1 X1\nquorum g\n", "member already"),
        ("witness X1 {X1}\ngroup g any X1\ngroup h any X1\nquorum g\n", "member already"),
        ("witness X1 {X1}\ngroup g 0 X1\nquorum g\n", "no threshold"),
        ("witness X1 {X1}\ngroup g 2 X1\nquorum g\n", "no threshold"),
        ("witness X1 {X1}\ngroup g 01 X1\nquorum g\n", "no threshold"),
        ("witness X1 {X1}\ngroup g -1 X1\nquorum g\n", "no threshold"),
        ("witness X1 {X1}\ngroup g most X1\nquorum g\n", "no threshold"),
        ("quorum none\r\n", "control character"),
        ("# a comment\x00\nquorum none\n", "control character"),
        ("quorum\u00a0none\n", "is none of"),
    ],
)
def test_a_policy_that_is_not_clear_allows_nothing(text: str, problem: str) -> None:
    for name, vkey in {"LOG": LOG, **KEYS}.items():
        text = text.replace(f"{{{name}}}", vkey)

    with pytest.raises(MalformedPolicy, match=problem):
        parse_policy(text)


def test_every_line_less_is_another_policy_or_none() -> None:
    lines = TWO_LEVELS.splitlines(keepends=True)
    needed = [n for n, line in enumerate(lines) if not line.startswith(("#", "log", "\n"))]

    for number in needed:
        with pytest.raises(MalformedPolicy):
            parse_policy("".join(lines[:number] + lines[number + 1 :]))


def test_a_policy_of_many_groups_is_read_without_running_out_of_anything() -> None:
    count = 5_000
    lines = [f"witness w {KEYS['X1']}", "group g0 any w"]
    lines += [f"group g{n} any g{n - 1}" for n in range(1, count)]

    policy = parse_policy("\n".join([*lines, f"quorum g{count - 1}"]) + "\n")

    assert policy.is_met(["w"])
