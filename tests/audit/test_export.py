"""Evidence bundles: what is in them, what they disclose, and that no byte of them changes unseen."""

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from audit import references, trust, verify
from audit.actions.exports import (
    ExportDecided,
    NoSuchDecision,
    complete_export,
    fail_export,
    request_export,
)
from audit.actions.subjects import erase_subject
from audit.errors import InvalidInput, NotPermitted
from audit.export import build_export, bundle_path
from audit.models import Entry, EvidenceExport, Leaf, Subject
from audit.scope import Scope, read_scope
from audit.vault import Private
from governance.roles import SERVICE_ACCOUNTS
from tests.audit.acts import some_entries

TODAY = datetime.now(UTC).date()
THESE_DAYS = Scope(begin=TODAY - timedelta(days=1), end=TODAY + timedelta(days=1))


@pytest.fixture
def person(log: str, keeper: User) -> UUID:
    """Someone about whom the log holds a private payload."""
    return references.people_for("lending", ["person-1"])["person-1"].subject_id


@pytest.fixture
def entry(person: UUID, keeper: User) -> Entry:
    some_entries(3, by=keeper)
    (entry,) = some_entries(1, by=keeper, private=Private(person, {"pd": 0.25, "income": "ä"}))
    return entry


def built(scope: Scope, by: User) -> Path:
    export = request_export(scope, by=by)
    build_export(export, by=by)
    return bundle_path(export)


def report(path: Path) -> verify.Report:
    return verify.verify_files(verify.open_bundle(path), str(path), trust.policy_text())


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_bundle_holds_the_whole_log_its_keys_an_index_and_the_verifier(
    log: str, keeper: User
) -> None:
    some_entries(300, by=keeper)

    files = contents(built(Scope(), keeper))

    assert {
        "manifest.json", "manifest.note", "index.html", "verify.py", "trust/policy",
        "log/2026/checkpoint", "log/2026/tile/0/000", "log/2026/tile/entries/000",
    } <= set(files)  # fmt: skip
    assert any(name.startswith("trust/delegations/") for name in files)
    assert not any(name.startswith("disclosed/") for name in files)
    manifest = json.loads(files["manifest.json"])
    assert manifest["log_is"] == "whole"
    assert files["verify.py"] == Path(verify.__file__).read_bytes()


def test_a_bundle_verifies_and_the_export_records_its_digest(log: str, keeper: User) -> None:
    path = built(Scope(), keeper)

    export = EvidenceExport.objects.get()
    assert report(path).holds
    assert export.state == "available"
    assert (export.size, len(export.sha256)) == (path.stat().st_size, 64)
    events = list(Entry.objects.order_by("pk").values_list("event", flat=True))
    assert events[-2:] == ["audit.export.requested", "audit.export.built"]


def test_the_verifier_in_the_bundle_checks_it_where_nothing_else_is_installed(
    log: str, keeper: User, tmp_path: Path
) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(built(Scope(), keeper)) as file:
        file.extractall(folder)
    policy = tmp_path / "policy"
    policy.write_text(trust.policy_text())

    command = [
        sys.executable,
        "-I",
        str(folder / "verify.py"),
        str(folder),
        "--policy",
        str(policy),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_named_decision_is_disclosed_with_the_key_of_its_entry_alone(
    entry: Entry, keeper: User
) -> None:
    path = built(Scope(decisions=(str(entry.pk),)), keeper)

    (name,) = [n for n in contents(path) if n.startswith("disclosed/")]
    disclosed = json.loads(contents(path)[name])
    assert name == f"disclosed/{entry.pk}.json"
    assert disclosed["payload"] == {"income": "ä", "pd": "0.25"}
    found = report(path)
    assert found.holds
    assert "1 disclosed payloads" in next(c.summary for c in found.checks if c.name == "disclosed")


def test_a_whole_export_discloses_nothing(entry: Entry, keeper: User) -> None:
    path = built(Scope(), keeper)

    assert not any(name.startswith("disclosed/") for name in contents(path))
    assert "1 private payloads: encrypted" in " ".join(report(path).not_checked)


def without_disclosure(keeper: User) -> User:
    keeper.groups.get().permissions.remove(Permission.objects.get(codename="disclose_private"))
    return keeper


def test_naming_a_decision_needs_the_permission_to_disclose(entry: Entry, keeper: User) -> None:
    with pytest.raises(NotPermitted):
        request_export(Scope(decisions=(str(entry.pk),)), by=without_disclosure(keeper))

    assert not EvidenceExport.objects.exists()


def test_a_narrow_export_by_someone_who_may_not_disclose_stays_encrypted_and_says_so(
    entry: Entry, keeper: User
) -> None:
    path = built(THESE_DAYS, without_disclosure(keeper))

    assert not any(name.startswith("disclosed/") for name in contents(path))
    assert json.loads(contents(path)["manifest.json"])["scope"]["disclose"] is False


def test_a_scoped_bundle_holds_what_was_asked_for_its_proof_and_the_keys_and_nothing_else(
    entry: Entry, keeper: User
) -> None:
    some_entries(600, by=keeper)

    path = built(Scope(decisions=(str(entry.pk),)), keeper)

    names, index = set(contents(path)), Leaf.objects.get(entry=entry).index
    assert {n for n in names if "/chosen/" in n} == {
        f"log/2026/chosen/{i}.json" for i in (0, 1, index)
    }
    assert not any("tile/entries" in name for name in names)
    assert {n for n in names if "tile/0" in n} == {
        "log/2026/tile/0/000",
        "log/2026/tile/0/002.p/95",
    }
    found = report(path)
    assert found.holds
    assert "604 entries" in " ".join(found.not_checked)
    assert path.stat().st_size < 300_000


def test_the_whole_log_is_kept_where_that_is_asked_for(entry: Entry, keeper: User) -> None:
    path = built(Scope(decisions=(str(entry.pk),), whole=True), keeper)

    assert any("tile/entries" in name for name in contents(path))
    assert report(path).holds
    assert len([n for n in contents(path) if n.startswith("disclosed/")]) == 1


def test_a_scoped_bundle_of_erased_people_holds_their_erasure(
    entry: Entry, person: UUID, keeper: User
) -> None:
    erase_subject(person, by=keeper, legal_basis="consent withdrawn", reason="asked")

    path = built(Scope(decisions=(str(entry.pk),)), keeper)

    chosen = [json.loads(d)["event"] for n, d in contents(path).items() if "/chosen/" in n]
    assert "audit.subject.erased" in chosen
    assert "people were erased" in " ".join(report(path).not_checked)


@pytest.mark.parametrize(
    ("scope", "narrow"),
    [
        (Scope(), False),
        (Scope(begin=date(1970, 1, 1)), False),
        (Scope(model="loanapp"), False),
        (Scope(begin=date(2026, 1, 1), end=date(2026, 4, 2)), True),
        (Scope(begin=date(2026, 1, 1), end=date(2026, 4, 3)), False),
        (Scope(decisions=("d",)), True),
        (Scope(decisions=("d",), whole=True), True),
    ],
)
def test_only_named_decisions_and_at_most_a_quarter_are_narrow_enough_to_be_disclosed(
    scope: Scope, narrow: bool
) -> None:
    assert scope.is_narrow is narrow


def test_no_byte_of_a_scoped_entry_changes_unseen(
    entry: Entry, keeper: User, tmp_path: Path
) -> None:
    data = built(Scope(decisions=(str(entry.pk),)), keeper).read_bytes()
    (tmp_path / "altered.zip").write_bytes(data.replace(b"small note", b"large note", 1))

    found = report(tmp_path / "altered.zip")

    problems = [p for check in found.checks if check.name == "entries" for p in check.problems]
    assert [p.entry_id for p in problems] == [str(entry.pk)]


def test_an_erased_person_is_not_disclosed_and_the_bundle_still_verifies(
    entry: Entry, person: UUID, keeper: User
) -> None:
    erase_subject(person, by=keeper, legal_basis="consent withdrawn", reason="asked")

    path = built(Scope(decisions=(str(entry.pk),)), keeper)

    assert json.loads(contents(path)["manifest.json"])["covered"]["erased"] == 1
    found = report(path)
    assert found.holds
    assert "people were erased" in " ".join(found.not_checked)


def test_a_decision_that_the_log_does_not_know_is_refused(log: str, keeper: User) -> None:
    with pytest.raises(NoSuchDecision) as refused:
        request_export(Scope(decisions=("0192", str(UUID(int=5)))), by=keeper)

    assert [problem.field for problem in refused.value.errors] == ["decisions", "decisions"]


def test_an_export_needs_the_permission(log: str, lending: User) -> None:
    with pytest.raises(NotPermitted):
        request_export(Scope(), by=lending)


def test_an_export_is_completed_or_failed_once(log: str, keeper: User) -> None:
    built(Scope(), keeper)
    export = EvidenceExport.objects.get()

    with pytest.raises(ExportDecided):
        build_export(export, by=keeper)
    with pytest.raises(ExportDecided):
        fail_export(export.pk, by=keeper, reason="x")
    with pytest.raises(ExportDecided):
        complete_export(export.pk, by=keeper, sha256="", size=1, tree_size=1, disclosed=0)


def signer_state(own_folders: Path) -> Path:
    (state,) = (own_folders / "keys" / "signer").glob("*.json")
    return state


def test_an_export_that_cannot_be_built_says_why(log: str, keeper: User, own_folders: Path) -> None:
    export = request_export(Scope(), by=keeper)
    signer_state(own_folders).unlink()

    with pytest.raises(Exception, match=r"\.json cannot be read"):
        build_export(export, by=keeper)

    export.refresh_from_db()
    assert export.state == "failed"
    assert "signer" in export.failure
    assert not bundle_path(export).exists()


def an_entry(**fields: Any) -> dict[str, Any]:
    entry = {
        "id": "e", "event": "x", "occurred_at": "2026-03-01T12:00:00.000000Z",
        "subject": {"type": "serving.decision", "id": "d"}, "public": {"model": "loanapp"},
    }  # fmt: skip
    return entry | fields


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), True),
        (Scope(model="loanapp"), True),
        (Scope(model="other"), False),
        (Scope(begin=date(2026, 3, 1), end=date(2026, 3, 1)), True),
        (Scope(begin=date(2026, 3, 2)), False),
        (Scope(end=date(2026, 2, 28)), False),
        (Scope(decisions=("d",)), True),
        (Scope(decisions=("e", "f")), True),
        (Scope(decisions=("f",)), False),
        (Scope(model="loanapp", decisions=("f",)), False),
    ],
)
def test_a_scope_covers_what_every_part_of_it_covers(scope: Scope, covered: bool) -> None:
    assert scope.covers(an_entry()) is covered
    assert Scope.from_json(scope.as_json()) == scope


def test_a_scope_of_a_model_covers_the_model_itself() -> None:
    subject = {"type": "registry.scoringmodel", "id": "7", "text": "loanapp"}

    assert Scope(model="loanapp").covers(an_entry(subject=subject, public={}))


def test_every_bad_field_of_a_scope_is_named_at_once() -> None:
    document = {"model": 5, "from": "31.1.2026", "to": 7, "decisions": "x", "colour": "red"}

    with pytest.raises(InvalidInput) as refused:
        read_scope(document)

    fields = {problem.field for problem in refused.value.errors}
    assert fields == {"model", "from", "to", "decisions", "colour"}


def test_the_first_day_does_not_come_after_the_last() -> None:
    with pytest.raises(InvalidInput):
        read_scope({"from": "2026-02-01", "to": "2026-01-01"})


def test_the_command_writes_a_bundle_that_the_program_accepts(
    log: str, keeper: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evidence.zip"

    call_command("export_evidence", out=out, acting_user="keeper")

    assert str(out) in capsys.readouterr().out.replace("\n", "")
    command = [sys.executable, str(Path(verify.__file__)), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0


def test_the_command_refuses_a_folder_that_is_not_there(
    log: str, keeper: User, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="no folder"):
        call_command("export_evidence", out=tmp_path / "no" / "e.zip", acting_user="keeper")


def test_the_index_lists_the_entries_in_scope(entry: Entry, keeper: User) -> None:
    path = built(Scope(decisions=(str(entry.pk),)), keeper)

    page = contents(path)["index.html"].decode()
    assert str(entry.pk) in page
    assert "http" not in page.replace("YOUR-POLICY-FILE", "")


def test_no_flipped_bit_anywhere_in_a_bundle_goes_unseen(
    entry: Entry, keeper: User, tmp_path: Path
) -> None:
    data = built(Scope(decisions=(str(entry.pk),)), keeper).read_bytes()
    generator = random.Random(20261120)
    ends = [*range(60), *range(len(data) - 900, len(data))]
    positions = [*generator.sample(range(len(data)), 400), *generator.sample(ends, 200)]
    altered_file, seen = tmp_path / "altered.zip", 0

    for position in positions:
        altered = bytearray(data)
        altered[position] ^= 1 << generator.randrange(8)
        altered_file.write_bytes(altered)
        try:
            seen += not report(altered_file).holds
        except verify.Broken:
            seen += 1

    assert seen == len(positions)


def test_a_flipped_bit_in_a_file_names_that_file(
    entry: Entry, keeper: User, tmp_path: Path
) -> None:
    path = built(Scope(decisions=(str(entry.pk),)), keeper)
    files = contents(path)
    data = path.read_bytes()

    for name, content in files.items():
        altered = bytearray(data)
        altered[data.index(content) + len(content) // 2] ^= 4
        (tmp_path / "altered.zip").write_bytes(altered)
        found = report(tmp_path / "altered.zip")
        problems = [problem for check in found.checks for problem in check.problems]
        assert any(problem.file == name for problem in problems), name


def test_a_changed_entry_in_a_bundle_is_named_by_its_index(
    entry: Entry, keeper: User, tmp_path: Path
) -> None:
    data = built(Scope(), keeper).read_bytes()
    index = Leaf.objects.get(entry=entry).index
    body = bytes(entry.body)
    (tmp_path / "altered.zip").write_bytes(
        data.replace(body, body.replace(b"small note", b"large note"))
    )

    found = report(tmp_path / "altered.zip")

    problems = [p for check in found.checks if check.name == "entries" for p in check.problems]
    assert [(p.index, p.entry_id) for p in problems] == [(index, str(entry.pk))]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bundle_that_was_unpacked_and_packed_again_holds_and_names_what_was_changed(
    entry: Entry, keeper: User, tmp_path: Path, method: int
) -> None:
    files = contents(built(Scope(), keeper))
    name = "log/2026/tile/entries/000.p/7"
    changed = files | {name: files[name].replace(b"small note", b"large note", 1)}
    for path, held in (("again.zip", files), ("changed.zip", changed)):
        with zipfile.ZipFile(tmp_path / path, "w", method) as file:
            file.mkdir("log")
            for member, data in held.items():
                file.writestr(member, data)

    again, spoiled = report(tmp_path / "again.zip"), report(tmp_path / "changed.zip")

    assert again.holds
    assert "another program packed it again" in " ".join(again.not_checked)
    problems = [p for check in spoiled.checks for p in check.problems]
    assert {p.file for p in problems} == {name}
    assert {p.index for p in problems} == {None, 2}


@pytest.mark.parametrize("change", ["payload", "key", "entry_id"])
def test_a_disclosure_that_is_not_what_was_recorded_is_named(
    entry: Entry, keeper: User, tmp_path: Path, change: str
) -> None:
    with zipfile.ZipFile(built(Scope(decisions=(str(entry.pk),)), keeper)) as file:
        file.extractall(tmp_path)
    path = tmp_path / f"disclosed/{entry.pk}.json"
    document = json.loads(path.read_text())
    other = {"payload": {"pd": "0.5"}, "key": "A" * 43 + "=", "entry_id": str(UUID(int=1))}
    path.write_text(json.dumps(document | {change: other[change]}))

    found = report(tmp_path)

    problems = [p for check in found.checks if check.name == "disclosed" for p in check.problems]
    assert [p.entry_id for p in problems] == [str(entry.pk)]


def test_the_subject_of_a_disclosure_is_no_foreign_key(entry: Entry) -> None:
    assert Subject.objects.count() == 1
    assert json.loads(bytes(entry.body))["subject"] == {"type": "tests.note", "id": "0"}


def test_a_bundle_that_discloses_is_downloaded_by_those_alone_who_may_disclose(
    entry: Entry, keeper: User, signed_in: Callable[[User], Client]
) -> None:
    build_export(export := request_export(Scope(decisions=(str(entry.pk),)), by=keeper), by=keeper)
    address = f"/api/v1/exports/{export.pk}/file"

    taken = signed_in(keeper).get(address)
    assert b"".join(taken.streaming_content).startswith(b"PK")
    assert signed_in(without_disclosure(keeper)).get(address).status_code == 403


def test_a_bundle_can_be_read_by_its_owner_alone(entry: Entry, keeper: User) -> None:
    assert built(Scope(), keeper).stat().st_mode & 0o777 == 0o600


def test_the_account_of_the_command_line_discloses_nothing_by_itself() -> None:
    assert "audit.export_evidence" in SERVICE_ACCOUNTS["cli"]
    assert "audit.disclose_private" not in SERVICE_ACCOUNTS["cli"]


def test_an_identifier_in_another_form_is_refused_and_not_silently_listed_nowhere(
    entry: Entry, keeper: User
) -> None:
    with pytest.raises(InvalidInput):
        request_export(Scope(decisions=(str(entry.pk).upper(),)), by=keeper)
