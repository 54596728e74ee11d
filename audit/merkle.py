"""The Merkle tree of the log: hashes, roots and proofs.

Source: RFC 6962 section 2.1 and RFC 9162 section 2.1.3. Pure: 32-byte hashes in and out.
A proof is a sequence of hashes, leaf side first.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""(level, index) -> the root of the perfect subtree over leaves index*2^level to (index+1)*2^level."""


class BadProof(ValueError):
    """A proof that does not lead to the root it is said to lead to."""


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The least that must be kept to append to a tree: the roots of its perfect subtrees.

    `hashes` holds one root per one-bit of `size`, largest subtree first.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"A tree of {size} has {size.bit_count()} perfect subtrees.")

    def append(self, leaf: bytes) -> None:
        self.hashes.append(leaf)
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = self.hashes.pop()
            self.hashes[-1] = node_hash(self.hashes[-1], right)

    @property
    def root(self) -> bytes:
        return fold(self.hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that stand side by side, largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, level by level."""
    level = list(leaves)
    while len(level) > 1:
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0] if level else EMPTY_ROOT


def subtrees_of(leaves: Sequence[bytes]) -> Subtree:
    """Subtree roots computed from leaf hashes in memory."""
    return lambda level, index: tree_root(leaves[index << level : (index + 1) << level])


def perfect_subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """(level, index) of the largest perfect subtrees that cover leaves begin..end, left to right.

    `begin` must be a multiple of every subtree's size, as it is on both sides of a split.
    """
    subtrees = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        subtrees.append((level, begin >> level))
        begin += 1 << level
    return subtrees


def range_root(begin: int, end: int, subtree: Subtree) -> bytes:
    """The root over leaves begin..end, where `begin` is on the left side of a split."""
    return fold([subtree(level, index) for level, index in perfect_subtrees(begin, end)])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"There is no leaf {index} in a tree of {size}.")
    begin, end, proof = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(range_root(middle, end, subtree))
            end = middle
        else:
            proof.append(range_root(begin, middle, subtree))
            begin = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show the first `old` leaves to be a prefix of the first `new` (RFC 6962 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"A tree of {new} is not the growth of a tree of {old}.")
    begin, end, proof = 0, new, []
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(range_root(middle, end, subtree))
            end = middle
        else:
            proof.append(range_root(begin, middle, subtree))
            begin = middle
    if begin > 0:  # the verifier knows the old root, but not that of this last old subtree
        proof.append(range_root(begin, end, subtree))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise BadProof unless `leaf` is the leaf at `index` of the tree of `size` under `root`."""
    _require_hashes([leaf, root, *proof])
    if not 0 <= index < size:
        raise BadProof(f"There is no leaf {index} in a tree of {size}.")
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise BadProof("The proof is longer than the path from the leaf to the root.")
        if position % 2 or position == last:
            result = node_hash(sibling, result)
            while position and not position % 2:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise BadProof("The proof is shorter than the path from the leaf to the root.")
    if result != root:
        raise BadProof(f"The proof of leaf {index} leads to another root.")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise BadProof unless the tree of `new` starts with the tree of `old`.

    Nothing can be proved from size 0, so that is refused too.
    """
    _require_hashes(proof)  # of the roots, whatever is not a hash equals no result below
    if not 0 < old <= new:
        raise BadProof(f"A tree of {new} is not the growth of a tree of {old}.")
    if old == new:
        if proof or not old_root or old_root != new_root:
            raise BadProof(f"Two different trees of size {old}.")
        return
    if not proof:
        raise BadProof("An empty proof shows nothing about a tree that grew.")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    position, last = old - 1, new - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    old_result = new_result = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise BadProof("The proof is longer than the path to the root.")
        if position % 2 or position == last:
            old_result = node_hash(sibling, old_result)
            new_result = node_hash(sibling, new_result)
            while position and not position % 2:
                position, last = position >> 1, last >> 1
        else:
            new_result = node_hash(new_result, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise BadProof("The proof is shorter than the path to the root.")
    if old_result != old_root:
        raise BadProof(f"The tree of {new} does not start with the tree of {old}.")
    if new_result != new_root:
        raise BadProof(f"The proof leads to another root at size {new}.")


def _split(size: int) -> int:
    """The largest power of two below `size`: where a tree of `size` divides."""
    return 1 << ((size - 1).bit_length() - 1)


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(h) != HASH_BYTES for h in hashes):
        raise BadProof(f"Every hash of a proof has {HASH_BYTES} bytes.")
