"""The log is sealed, archived and verified; a bundle is exported, verified offline, and spoiled by one byte."""

import subprocess
import sys
import zipfile
from pathlib import Path

from governance import env
from governance.demo.clients import UnexpectedAnswer
from governance.demo.stage import Stage


def judge_again(stage: Stage) -> None:
    """Another version is champion by now: what judges is the artefact that judged then, read from the archive."""
    address = f"decisions/{stage.facts['shown']['decision_id']}/replay"
    with stage.story.step(
        "Ines, the auditor, has the first decision judged again, from its record"
    ):
        replayed = stage.rest("ines").post(address)
    if replayed["result"] != "equal":
        raise UnexpectedAnswer(f"The decision was judged otherwise: {replayed}")
    stage.story.say(
        "Equal to the last bit: score, attributions, outcome, reasons, and the signed entry."
    )


def seal_and_archive(stage: Stage) -> None:
    """The sequencer has sealed all along; the operator archives and has the whole log verified."""
    story, omar = stage.story, stage.rest("omar")
    with story.step("Omar archives the sealed log and has all of it verified"):
        for what in ("log/archivings", "log/verifications"):
            asked = omar.post(what, expect=202)
            done = omar.wait(
                f"log/passes/{asked['id']}",
                lambda answer: answer["state"] in {"done", "failed"},
                what,
                stage.processes.require_alive,
            )
            if done["state"] == "failed":
                raise UnexpectedAnswer(f"{what}: {done}")
            story.say(done["summary"])


def export_and_verify(stage: Stage) -> None:
    story, ines = stage.story, stage.rest("ines")
    with story.step("Ines, the auditor, exports an evidence bundle and verifies it offline"):
        scope = {"decisions": [stage.facts["shown"]["decision_id"]], "whole": True}
        asked = ines.post("exports", scope, expect=202)
        ines.wait(
            f"exports/{asked['id']}",
            lambda answer: answer["state"] in {"available", "failed"},
            "The export",
            stage.processes.require_alive,
        )
        bundle = stage.scratch / "evidence.zip"
        bundle.write_bytes(ines.download(f"exports/{asked['id']}/file"))
        verdict = _verify(bundle)
    if verdict.returncode:
        raise UnexpectedAnswer(f"The bundle did not verify:\n{verdict.stdout}{verdict.stderr}")
    story.say(f"python audit/verify.py {bundle.name}  [green]exit 0[/]")
    story.quote(verdict.stdout)


def tamper(stage: Stage) -> None:
    """One byte of one entry in a copy: the verifier must say which."""
    story = stage.story
    with story.step("Somebody changes one byte in a copy of the bundle"):
        spoiled = stage.scratch / "evidence-changed.zip"
        member = _copy_with_one_byte_changed(stage.scratch / "evidence.zip", spoiled)
        verdict = _verify(spoiled)
    if verdict.returncode == 0:
        raise UnexpectedAnswer("The verifier did not notice a changed byte.")
    story.say(
        f"one byte of {member} changed; python audit/verify.py {spoiled.name}  [red]exit {verdict.returncode}[/]"
    )
    story.quote(verdict.stdout)


def _verify(bundle: Path) -> subprocess.CompletedProcess[str]:
    """As a stranger would: one file, no Django, no database, no network, an empty environment."""
    return subprocess.run(  # noqa: S603  our own verifier
        [sys.executable, "-I", str(env.ROOT / "audit" / "verify.py"), str(bundle)],
        capture_output=True,
        text=True,
        env={},
    )


def _copy_with_one_byte_changed(source: Path, target: Path) -> str:
    """Flips a byte in the middle of the largest entry bundle, and returns its name."""
    with (
        zipfile.ZipFile(source) as bundle,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        entries = [info for info in bundle.infolist() if "/tile/entries/" in info.filename]
        victim = max(entries, key=lambda info: info.file_size).filename
        for info in bundle.infolist():
            data = bytearray(bundle.read(info))
            if info.filename == victim:
                data[len(data) // 2] ^= 1
            copy.writestr(info.filename, bytes(data))
    return victim
