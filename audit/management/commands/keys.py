"""Keys of the log: make the first ones, put one in the place of another, end one, list them all."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from rich.table import Table

from audit import key_history, key_making, keyring, keys, log_rotation, producer_rotation, sequencer
from audit.actions.keys import open_log
from audit.command_base import ActCommand
from audit.introductions import Step
from audit.keyring import KeyState
from audit.keys import folder
from audit.notes import ED25519, ML_DSA_44

KINDS = {"log": ED25519, "log-ml-dsa": ML_DSA_44}


class Command(ActCommand):
    help = (
        "init: make the keys of a new log. rotate: put a new key in the place of one. retire: end a key that has a successor. "
        "lose: end a key that others may have, or nobody, and make another. list: every key there ever was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subcommand", choices=["init", "rotate", "retire", "lose", "list"])
        parser.add_argument(
            "--key",
            metavar="KEY",
            help="producer, log (Ed25519), log-ml-dsa, or the id of a key as `list` shows it (default with rotate: producer)",
        )
        parser.add_argument(
            "--to",
            metavar="ADDRESS",
            help="where the new log key is: file:NAME, pkcs11:... or kms:ARN (default: a new file)",
        )
        parser.add_argument(
            "--overlap",
            type=int,
            default=log_rotation.OVERLAP,
            metavar="CHECKPOINTS",
            help=f"how many the old log key signs beside the new one (default {log_rotation.OVERLAP:,}: a week of heartbeats)",
        )
        parser.add_argument("--reason", default="", help="with lose and retire: kept in the log")
        parser.add_argument(
            "--wait",
            type=float,
            default=60,
            metavar="SECONDS",
            help="how long to wait until the new key's entry is published (default 60); run again to go on",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and change nothing"
        )
        parser.add_argument(
            "--origin",
            help="with init: name of the log (default: CREDENCE_ORIGIN and the year)",
        )
        parser.add_argument(
            "--if-missing",
            action="store_true",
            help="with init: leave the keys alone where there are some, and succeed",
        )

    def act(self, *, by: User, **options: Any) -> None:
        if options["overlap"] < 0:
            raise CommandError("--overlap is a number of checkpoints, 0 or more.")
        getattr(self, f"_{options['subcommand']}")(by, **options)

    def _init(self, by: User, **options: Any) -> None:
        origin = options["origin"] or f"{settings.CREDENCE_ORIGIN}/{datetime.now(UTC).year}"
        if options["dry_run"]:
            self._say(f"Would open {origin} with keys at {', '.join(settings.CREDENCE_LOG_KEYS)}.")
            return
        if not (options["if_missing"] and keys.present()):
            open_log(origin, by=by)
            result = sequencer.seal(origin)
            self._say(f"Opened [bold]{origin}[/] and sealed {result.entries} entries.")
            self._say(
                "Give the public log keys to whoever is to check this log one day, by another way:"
            )
        self._list(by)

    def _rotate(self, by: User, **options: Any) -> None:
        name = options["key"] or "producer"
        if name not in {"producer", *KINDS}:
            raise CommandError(
                "--key is producer, log or log-ml-dsa: what is rotated is the one in use."
            )
        if options["dry_run"]:
            self._say(self._rotation_told(name, options["to"], options["overlap"]))
            return
        with self.working(f"Rotating the {name} key") as update:
            told = self._told(update)
            if name == "producer":
                producer_rotation.rotate(by=by, seconds=options["wait"], on_step=told)
                self._say(
                    "Processes sign with it from their next act on. The old key is retired in a day."
                )
                return
            new = log_rotation.rotate(
                KINDS[name],
                options["to"],
                options["overlap"],
                by=by,
                seconds=options["wait"],
                on_step=told,
            )
        self._say(f"\n  log {new.vkey}\n")
        self._say(
            "Add that line to the policies you gave to others and to your witnesses. Whoever trusts the old key is led to it by "
            f"the note in rotations/. The old key signs {options['overlap']:,} more checkpoints; the sequencer then retires it."
        )

    def _retire(self, by: User, **options: Any) -> None:
        key_id = self._chosen(options["key"])
        producers = keys.delegations()
        if options["dry_run"]:
            what = (
                "sign no later entry" if key_id in producers else "vouch for no larger checkpoint"
            )
            self._say(
                f"Would write into the log that {key_id} may {what}. What it signed stays good."
            )
            return
        reason = options["reason"] or "retired"
        if key_id in producers:
            producer_rotation.retire(key_id, reason, by=by)
        else:
            log_rotation.retire(key_id, reason, by=by)
        sequencer.await_sealed(keys.current_origin(), options["wait"])
        self._say(f"Retired {key_id}. Its private half is of no more use: destroy it.")

    def _lose(self, by: User, **options: Any) -> None:
        if not options["reason"]:
            raise CommandError("--reason says what happened. It is kept in the log for ever.")
        if options["key"] is None:
            raise CommandError(
                "--key names the key that is lost: producer, log, log-ml-dsa or an id."
            )
        key_id = self._chosen(options["key"])
        if options["dry_run"]:
            self._say(self._loss_told(key_id))
            return
        with self.working(f"Ending {key_id}") as update:
            told = self._told(update)
            if key_id in keys.delegations():
                producer_rotation.lose(
                    key_id, options["reason"], by=by, seconds=options["wait"], on_step=told
                )
            else:
                successor = log_rotation.lose(key_id, options["to"], options["reason"], by=by)
                if successor is not None:
                    self._say(f"\n  log {successor.vkey}\n")
                    self._say(
                        "Give that line to all who hold a policy or witness this log, by another way, and have the old one removed."
                    )
                told("a new producer key, on the word of the key that remains")
                producer_rotation.rotate(by=by, seconds=options["wait"], on_step=told)
        sequencer.await_sealed(keys.current_origin(), options["wait"])
        self._say(f"Lost: {key_id}. Verify the log now: `manage.py verify_log`.")

    def _chosen(self, name: str | None) -> str:
        """The key id that `--key` means: the one in use, where it names a kind."""
        if name == "producer":
            return keys.installed_producer().key_id
        if name in KINDS:
            key = keyring.read(folder()).newest(keys.current_origin(), KINDS[name])
            if key is None:
                raise CommandError(f"This log has no {name} key.")
            return key.key_id
        if name is None:
            raise CommandError(
                "--key names the key: producer, log, log-ml-dsa or an id that `list` shows."
            )
        return name

    def _rotation_told(self, name: str, to: str | None, overlap: int) -> str:
        if name == "producer":
            old = keys.installed_producer()
            return (
                f"Would make a producer key valid for {key_making.DELEGATION_DAYS} days, record it, wait until a published checkpoint "
                f"covers that, and put it in the place of {old.key_id}, which could sign until "
                f"{old.delegation.not_after:%Y-%m-%d %H:%M} UTC and is retired a day later."
            )
        origin = keys.current_origin()
        old_key = keyring.read(folder()).newest(origin, KINDS[name])
        where = to or log_rotation.next_address(origin, KINDS[name])
        beside = (
            f"{old_key.key_id} signs {overlap:,} more checkpoints beside it, and is then retired"
            if old_key
            else "no key of this kind signs now"
        )
        return f"Would let the key at {where} sign checkpoints of {origin}; {beside}. Policies that others hold want the new line."

    def _loss_told(self, key_id: str) -> str:
        if key_id in keys.delegations():
            return (
                f"Would put a new producer key in the place of {key_id} and write that later entries by it are void. Entries by it up to "
                "then stay as they are: whoever had it could have written entries, but not have them sealed without this sequencer."
            )
        size = key_history.signed_size(key_id)
        return (
            f"Would write that {key_id} vouches for no checkpoint above {size:,} entries, and make a new key where none of its kind remains. "
            "Nobody can trust an Ed25519 key that follows a lost one from the log alone: everybody who holds a policy, and every "
            "witness, must be given the new line by another way. This cannot be undone."
        )

    def _told(self, update: Step) -> Step:
        """Each step once, however often it is tried."""
        seen: set[str] = set()

        def tell(text: str) -> None:
            update(text)
            if text not in seen:
                self._say(f"  {text}")
            seen.add(text)

        return tell

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _list(self, by: User, **options: Any) -> None:
        for vkey in keys.log_vkeys(keys.current_origin()):
            self._say(f"\n  {vkey}\n  SHA-256 of that line: {keys.fingerprint(vkey)}")
        table = Table(title="\nKeys, oldest first", title_justify="left")
        for name in ("key", "use", "from", "until", "state", "introduced by"):
            table.add_column(name, overflow="fold")
        try:
            facts = key_history.history()
        except DatabaseError as problem:
            raise CommandError(f"The database does not answer: {problem}") from problem
        for fact in facts:
            state = (
                f"[green]{fact.state}[/]"
                if fact.state in (KeyState.VALID, "in use")
                else fact.state
            )
            table.add_row(
                fact.key_id,
                fact.use,
                f"{fact.since:%Y-%m-%d %H:%M} UTC",
                f"{fact.until:%Y-%m-%d %H:%M} UTC" if fact.until else "",
                state
                + (f", up to size {fact.ends_at_size:,}" if fact.ends_at_size is not None else ""),
                str(fact.introduced_by or "not introduced"),
            )
        self.console.print(table)
