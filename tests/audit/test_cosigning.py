"""Publishing only what a quorum of witnesses has cosigned: our client, real witness servers, the real database."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit import sequencer, tree, trust
from audit.keys import log_vkey
from audit.models import (
    Checkpoint,
    Cosignature,
    Entry,
    Head,
    Outbox,
    Publication,
    WitnessRefusal,
)
from audit.notes import open_note, parse_vkey
from audit.proofs import proof_for
from audit.publishing import Publisher, WitnessesMisconfigured, publish, witness_policy
from audit.queries import newest_checkpoint, published_size
from audit.sequencer import NotYetSealed, await_sealed, seal
from audit.signer import TreeShrank, log_signer
from audit.tiles import CheckpointBody
from audit.verification import verify_log
from audit.witness.policy import parse_policy
from audit.witness.protocol import AddCheckpoint
from audit.witness.store import WitnessStore, make_witness
from tests.audit.acts import some_entries
from tests.audit.witness.conftest import serve as serve

Serve = Callable[[WitnessStore], str]
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens


class Counting(WitnessStore):
    """A witness that counts what it is asked, and can be away."""

    asked = 0
    away = False

    def cosign(self, request: AddCheckpoint) -> str:
        self.asked += 1
        if self.away:
            raise OSError("away")
        return super().cosign(request)


def a_witness(folder: Path, name: str, *, ml_dsa: bool = False) -> Counting:
    make_witness(folder / name, f"{name}.example", ml_dsa=ml_dsa)
    return Counting(folder / name, [parse_vkey(log_vkey())])


def a_policy(settings: LazySettings, folder: Path, *lines: str) -> None:
    settings.CREDENCE_WITNESSES = folder / "witnesses"
    settings.CREDENCE_WITNESSES.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def sequencer_account(keeper: User) -> User:
    """Facts are recorded in the name of the sequencer."""
    return User.objects.get(username="sequencer")


@pytest.fixture
def witness(log: str, settings: LazySettings, tmp_path: Path, serve: Serve) -> Counting:
    """One witness that the log needs."""
    one = a_witness(tmp_path, "w1")
    a_policy(settings, tmp_path, f"witness w1 {one.vkeys[0]} {serve(one)}", "quorum w1")
    return one


def test_a_checkpoint_is_published_with_the_cosignature_that_it_needed(
    log: str, witness: Counting
) -> None:
    seal()

    newest = newest_checkpoint(log)
    keys = [parse_vkey(log_vkey()), parse_vkey(witness.vkeys[0])]
    assert newest.size == 2
    assert [s.kind for s in open_note(newest.note, keys).signatures] == [1, 4]
    cosignature = Cosignature.objects.get()
    assert newest.note == newest.checkpoint.note + cosignature.line
    assert (cosignature.witness, cosignature.checkpoint) == ("w1", newest.checkpoint)


def test_every_later_checkpoint_is_proved_to_grow_from_the_one_before(
    log: str, keeper: User, witness: Counting
) -> None:
    for count in (1, 3, 300, 1):
        some_entries(count, by=keeper)
        seal()

    assert published_size(log) == 307
    assert witness.asked == 4, "each was asked for once, from the size that the witness knew"
    assert verify_log(by=keeper).problems == []


def test_a_witness_that_is_away_delays_publishing_and_nothing_else(
    log: str, keeper: User, witness: Counting
) -> None:
    seal()
    witness.away = True
    (entry,) = some_entries(1, by=keeper)

    seal()

    assert not Outbox.objects.exists()
    assert Head.objects.get().size == Checkpoint.objects.order_by("-size")[0].size == 3
    assert published_size(log) == newest_checkpoint(log).size == 2
    with pytest.raises(NotYetSealed):
        proof_for(entry.pk)
    with pytest.raises(NotYetSealed, match="not sealed in time"):
        await_sealed(log, 0.3)

    witness.away = False
    some_entries(2, by=keeper)
    seal()

    assert published_size(log) == 5
    assert proof_for(entry.pk).startswith("c2sp.org/tlog-proof@v1\n")
    sizes = Publication.objects.order_by("pk").values_list("checkpoint__size", flat=True)
    assert list(sizes) == [2, 3, 5]


def test_a_quorum_of_two_groups_needs_both(
    log: str, keeper: User, settings: LazySettings, tmp_path: Path, serve: Serve
) -> None:
    names = ("a1", "a2", "b1", "b2")
    witnesses = {name: a_witness(tmp_path, name) for name in names}
    a_policy(
        settings,
        tmp_path,
        *[f"witness {n} {w.vkeys[0]} {serve(w)}" for n, w in witnesses.items()],
        "group inside any a1 a2",
        "group outside any b1 b2",
        "group both all inside outside",
        "quorum both",
    )
    witnesses["b1"].away = witnesses["b2"].away = True
    seal()
    assert published_size(log) == 0
    assert Cosignature.objects.count() == 2

    witnesses["b2"].away = False
    with Publisher(log, witness_policy()) as publisher:
        publication = publisher.publish()

    assert publication is not None
    keys = [parse_vkey(w.vkeys[0]) for w in witnesses.values()]
    names_in_note = {s.name for s in open_note(publication.note, keys).signatures}
    assert names_in_note == {"a1.example", "a2.example", "b2.example"}


def test_a_witness_with_two_keys_is_asked_once_and_both_are_kept(
    log: str, settings: LazySettings, tmp_path: Path, serve: Serve
) -> None:
    one = a_witness(tmp_path, "w1", ml_dsa=True)
    url = serve(one)
    a_policy(
        settings,
        tmp_path,
        f"witness ed {one.vkeys[0]} {url}",
        f"witness pq {one.vkeys[1]} {url}",
        "group w1 all ed pq",
        "quorum w1",
    )

    seal()

    assert one.asked == 1
    assert set(Cosignature.objects.values_list("witness", flat=True)) == {"ed", "pq"}
    opened = open_note(newest_checkpoint(log).note, [parse_vkey(v) for v in one.vkeys])
    assert [s.kind for s in opened.signatures] == [4, 6]


def test_cosignatures_that_a_crash_left_are_published_without_asking_again(
    log: str, witness: Counting, settings: LazySettings
) -> None:
    sequencer._integrate(log)
    sequencer._sign_head(log, log_signer(log))
    with Publisher(log, witness_policy()) as publisher:
        assert publisher._cosigning is not None
        checkpoint = Checkpoint.objects.get()
        publisher._cosigning.ask(checkpoint, lambda: False)
    assert (Cosignature.objects.count(), Publication.objects.count()) == (1, 0)
    witness.away = True

    seal()

    assert published_size(log) == 2
    assert witness.asked == 1


def test_a_cosignature_whose_answer_was_lost_is_asked_for_again_from_the_size_it_names(
    log: str, keeper: User, witness: Counting
) -> None:
    """The witness kept it, and we never heard: it knows more than our newest cosignature says."""
    seal()
    some_entries(5, by=keeper)
    sequencer._integrate(log)
    sequencer._sign_head(log, log_signer(log))
    checkpoint = Checkpoint.objects.order_by("-size")[0]
    witness.cosign(AddCheckpoint(2, tuple(tree.growth(log, 2, 7)), checkpoint.note))
    witness.asked = 0

    assert publish(log) is not None

    assert published_size(log) == 7
    assert witness.asked == 2
    assert not WitnessRefusal.objects.exists()


def test_a_witness_that_lost_its_memory_is_led_from_the_start(
    log: str, keeper: User, witness: Counting
) -> None:
    seal()
    (state,) = (witness._folder / "logs").glob("*/checkpoint")
    state.unlink()
    some_entries(3, by=keeper)

    seal()

    assert published_size(log) == 5


def test_an_older_database_is_refused_by_the_signer_and_by_the_witness(
    log: str, keeper: User, sequencer_account: User, witness: Counting
) -> None:
    """The signer's memory can be put back by whoever holds the machine; the witness's lies with someone else."""
    seal()
    backup = transaction.savepoint()
    memory = log_signer(log)._state.read_bytes()
    some_entries(3, by=keeper)
    seal()
    assert published_size(log) == 5

    transaction.savepoint_rollback(backup)
    some_entries(1, by=keeper)
    with pytest.raises(TreeShrank, match="older database"):
        seal()
    log_signer(log)._state.write_bytes(memory)
    seal()

    assert seal().size == 4, "sealing goes on, with the entry of the refusal"
    assert published_size(log) == 2
    refusal = WitnessRefusal.objects.get()
    assert (refusal.witness, refusal.witness_size) == ("w1", 5)
    assert "older database was restored" in refusal.reason
    assert Entry.objects.get(event="audit.witness.refused") == refusal.entry


def test_an_older_database_that_outgrew_what_was_cosigned_is_refused_by_the_witness(
    log: str, keeper: User, sequencer_account: User, witness: Counting
) -> None:
    seal()
    backup = transaction.savepoint()
    memory = log_signer(log)._state.read_bytes()
    some_entries(3, by=keeper)
    seal()

    transaction.savepoint_rollback(backup)
    log_signer(log)._state.write_bytes(memory)
    some_entries(40, by=keeper)
    seal()

    assert published_size(log) == 2
    refusal = WitnessRefusal.objects.get()
    assert refusal.witness_size is None
    assert "did not find the 5 entries it knows in our tree of 42" in refusal.reason


def test_a_refusal_is_one_fact_until_the_witness_cosigns_again(
    log: str, keeper: User, sequencer_account: User, witness: Counting
) -> None:
    seal()
    (state,) = (witness._folder / "logs").glob("*/checkpoint")
    good = state.read_text()
    _make_the_witness_remember(witness, state, CheckpointBody(log, 900, bytes(32)))

    for _ in range(3):
        some_entries(1, by=keeper)
        seal()
    assert WitnessRefusal.objects.count() == 1

    state.write_text(good)
    seal()
    assert published_size(log) == Head.objects.get().size
    _make_the_witness_remember(witness, state, CheckpointBody(log, 900, bytes(32)))
    some_entries(1, by=keeper)
    seal()

    assert WitnessRefusal.objects.count() == 2


def test_a_larger_size_that_we_signed_meanwhile_is_no_fact(
    log: str, keeper: User, witness: Counting
) -> None:
    """As when a sequencer that was thought dead shows an older checkpoint after its successor."""
    seal()
    with Publisher(log, witness_policy()) as late:
        some_entries(3, by=keeper)
        seal()
        older = Checkpoint.objects.order_by("size")[0]
        assert late._cosigning is not None
        server = late._cosigning._servers[0]
        server.known = 0
        late._cosigning._is_ahead(server, older, 5)

    assert not WitnessRefusal.objects.exists()
    assert server.known == 5


def test_witnesses_are_asked_at_once_and_the_slow_one_is_not_waited_for(
    log: str, settings: LazySettings, tmp_path: Path, serve: Serve
) -> None:
    class Slow(Counting):
        def cosign(self, request: AddCheckpoint) -> str:
            time.sleep(1.0)
            return super().cosign(request)

    make_witness(tmp_path / "slow", "slow.example")
    slow = Slow(tmp_path / "slow", [parse_vkey(log_vkey())])
    quick = a_witness(tmp_path, "quick")
    a_policy(
        settings,
        tmp_path,
        f"witness slow {slow.vkeys[0]} {serve(slow)}",
        f"witness quick {quick.vkeys[0]} {serve(quick)}",
        f"witness gone {a_witness(tmp_path, 'gone').vkeys[0]} {NOBODY}",
        "group enough any slow quick gone",
        "quorum enough",
    )
    sequencer._integrate(log)
    sequencer._sign_head(log, log_signer(log))

    with Publisher(log, witness_policy()) as publisher:
        begun = time.monotonic()
        assert publisher.publish() is not None
        assert time.monotonic() - begun < 0.9

    assert list(Cosignature.objects.values_list("witness", flat=True)) == ["quick"]


def test_a_witness_that_does_not_answer_is_left_alone_for_a_while(
    log: str, keeper: User, witness: Counting
) -> None:
    witness.away = True
    seal()  # makes a publisher of its own
    witness.asked = 0

    with Publisher(log, witness_policy()) as publisher:
        for _ in range(10):
            assert publisher.publish() is None

    assert witness.asked == 1


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["quorum w1"], "Line 1"),
        (["witness w1 {vkey}", "quorum w1"], "have a URL are too few"),
        (
            ["witness w1 {vkey} http://127.0.0.1:1", "witness w2 {other}", "group g all w1 w2", "quorum g"],
            "have a URL are too few",
        ),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_met_publishes_nothing_and_says_so(
    log: str, settings: LazySettings, tmp_path: Path, lines: list[str], problem: str
) -> None:
    vkey, other = (a_witness(tmp_path, name).vkeys[0] for name in ("one", "two"))
    a_policy(settings, tmp_path, *[line.format(vkey=vkey, other=other) for line in lines])

    with pytest.raises(WitnessesMisconfigured, match=problem):
        seal()

    assert not Publication.objects.exists()


def test_a_publication_without_its_quorum_is_named(
    log: str, keeper: User, witness: Counting, settings: LazySettings, tmp_path: Path
) -> None:
    other = a_witness(tmp_path, "w2")
    seal()
    assert verify_log(by=keeper).problems == []
    a_policy(settings, tmp_path, f"witness w2 {other.vkeys[0]} {NOBODY}", "quorum w2")
    assert any("cosignatures published at 2" in p for p in verify_log(by=keeper).problems)


def test_the_policy_that_others_are_given_names_the_witnesses(log: str, witness: Counting) -> None:
    assert trust.policy_text() == trust.log_lines() + witness_lines_of(witness)


def witness_lines_of(witness: Counting) -> str:
    policy = witness_policy()
    return f"witness w1 {witness.vkeys[0]} {policy.witnesses[0].url}\nquorum w1\n"


def test_without_a_policy_nobody_is_asked(log: str, settings: LazySettings, tmp_path: Path) -> None:
    assert witness_policy() == parse_policy("quorum none\n")
    settings.CREDENCE_WITNESSES = tmp_path / "missing"
    with pytest.raises(WitnessesMisconfigured, match="missing"):
        witness_policy()


def test_cosignatures_and_refusals_never_change(log: str, keeper: User, witness: Counting) -> None:
    seal()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Cosignature.objects.update(line="another")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Cosignature.objects.all().delete()


def _make_the_witness_remember(witness: Counting, state: Path, body: CheckpointBody) -> None:
    lines = "".join(cosigner.line(body.text, 1000) for cosigner in witness._cosigners)
    state.write_text(f"{body.text}\n{lines}")
