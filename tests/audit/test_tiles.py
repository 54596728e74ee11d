import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_root,
    subtrees_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from audit.notes import open_note, parse_vkey
from audit.tiles import (
    Bundle,
    CheckpointBody,
    Frontier,
    MalformedBundle,
    MalformedCheckpoint,
    MalformedTilePath,
    Tile,
    bundles_at,
    decode_bundle,
    encode_bundle,
    parse_checkpoint,
    parse_path,
    proof_text,
    split_tile,
    subtrees_from,
    tiles_at,
)

LEAVES = [leaf_hash(b"entry %d" % i) for i in range(70_000)]


def tile_files(size):
    """path -> bytes of every tile of the first `size` leaves, level by level from the definition."""
    files, hashes, level = {}, LEAVES[:size], 0
    while hashes:
        for tile in (t for t in tiles_at(size) if t.level == level):
            start = tile.index * 256
            files[tile.path] = b"".join(hashes[start : start + tile.width])
        full = range(0, len(hashes) - len(hashes) % 256, 256)
        hashes, level = [tree_root(hashes[i : i + 256]) for i in full], level + 1
    return files


def test_tile_paths_are_those_of_another_implementation(vectors):
    for key, path in vectors("tlog-golden")["tile_paths_level_index_width"].items():
        tile = Tile(*map(int, key.split("/")))

        assert tile.path == path
        assert parse_path(path) == tile


def test_tiles_are_byte_for_byte_those_of_another_implementation(vectors):
    for size, digests in vectors("tlog-golden")["tile_sha256_by_tree_size"].items():
        files = tile_files(int(size))

        for path, digest in digests.items():
            assert hashlib.sha256(files[path]).hexdigest() == digest


def test_the_tiles_of_a_real_log_rebuild_the_root_of_its_checkpoint(vectors):
    log = vectors("tlog-tiles-300")
    note = open_note(log["checkpoint"], [parse_vkey(log["cosigner_vkey"])])
    checkpoint = parse_checkpoint(note.text)
    files = {path: base64.b64decode(data) for path, data in log["tiles_base64"].items()}

    assert {tile.path for tile in tiles_at(checkpoint.size)} == set(files)
    subtree = subtrees_from(checkpoint.size, lambda tile: files[tile.path])
    assert range_root(0, checkpoint.size, subtree) == checkpoint.root


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_tiles_of_any_size_hold_each_hash_once_and_rebuild_the_root(size):
    files = tile_files(size)

    assert b"".join(files[t.path] for t in tiles_at(size) if t.level == 0) == b"".join(
        LEAVES[:size]
    )
    assert all(1 <= tile.width <= 256 for tile in tiles_at(size))
    subtree = subtrees_from(size, lambda tile: files[tile.path])
    assert range_root(0, size, subtree) == tree_root(LEAVES[:size])


def test_tiles_around_a_full_tile_are_the_published_ones():
    assert [t.path for t in tiles_at(255)] == ["tile/0/000.p/255"]
    assert [t.path for t in tiles_at(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert [t.path for t in tiles_at(257)] == ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]
    assert [t.path for t in tiles_at(70_000)][-5:] == [
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]


@given(sizes=st.tuples(st.integers(0, 70_000), st.integers(0, 70_000)).map(sorted))
def test_growing_adds_exactly_the_tiles_that_were_not_there(sizes):
    old, new = sizes

    assert set(tiles_at(new, since=old)) == set(tiles_at(new)) - set(tiles_at(old))


@given(size=st.integers(1, 1000), data=st.data())
def test_proofs_from_tiles_are_the_proofs_from_leaves(size, data):
    files = tile_files(size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    subtree = subtrees_from(size, lambda tile: files[tile.path])
    root = tree_root(LEAVES[:size])

    proof = inclusion_proof(index, size, subtree)
    growth = consistency_proof(old, size, subtree)

    assert proof == inclusion_proof(index, size, subtrees_of(LEAVES))
    verify_inclusion(index, size, LEAVES[index], proof, root)
    verify_consistency(old, size, growth, tree_root(LEAVES[:old]), root)


@given(st.lists(st.integers(0, 700), max_size=6), st.booleans())
def test_appending_to_the_unfinished_tiles_gives_every_full_tile_and_the_root(batches, restart):
    frontier, full = Frontier(), []
    for batch in batches:
        full += frontier.append(LEAVES[frontier.size : frontier.size + batch])
        if restart:
            frontier = Frontier(frontier.size, [list(level) for level in frontier.levels])

    files = tile_files(frontier.size)
    assert frontier.root == tree_root(LEAVES[: frontier.size])
    assert {Tile(t.level, t.index, 256).path: t.hashes for t in full} == {
        path: data for path, data in files.items() if len(data) == 8192
    }
    assert all(t.root == tree_root(split_tile(t.hashes)) for t in full)


def test_a_tree_of_seventy_thousand_grows_through_three_levels():
    frontier = Frontier()

    full = frontier.append(LEAVES)

    assert [len(level) for level in frontier.levels] == [112, 17, 1]
    assert len(full) == 273 + 1
    assert frontier.root == tree_root(LEAVES)


def test_a_frontier_of_another_size_is_refused():
    with pytest.raises(ValueError, match="not the unfinished tiles"):
        Frontier(2, [LEAVES[:1]])


def test_a_bundle_stands_beside_every_tile_of_leaves():
    assert [b.path for b in bundles_at(257)] == ["tile/entries/000", "tile/entries/001.p/1"]
    assert parse_path("tile/entries/x001/x234/067.p/5") == Bundle(1_234_067, 5)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/5",
        "tile/0/0005",
        "tile/0/x000/005",
        "tile/0/001/005",
        "tile/0/005.p/0",
        "tile/0/005.p/256",
        "tile/0/005.p/01",
        "tile/00/005",
        "tile/64/005",
        "tile/-1/005",
        "tile/0/٠٠٥",
        "tile/0/../005",
        "tile/entries/5",
        "checkpoint",
        "tile/0/005\n",
    ],
)
def test_a_path_that_names_no_tile_is_refused(path):
    with pytest.raises(MalformedTilePath):
        parse_path(path)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_back_its_entries(entries):
    assert decode_bundle(encode_bundle(entries)) == entries


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5))
def test_a_bundle_that_lost_its_last_byte_is_refused(entries):
    with pytest.raises(MalformedBundle):
        decode_bundle(encode_bundle(entries)[:-1])


def test_an_entry_too_long_for_its_length_field_is_refused():
    encode_bundle([bytes(65_535)])

    with pytest.raises(MalformedBundle):
        encode_bundle([bytes(65_536)])


def test_a_checkpoint_reads_back_as_it_was_written():
    body = CheckpointBody("bank.example/log/2026", 70_000, tree_root(LEAVES))

    assert parse_checkpoint(body.text) == body
    assert body.text == f"bank.example/log/2026\n70000\n{base64.b64encode(body.root).decode()}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n" + "A" * 43 + "=",
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n+1\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n１\n" + "A" * 43 + "=\n",
        "o o\n1\n" + "A" * 43 + "=\n",
        "o+o\n1\n" + "A" * 43 + "=\n",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 42 + "B=\n",
        "o\n1\nAAAA\n",
        "o\n1\n" + "A" * 43 + "=\nextension\n",
        "o\n1\n" + "A" * 43 + "=\n\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text)


def test_a_proof_file_names_the_index_the_path_and_the_checkpoint():
    path = [bytes(32), bytes([255]) * 32]

    assert proof_text(7, path, "o\n9\nroot\n\n— o sig\n") == (
        "c2sp.org/tlog-proof@v1\nindex 7\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "//////////////////////////////////////////8=\n"
        "\no\n9\nroot\n\n— o sig\n"
    )


def test_a_tile_splits_into_its_hashes():
    assert split_tile(b"".join(LEAVES[:3])) == LEAVES[:3]
