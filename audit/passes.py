"""Carrying out a pass that somebody asked for."""

from django.contrib.auth.models import User

from audit.actions.passes import finish_pass
from audit.archive.passes import archive_pass
from audit.errors import Refusal
from audit.models import LogPass
from audit.verification import verify_log

SHOWN_PROBLEMS = 3


def run_pass(log_pass: LogPass, *, by: User) -> LogPass:
    """Archive or verify, and write down what came of it. A refusal is what came of it, too."""
    work = {LogPass.Kind.ARCHIVING: _archive, LogPass.Kind.VERIFICATION: _verify}[
        LogPass.Kind(log_pass.kind)
    ]
    try:
        holds, summary = work(by)
    except Refusal as refusal:
        holds, summary = False, refusal.detail
    return finish_pass(log_pass.pk, by=by, holds=holds, summary=summary)


def _archive(by: User) -> tuple[bool, str]:
    done = archive_pass(by=by)
    return True, (
        f"Archived {done.epochs:,} epochs in {done.objects:,} objects ({done.size / 1e6:,.2f} MB), read back and compared; "
        f"the archive holds {done.tree_size:,} entries."
    )


def _verify(by: User) -> tuple[bool, str]:
    found = verify_log(by=by)
    if found.problems:
        first = " ".join(found.problems[:SHOWN_PROBLEMS])
        return False, f"The log does not hold: {len(found.problems)} problems. {first}"
    return True, f"Everything holds: {found.tree_size:,} entries and the archive were verified."
