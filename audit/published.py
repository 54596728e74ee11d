"""Whether what strangers saw is what the log signed, and has the cosignatures that the policy asks for."""

from collections.abc import Iterator

from audit.models import Publication
from audit.notes import NoteError, open_note
from audit.publishing import witness_policy
from audit.queries import publications
from audit.tiles import CheckpointBody


def publication_problems(origin: str) -> Iterator[str]:
    """Of every publication, the largest first; and of the newest, whether the quorum of today's policy cosigned it."""
    newest = None
    for publication in publications(origin).iterator(chunk_size=2000):
        newest = newest or publication
        checkpoint = publication.checkpoint
        body = CheckpointBody(checkpoint.origin, checkpoint.size, bytes(checkpoint.root))
        if not checkpoint.note.startswith(body.text + "\n"):
            yield f"the checkpoint at {checkpoint.size:,} does not say what its row says"
        if not publication.note.startswith(checkpoint.note):
            yield f"at {checkpoint.size:,} another note was published than was signed"
    if newest is not None:
        yield from _quorum_problems(newest)


def _quorum_problems(newest: Publication) -> Iterator[str]:
    policy = witness_policy()
    if policy.quorum is None:
        return
    names = {(w.verifier.name, w.verifier.key_id): w.name for w in policy.witnesses}
    try:
        opened = open_note(newest.note, [witness.verifier for witness in policy.witnesses])
    except NoteError as problem:
        yield f"the cosignatures published at {newest.size:,} are not good: {problem}"
        return
    if not policy.is_met([names[s.name, s.key_id] for s in opened.signatures]):
        yield f"what was published at {newest.size:,} does not have the quorum {policy.quorum!r}"
