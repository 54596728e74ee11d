"""What offline verification costs: `python -m tests.benchmarks.audit.verifying [--entries N]`. The last line is one JSON object.

A log of 1 KiB entries is written to a temporary folder by our own writer functions, as a bundle with its manifest. Beside the
verifier, in the same run and with as many processes: bare SHA-256 of the leaves, and bare Ed25519 verification of the
signatures, on bytes that lie in memory; once before and once after, so that a change of the machine's speed meets both.
"""

import argparse
import base64
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit import entries, verify
from audit.canonical import timestamp
from audit.merkle import leaf_hash
from audit.notes import NoteSigner, sign_note, vkey
from audit.tiles import Bundle, CheckpointBody, Frontier, Tile, encode_bundle, tiles_at

ORIGIN = "benchmark.example/log/2026"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ENTRY_BYTES = 1024
LOG_KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")
PRODUCER = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\2")
LOG_VKEY = vkey(ORIGIN, LOG_KEY.public_key().public_bytes_raw())
PRODUCER_VKEY = vkey(f"{ORIGIN}/producer", PRODUCER.public_key().public_bytes_raw())
PREFIX = "log/2026/"
SAMPLE = 60_000  # signatures that bare Ed25519 verifies, before and after
YEARS_OF_A_LARGE_BANK = 128_000_000  # entries
WORKERS = os.cpu_count() or 1


def measure(count: int = 1_000_000) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        write_bundle(bundle, count)
        policy = Path(folder) / "policy"
        policy.write_text(f"log {LOG_VKEY}\nquorum none\n")
        figures = tree_rates(bundle, policy.read_text(), count)
        figures |= full_rates(bundle, policy, count)
        figures["proof_ms"] = proof_ms(bundle, count)
    hours = YEARS_OF_A_LARGE_BANK / figures["verify_full_per_s"] / 3600
    return figures | {"projection_128m_hours": hours}


def tree_rates(bundle: Path, policy: str, count: int) -> dict[str, float]:
    before = bare_rate(bundle, count, count, hash_leaves)
    files = verify.open_bundle(bundle)
    opened = verify.check_checkpoints(
        verify.Report("benchmark"), files, PREFIX, verify.parse_policy(policy), False
    )
    assert opened is not None
    report = verify.Report("benchmark")
    begun = time.perf_counter()
    verify.check_tree(opened[0], report, verify.Crew(WORKERS))
    ours = count / (time.perf_counter() - begun)
    assert report.holds
    bare = statistics.mean([before, bare_rate(bundle, count, count, hash_leaves)])
    return {
        "verify_tree_vs_sha256": ours / bare,
        "verify_tree_per_s": ours,
        "sha256_leaves_per_s": bare,
    }


def full_rates(bundle: Path, policy: Path, count: int) -> dict[str, float]:
    """The program as a regulator runs it, its memory watched from outside."""
    sample = min(count, SAMPLE)
    before = bare_rate(bundle, count, sample, verify_signatures)
    command = [sys.executable, "-I", verify.__file__, str(bundle), "--policy", str(policy)]
    begun, peak = time.perf_counter(), 0
    with subprocess.Popen([*command, "--workers", str(WORKERS)], stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            peak = max(peak, resident_kib(process.pid))
            time.sleep(0.05)
        assert process.returncode == 0, process.stdout and process.stdout.read().decode()
    ours = count / (time.perf_counter() - begun)
    bare = statistics.mean([before, bare_rate(bundle, count, sample, verify_signatures)])
    return {
        "verify_full_vs_ed25519": ours / bare,
        "verify_full_per_s": ours,
        "ed25519_verify_per_s": bare,
        "verify_peak_mib": peak / 1024,
    }


def proof_ms(bundle: Path, count: int) -> float:
    """Of one entry out of the many, the median of some; the folder was listed before."""
    generator, files, times = random.Random(1), verify.open_bundle(bundle), []
    for _ in range(50):
        index = generator.randrange(count)
        begun = time.perf_counter()
        verify.make_proof(files, str(index))
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def resident_kib(pid: int) -> int:
    """Of a process and all below it; what they share is counted for each."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")]
    return sum(own) + sum(resident_kib(int(child)) for child in children)


# --- The baselines: nothing but the hash, nothing but the signature -----------------------------------------------


def bare_rate(bundle: Path, count: int, sample: int, work) -> float:
    """Of the first entries, in a second of all processes together; reading and decoding are not counted."""
    bundles = -(-sample // 256)
    shares = [(bundle, count, range(n, bundles, WORKERS)) for n in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS) as pool:
        return sum(done / seconds for done, seconds in pool.map(work, shares))


def hash_leaves(share) -> tuple[int, float]:
    done, seconds, sha256 = 0, 0.0, hashlib.sha256
    for bodies in bodies_of(share):
        begun = time.perf_counter()
        for body in bodies:
            sha256(b"\x00" + body).digest()
        seconds += time.perf_counter() - begun
        done += len(bodies)
    return done, seconds


def verify_signatures(share) -> tuple[int, float]:
    done, seconds = 0, 0.0
    key = Ed25519PublicKey.from_public_bytes(PRODUCER.public_key().public_bytes_raw())
    for bodies in bodies_of(share):
        signed = [signature_and_message(body) for body in bodies if PRODUCER_ID in body]
        begun = time.perf_counter()
        for signature, message in signed:
            key.verify(signature, message)
        seconds += time.perf_counter() - begun
        done += len(signed)
    return done, seconds


PRODUCER_ID = b'"producer":"%s"' % "+".join(PRODUCER_VKEY.split("+")[:2]).encode()


def signature_and_message(body: bytes) -> tuple[bytes, bytes]:
    fields = json.loads(body)
    signature = base64.b64decode(fields.pop("signature"))
    return signature, b"credence-entry/v1\n" + verify.canonical(fields)


def bodies_of(share):
    bundle, count, numbers = share
    for number in numbers:
        path = Bundle(number, min(256, count - number * 256)).path
        yield verify.decode_bundle((bundle / PREFIX / path).read_bytes())[0]


# --- Writing the log ----------------------------------------------------------------------------------------------


def write_bundle(folder: Path, count: int) -> None:
    """Entries and tiles by the writer's functions; a manifest over them, signed by the log key."""
    frontier, files = Frontier(), {}
    log = folder / PREFIX
    with ProcessPoolExecutor(WORKERS) as pool:
        bundles = ((log, number, count) for number in range(-(-count // 256)))
        for leaves, name, digest, size in pool.map(write_entries, bundles, chunksize=16):
            files[name] = {"sha256": digest, "size": size}
            for tile in frontier.append(leaves):
                name = f"{PREFIX}{Tile(tile.level, tile.index, 256).path}"
                files[name] = write_file(folder / name, tile.hashes)
    for tile in (t for t in tiles_at(count) if t.width < 256):
        name = f"{PREFIX}{tile.path}"
        files[name] = write_file(folder / name, b"".join(frontier.levels[tile.level]))
    checkpoint = signed(CheckpointBody(ORIGIN, count, frontier.root).text).encode()
    files[f"{PREFIX}checkpoint"] = write_file(log / "checkpoint", checkpoint)
    manifest = {"schema": "credence-bundle/1", "log_is": "whole", "files": files}
    data = json.dumps(manifest).encode()
    write_file(folder / "manifest.json", data)
    note = signed(f"credence-manifest/v1\n{hashlib.sha256(data).hexdigest()}\n")
    write_file(folder / "manifest.note", note.encode())


def write_entries(work: tuple[Path, int, int]) -> tuple[list[bytes], str, str, int]:
    log, number, count = work
    bundle = Bundle(number, min(256, count - number * 256))
    bodies = [entry(number * 256 + place) for place in range(bundle.width)]
    data = encode_bundle(bodies)
    at = write_file(log / bundle.path, data)
    return [leaf_hash(b) for b in bodies], f"{PREFIX}{bundle.path}", at["sha256"], at["size"]


def write_file(path: Path, data: bytes) -> dict:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def signed(text: str) -> str:
    return sign_note(text, [NoteSigner(ORIGIN, LOG_KEY)])


def entry(index: int) -> bytes:
    """Entries 0 and 1 open the log and introduce its producer; the others are a decision each."""
    if index == 0:
        details = {"vkey": LOG_VKEY, "entry_schema": entries.SCHEMA, "previous": None}
        return sealed("audit.shard.opened", index, details, LOG_VKEY, LOG_KEY)
    if index == 1:
        times = timestamp(BEGIN), timestamp(BEGIN + timedelta(days=400))
        delegation = signed(
            "\n".join(["credence-delegation/v1", PRODUCER_VKEY, *times, ORIGIN, ""])
        )
        details = {"vkey": PRODUCER_VKEY, "not_before": times[0], "not_after": times[1]}
        details["delegation"] = delegation
        return sealed("audit.producer_key.introduced", index, details, LOG_VKEY, LOG_KEY)
    details = {
        "model": "loanapp", "version": 3, "policy": 7, "outcome": "declined", "score": "612.5",
        "reasons": ["D04", "D17", "A02", "C11"], "latency_ms": index % 40, "filler": "",
    }  # fmt: skip
    short = sealed("serving.decision.made", index, details, PRODUCER_VKEY, None)
    details["filler"] = "x" * (ENTRY_BYTES - len(short))
    return sealed("serving.decision.made", index, details, PRODUCER_VKEY, PRODUCER)


def sealed(event, index, details, vkey_text, key) -> bytes:
    draft = entries.Draft(
        id=UUID(int=(7 << 76) | (2 << 62) | (index << 80)),
        origin=ORIGIN,
        event=event,
        occurred_at=BEGIN + timedelta(milliseconds=20 * index),
        actor={"id": "7", "name": "lending", "authn": "token", "roles": ["scoring client"]},
        request_id=f"req-{index:012d}",
        subject={"type": "serving.decision", "id": f"{index:012d}"},
        public=details,
        private=None,
    )

    def sign(domain: str, data: bytes) -> bytes:
        return key.sign(domain.encode() + b"\n" + data) if key else bytes(64)

    return entries.seal(draft, "+".join(vkey_text.split("+")[:2]), sign)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, metavar="N", help="%(default)s")
    figures = measure(parser.parse_args().entries)
    for name, value in figures.items():
        print(f"{name:<26} {value:,.3f}")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
