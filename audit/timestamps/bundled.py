"""The tokens of a log as files of a bundle: each beside the very note that was stamped."""

from collections.abc import Iterator

from audit.queries import timestamp_tokens
from audit.timestamps.passes import root_certificates

ROOTS = "trust/tsa.pem"


def token_files(origin: str, folder: str, sizes: range) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) for every token of a checkpoint whose size lies in `sizes`."""
    for token in timestamp_tokens(origin).iterator(chunk_size=500):
        publication = token.publication
        if publication.size in sizes:
            yield f"{folder}/checkpoints/{publication.size:020d}", publication.note.encode()
            yield f"{folder}/timestamps/{publication.size:020d}.tsr", bytes(token.response)


def root_file() -> tuple[str, bytes]:
    """The roots under which we accepted the tokens: what a stranger should rather have by another way."""
    return ROOTS, root_certificates()
