"""Generate the documents about a version, and write them out."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from audit.command_base import ActCommand
from governance.document_drafts import generate
from governance.documents.composing import kind_named
from governance.documents.kinds import Kind
from governance.documents.standing import is_stale
from governance.models import Document
from governance.queries.documents import documents_of, may_read, page_of, pdf_of
from registry.models import ModelVersion
from registry.queries import model_named, version_numbered


class Command(ActCommand):
    help = (
        "Generate documents about a version from the record; one that says what the record says is kept. "
        "Those that compare protected groups are written out only for somebody who may see fairness reports (--as USER)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("version", type=int)
        parser.add_argument(
            "--kind", action="append", help=f"one of {', '.join(Kind)}; all unless given"
        )
        parser.add_argument("--out", type=Path, metavar="DIR", help="write page and PDF there")

    def act(self, *, by: User, **options: Any) -> None:
        version = version_numbered(model_named(options["model"]), options["version"])
        kinds = [kind_named(name) for name in options["kind"] or Kind]
        out: Path | None = options["out"]
        if out is not None and not out.is_dir():
            raise CommandError(f"--out: there is no folder {out}.")
        for kind in kinds:
            with self.working(f"{kind} of {version}"):
                document, what = _generated(version, kind, by)
            if out is not None:
                what += f", {_written(document, out, by)}"
            said = f"{document}: {what}; sha256 {document.sha256}"
            self.console.print(said, soft_wrap=True)


def _generated(version: ModelVersion, kind: Kind, by: User) -> tuple[Document, str]:
    newest = documents_of(version).filter(kind=kind).first()
    if newest is not None and not is_stale(newest, timezone.now()):
        return newest, "unchanged"
    return generate(version, kind, by=by), "generated"


def _written(document: Document, out: Path, by: User) -> str:
    if not may_read(by, document):
        return "not written: it compares protected groups"
    name = (
        f"{document.version.model.name}-{document.version.number}-{document.kind}-{document.number}"
    )
    (out / f"{name}.html").write_bytes(page_of(document, reader=by))
    (out / f"{name}.pdf").write_bytes(pdf_of(document, reader=by))
    return "written"
