"""The offline verifier on keys: several of one log, rotated, retired and lost ones; witnesses and their quorum."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit import verify
from audit.notes import Cosigner, NoteSigner, sign_note, vkey
from tests.audit.forge import AT, ORIGIN, SECONDS, Forge, a_key
from tests.audit.test_verify import check, failures

ML_DSA = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
SECOND = NoteSigner(ORIGIN, ML_DSA)
NEW = a_key(3)
NEW_SIGNER = NoteSigner(ORIGIN, NEW)
WITNESSES = [Cosigner(f"witness.example/{n}", a_key(40 + n)) for n in range(3)]
PQ_WITNESS = Cosigner("witness.example/pq", MLDSA44PrivateKey.from_seed_bytes(b"\1" * 32))


@pytest.fixture
def forge() -> Forge:
    return Forge().open()


# --- Two kinds of log key ---


def test_a_checkpoint_that_both_keys_of_the_log_signed_holds(tmp_path: Path) -> None:
    forge = Forge(others=[SECOND]).open()

    report = check(forge.bundle(tmp_path), forge.policy)

    assert failures(report) == {}
    assert len(report.logs[0]["signed_by"]) == 2
    assert report.remarks == []


def test_a_bad_ml_dsa_signature_spoils_the_checkpoint(tmp_path: Path) -> None:
    forge = Forge(others=[SECOND]).open()
    other = Forge(others=[SECOND]).open()
    other.add(other.entry())
    line = other.checkpoint().splitlines()[-1]
    spoiled = "\n".join([*forge.checkpoint().splitlines()[:-1], line, ""])

    found = failures(check(forge.bundle(tmp_path, more={"log/2026/checkpoint": spoiled.encode()}), forge.policy))  # fmt: skip

    assert "does not match" in found["checkpoint"][0]


def test_an_ml_dsa_signature_that_is_missing_is_remarked_upon(tmp_path: Path) -> None:
    both, one = Forge(others=[SECOND]).open(), Forge().open()

    report = check(one.bundle(tmp_path), both.policy)

    assert report.holds
    assert "not signed by its ML-DSA-44 key" in report.remarks[0]


def test_where_ml_dsa_is_unknown_its_signatures_are_listed_as_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = Forge(others=[SECOND]).open()
    verify._public_key.cache_clear()
    monkeypatch.setattr(verify.importlib, "import_module", _missing)

    report = check(forge.bundle(tmp_path), forge.policy)

    assert failures(report) == {}
    assert "ML-DSA-44 signatures" in " ".join(report.not_checked)


def _missing(name: str) -> None:
    raise ImportError(name)


# --- Rotation, retirement, loss ---


def rotation(forge: Forge, new: NoteSigner, *signers: NoteSigner) -> str:
    text = "\n".join(["credence-log-key/v1", new.name, new.vkey, AT, ""])
    return sign_note(text, signers or (NoteSigner(forge.origin, forge.log), new))


def introduced(forge: Forge, new: NoteSigner, note: str, **by: object) -> bytes:
    return forge.entry("audit.log_key.introduced", by_log=True, vkey=new.vkey, alg="Ed25519", since=AT, note=note, **by)  # type: ignore[arg-type]  # fmt: skip


def rotated(tmp_path: Path, ends_at: int | None = None) -> tuple[Forge, Path]:
    """A log whose second key takes the place of the first; the newest checkpoint is by the second alone."""
    forge = Forge().open()
    note = rotation(forge, NEW_SIGNER)
    forge.add(introduced(forge, NEW_SIGNER, note))
    old = forge.log
    forge.log = NEW
    size = len(forge.bodies) + 1 if ends_at is None else ends_at
    ended = vkey(ORIGIN, old.public_key().public_bytes_raw())
    forge.add(forge.entry("audit.log_key.retired", by_log=True, vkey=ended, reason="rotated", ends_at_size=size))  # fmt: skip
    forge.add(forge.introduction())
    folder = forge.bundle(tmp_path, more={"trust/rotations/1.note": note.encode()})
    return forge, folder


def test_whoever_trusts_the_old_key_thereby_trusts_the_one_it_rotated_to(tmp_path: Path) -> None:
    forge, folder = rotated(tmp_path)
    policy = Forge().policy

    report = check(folder, policy)

    assert failures(report) == {}
    assert "(by rotation)" in next(c for c in report.checks if c.name == "policy").summary
    assert NEW_SIGNER.vkey not in policy
    assert forge.log is NEW


@pytest.mark.parametrize(
    "signers",
    [
        [NEW_SIGNER],
        [NoteSigner(ORIGIN, a_key(1))],
        [NoteSigner(ORIGIN, a_key(8)), NEW_SIGNER],
        [NoteSigner("other.example/log/2026", a_key(1)), NEW_SIGNER],
    ],
    ids=["by the new key alone", "by the old key alone", "by a stranger", "by another log"],
)
def test_a_rotation_that_old_and_new_did_not_both_sign_is_refused(
    forge: Forge, tmp_path: Path, signers: list[NoteSigner]
) -> None:
    note = rotation(forge, NEW_SIGNER, *signers)

    found = failures(check(forge.bundle(tmp_path, more={"trust/rotations/1.note": note.encode()}), forge.policy))  # fmt: skip

    assert "cannot be trusted" in found["policy"][0]


def test_a_log_key_that_only_the_log_names_is_not_trusted(forge: Forge, tmp_path: Path) -> None:
    stranger = NoteSigner(ORIGIN, a_key(8))
    forge.add(introduced(forge, stranger, ""))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert "neither the policy names nor a rotation" in found["signatures"][0]


def test_a_retired_key_vouches_for_no_larger_checkpoint(tmp_path: Path) -> None:
    forge = Forge().open()
    note = rotation(forge, NEW_SIGNER)
    forge.add(introduced(forge, NEW_SIGNER, note))
    forge.add(forge.entry("audit.log_key.retired", by_log=True, vkey=forge.log_vkey, reason="rotated", ends_at_size=3))  # fmt: skip

    found = failures(check(forge.bundle(tmp_path, more={"trust/rotations/1.note": note.encode()}), forge.policy))  # fmt: skip

    assert "no longer vouches for it" in found["checkpoint"][0]


def test_a_retired_log_key_introduces_nobody(tmp_path: Path) -> None:
    forge = Forge().open()
    note = rotation(forge, NEW_SIGNER)
    forge.add(introduced(forge, NEW_SIGNER, note))
    forge.add(forge.entry("audit.log_key.retired", by_log=True, vkey=forge.log_vkey, reason="rotated", ends_at_size=9))  # fmt: skip
    forge.add(forge.introduction())

    found = failures(check(forge.bundle(tmp_path, more={"trust/rotations/1.note": note.encode()}), forge.policy))  # fmt: skip

    assert found["signatures"][0].startswith("entry 4")


@pytest.fixture
def after_a_loss() -> tuple[Forge, str]:
    """A log whose only key was lost at size 3; its successor spoke for itself. And the policy that names the successor."""
    forge = Forge().open()
    forge.add(forge.entry(made="under the lost key's delegation"))
    lost = forge.log_vkey
    forge.log = NEW
    forge.add(introduced(forge, NEW_SIGNER, rotation(forge, NEW_SIGNER, NEW_SIGNER)))
    forge.add(forge.entry("audit.log_key.lost", by_log=True, vkey=lost, ends_at_size=3, reason="stolen"))  # fmt: skip
    forge.producer = a_key(5)
    forge.add(forge.introduction())
    forge.add(forge.entry(made="under the new key's delegation"))
    return forge, forge.policy


def test_a_log_outlives_the_loss_of_its_key(
    after_a_loss: tuple[Forge, str], tmp_path: Path
) -> None:
    forge, policy = after_a_loss

    assert failures(check(forge.bundle(tmp_path), policy)) == {}


def test_after_its_loss_a_key_signs_nothing_in_the_log(
    after_a_loss: tuple[Forge, str], tmp_path: Path
) -> None:
    forge, policy = after_a_loss
    forge.log = a_key(1)
    forge.producer = a_key(6)
    forge.add(forge.introduction())
    forge.log = NEW

    found = failures(check(forge.bundle(tmp_path), policy))

    assert found["signatures"][0].startswith(f"entry {len(forge.bodies) - 1}")


def test_a_checkpoint_by_a_lost_key_beyond_its_end_is_refused_and_one_before_is_not(
    after_a_loss: tuple[Forge, str], tmp_path: Path
) -> None:
    forge, policy = after_a_loss
    before = {f"log/2026/checkpoints/{3:020d}": forge.checkpoint(3, a_key(1)).encode()}
    beyond = {f"log/2026/checkpoints/{4:020d}": forge.checkpoint(4, a_key(1)).encode()}

    assert failures(check(forge.bundle(tmp_path / "a", more=before), policy)) == {}
    found = failures(check(forge.bundle(tmp_path / "b", more=beyond), policy))
    assert "no longer vouches for it" in found["checkpoint"][0]


def test_an_entry_by_a_producer_that_was_retired_is_refused(forge: Forge, tmp_path: Path) -> None:
    told = {"vkey": forge.producer_vkey, "reason": "rotated", "last_entry_before": AT}
    forge.add(forge.entry())
    forge.add(forge.entry("audit.producer_key.retired", by_log=True, **told))
    forge.add(forge.entry(late=True))

    found = failures(check(forge.bundle(tmp_path), forge.policy))

    assert found["signatures"] == [
        f"entry 4  {json.loads(forge.bodies[4])['id']}  tests.noted  log/2026/tile/entries/000.p/5: "
        "Its key was retired at entry 3."
    ]


@pytest.mark.parametrize("event", ["audit.log_key.forgotten", "audit.shard.merged"])
def test_what_is_said_of_keys_and_is_not_known_fails(
    forge: Forge, tmp_path: Path, event: str
) -> None:
    forge.add(forge.entry(event))

    assert "does not know" in failures(check(forge.bundle(tmp_path), forge.policy))["signatures"][0]


# --- Witnesses ---


def witnessed_policy(forge: Forge, *lines: str) -> str:
    named = [f"witness w{n} {w.vkey}" for n, w in enumerate(WITNESSES)]
    named += [f"witness pq {PQ_WITNESS.vkey} https://pq.example/"]
    return "\n".join([f"log {forge.log_vkey}", *named, *lines, ""])


@pytest.mark.parametrize(
    ("lines", "cosigners", "met"),
    [
        (["quorum w0"], [0], True),
        (["quorum w0"], [1], False),
        (["quorum w0"], [], False),
        (["quorum pq"], [3], True),
        (["group g any w0 w1", "quorum g"], [1], True),
        (["group g all w0 w1", "quorum g"], [1], False),
        (["group g all w0 w1", "quorum g"], [0, 1], True),
        (["group g 2 w0 w1 pq", "quorum g"], [0, 3], True),
        (["group g 2 w0 w1 pq", "quorum g"], [2, 3], False),
        (["group in any w0 w1", "group out any w2 pq", "group both all in out", "quorum both"], [1, 3], True),
        (["group in any w0 w1", "group out any w2 pq", "group both all in out", "quorum both"], [0, 1], False),
        (["quorum none"], [], True),
    ],
)  # fmt: skip
def test_the_quorum_of_the_policy_is_met_or_the_bundle_fails(
    forge: Forge, tmp_path: Path, lines: list[str], cosigners: list[int], met: bool
) -> None:
    forge.others = [[*WITNESSES, PQ_WITNESS][n] for n in cosigners]

    report = check(forge.bundle(tmp_path), witnessed_policy(forge, *lines))

    assert failures(report).keys() == (set() if met else {"witnesses"})
    if not met:
        assert "is not met at 2 entries" in failures(report)["witnesses"][0]


@pytest.mark.parametrize(
    "lines",
    [
        "group g 3 w0 w1\nquorum g",
        "group g 0 w0\nquorum g",
        "group g any w9\nquorum g",
        "group g any\nquorum g",
        "group g any w0 w0\nquorum g",
        "group g any w0\ngroup h any w0\nquorum h",
        "group w0 any w1\nquorum w0",
        "witness none {w}\nquorum none",
        "witness again {same}\nquorum again",
        "witness w {log}\nquorum w",
        "quorum g\ngroup g any w0",
        "quorum w0\nquorum w0",
        "tree w0\nquorum w0",
    ],
)
def test_a_policy_about_witnesses_that_cannot_be_followed_is_refused(
    forge: Forge, lines: str
) -> None:
    fresh = Cosigner("fresh.example/w", a_key(60)).vkey
    text = witnessed_policy(
        forge, lines.format(w=fresh, same=WITNESSES[0].vkey, log=forge.log_vkey)
    )

    with pytest.raises(verify.Broken):
        verify.parse_policy(text)


def test_a_witness_that_has_the_key_of_the_log_does_not_count(forge: Forge) -> None:
    shared = Cosigner("witness.example/shared", forge.log).vkey

    with pytest.raises(verify.Broken, match="count twice"):
        verify.parse_policy(f"log {forge.log_vkey}\nwitness w {shared}\nquorum w\n")


@pytest.mark.parametrize("change", [lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:]])
def test_a_bad_cosignature_of_a_known_witness_spoils_the_checkpoint(
    forge: Forge, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    forge.others = [WITNESSES[0]]
    good = forge.checkpoint().encode()
    body, line = good[: good.rindex("— ".encode())], good[good.rindex("— ".encode()) :]
    altered = body + line.replace(line[60:64], b"AAAA")

    found = failures(check(forge.bundle(tmp_path, more={"log/2026/checkpoint": altered}), witnessed_policy(forge, "quorum w0")))  # fmt: skip

    assert "checkpoint" in found


# --- What others say of the time ---


def test_an_entry_may_not_be_later_than_the_time_a_witness_vouches_for(
    forge: Forge, tmp_path: Path
) -> None:
    forge.others = [WITNESSES[0]]
    forge.add(forge.entry(at="2026-11-20T18:30:00.000000Z"))
    policy = witnessed_policy(forge, "quorum w0")

    early = forge.bundle(
        tmp_path / "a", more={"log/2026/checkpoint": forge.checkpoint(time=SECONDS).encode()}
    )
    later = forge.bundle(
        tmp_path / "b", more={"log/2026/checkpoint": forge.checkpoint(time=SECONDS + 1800).encode()}
    )

    assert "vouched for a checkpoint that holds it" in failures(check(early, policy))["times"][0]
    assert failures(check(early, policy))["times"][0].startswith("entry 2")
    assert failures(check(later, policy)) == {}


def test_a_time_that_nobody_can_have_meant_bounds_nothing(forge: Forge, tmp_path: Path) -> None:
    forge.others = [WITNESSES[0]]
    far = forge.checkpoint(time=2**64 - 1).encode()

    folder = forge.bundle(tmp_path, more={"log/2026/checkpoint": far})

    assert check(folder, witnessed_policy(forge, "quorum w0")).holds
