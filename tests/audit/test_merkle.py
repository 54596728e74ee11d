import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    BadProof,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    subtrees_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(b"entry %d" % i) for i in range(600)]


def recursive_root(leaves):
    """The definition of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


def hashes(texts):
    return [base64.b64decode(text) for text in texts or []]


def test_reference_inclusion_proofs_are_accepted_and_refused_as_they_must(vectors):
    cases = vectors("rfc6962-inclusion")["vectors"]
    assert sum(case["wantErr"] for case in cases) == 92

    for case in cases:
        leaf, root = hashes([case["leafHash"], case["root"]])
        arguments = (case["leafIdx"], case["treeSize"], leaf, hashes(case["proof"]), root)
        if case["wantErr"]:
            with pytest.raises(BadProof):
                verify_inclusion(*arguments)
        else:
            verify_inclusion(*arguments)


def test_reference_consistency_proofs_are_accepted_and_refused_as_they_must(vectors):
    cases = vectors("rfc6962-consistency")["vectors"]
    assert sum(case["wantErr"] for case in cases) == 92

    for case in cases:
        roots = hashes([case["root1"], case["root2"]])
        arguments = (case["size1"], case["size2"], hashes(case["proof"]), *roots)
        if case["wantErr"]:
            with pytest.raises(BadProof):
                verify_consistency(*arguments)
        else:
            verify_consistency(*arguments)


def test_the_classic_tree_has_its_published_roots(vectors):
    tree = vectors("rfc6962-tree")
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in tree["leaves"]]

    for size, root in enumerate(tree["roots_by_size"]):
        assert tree_root(leaves[:size]).hex() == root


def test_roots_and_proofs_equal_those_of_another_implementation(vectors):
    golden = vectors("tlog-golden")
    leaves = [leaf_hash(b"entry %d" % i) for i in range(70_000)]
    subtree = subtrees_of(leaves)

    for size, root in golden["roots"].items():
        assert [tree_root(leaves[: int(size)])] == hashes([root])
    for case in golden["inclusion"]:
        assert inclusion_proof(case["I"], case["N"], subtree) == hashes(case["Proof"])
    for case in golden["consistency"]:
        assert consistency_proof(case["M"], case["N"], subtree) == hashes(case["Proof"])


def test_an_empty_tree_has_the_root_of_nothing():
    assert tree_root([]) == CompactRange().root == EMPTY_ROOT == recursive_root([])


@given(size=st.integers(0, len(LEAVES)))
def test_a_root_is_the_same_recursively_by_levels_and_appended_one_by_one(size):
    appended = CompactRange()
    for leaf in LEAVES[:size]:
        appended.append(leaf)

    assert appended.root == tree_root(LEAVES[:size]) == recursive_root(LEAVES[:size])


@given(size=st.integers(1, len(LEAVES)), data=st.data())
def test_appending_goes_on_from_a_kept_range(size, data):
    kept = CompactRange()
    for leaf in LEAVES[: data.draw(st.integers(0, size))]:
        kept.append(leaf)

    restored = CompactRange(kept.size, kept.hashes)
    for leaf in LEAVES[kept.size : size]:
        restored.append(leaf)

    assert restored.root == tree_root(LEAVES[:size])


def test_a_range_with_too_few_hashes_is_refused():
    with pytest.raises(ValueError, match="perfect subtrees"):
        CompactRange(3, [LEAVES[0]])


@given(size=st.integers(1, len(LEAVES)), data=st.data())
def test_every_leaf_is_proved_to_be_in_its_tree(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, subtrees_of(LEAVES))

    verify_inclusion(index, size, LEAVES[index], proof, tree_root(LEAVES[:size]))


@given(new=st.integers(1, len(LEAVES)), data=st.data())
def test_every_tree_is_proved_to_grow_from_every_smaller_one(new, data):
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, subtrees_of(LEAVES))

    verify_consistency(old, new, proof, tree_root(LEAVES[:old]), tree_root(LEAVES[:new]))


@given(size=st.integers(1, len(LEAVES)), data=st.data())
def test_no_inclusion_proof_survives_one_flipped_bit(size, data):
    index = data.draw(st.integers(0, size - 1))
    root = tree_root(LEAVES[:size])
    parts = [LEAVES[index], *inclusion_proof(index, size, subtrees_of(LEAVES)), root]
    leaf, *proof, root = flipped(parts, data)

    with pytest.raises(BadProof):
        verify_inclusion(index, size, leaf, proof, root)


@given(new=st.integers(2, len(LEAVES)), data=st.data())
def test_no_consistency_proof_survives_one_flipped_bit(new, data):
    old = data.draw(st.integers(1, new))
    roots = [tree_root(LEAVES[:old]), tree_root(LEAVES[:new])]
    parts = [*roots, *consistency_proof(old, new, subtrees_of(LEAVES))]
    old_root, new_root, *proof = flipped(parts, data)

    with pytest.raises(BadProof):
        verify_consistency(old, new, proof, old_root, new_root)


@given(size=st.integers(2, len(LEAVES)), data=st.data())
def test_a_proof_holds_for_no_other_index_and_no_shorter_or_longer_path(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size).filter(lambda i: i != index))
    root = tree_root(LEAVES[:size])
    proof = inclusion_proof(index, size, subtrees_of(LEAVES))

    for wrong_index, wrong_proof in [(other, proof), (index, proof[:-1]), (index, [*proof, root])]:
        with pytest.raises(BadProof):
            verify_inclusion(wrong_index, size, LEAVES[index], wrong_proof, root)


def test_a_proof_that_cannot_exist_is_not_made():
    with pytest.raises(ValueError, match="no leaf 3"):
        inclusion_proof(3, 3, subtrees_of(LEAVES))
    with pytest.raises(ValueError, match="not the growth"):
        consistency_proof(0, 3, subtrees_of(LEAVES))


def flipped(parts, data):
    position = data.draw(st.integers(0, len(parts) - 1))
    altered = bytearray(parts[position])
    altered[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    return [*parts[:position], bytes(altered), *parts[position + 1 :]]
