"""The `.tlog-proof` of an entry: what shows a stranger that the signed log holds it."""

from uuid import UUID

from audit import tree
from audit.errors import NotFound
from audit.merkle import inclusion_proof
from audit.models import Entry, Leaf, Publication
from audit.queries import publications
from audit.sequencer import NotYetSealed
from audit.tiles import proof_text


class NoSuchEntry(NotFound):
    """The log holds no entry of that identifier."""


def proof_for(entry_id: UUID) -> str:
    """The proof at the newest checkpoint. Raises NotYetSealed until a published checkpoint covers the entry; NoSuchEntry."""
    leaf = Leaf.objects.filter(entry_id=entry_id).first()
    if leaf is None and not Entry.objects.filter(pk=entry_id).exists():
        raise NoSuchEntry(f"The log holds no entry {entry_id}.")
    checkpoint = _covering(leaf) if leaf else None
    if leaf is None or checkpoint is None:
        raise NotYetSealed(f"Entry {entry_id} is recorded, and waits to be sealed.")
    path = inclusion_proof(leaf.index, checkpoint.size, tree.subtrees(leaf.origin, checkpoint.size))
    return proof_text(leaf.index, path, checkpoint.note)


def _covering(leaf: Leaf) -> Publication | None:
    newest = publications(leaf.origin).first()
    return newest if newest and newest.size > leaf.index else None
