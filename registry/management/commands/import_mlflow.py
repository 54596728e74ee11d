"""Import a run of an MLflow tracking server, with its model where that has a format without pickle."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from audit.command_base import ActCommand
from registry import queries
from registry.importing import Choice, import_run
from registry.models import Run
from registry.tracking import TrackingServer
from registry.write_backs import token_for


class Command(ActCommand):
    help = (
        "Import a run of an MLflow tracking server: parameters, metrics, model version, signature and model. The model is measured "
        "here on the data set's held-out rows. People do this in their own name: --as USER."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", help="a run's id, models:/NAME/VERSION or models:/NAME@ALIAS")
        parser.add_argument("--tracking-uri", default=settings.CREDENCE_MLFLOW_URI)
        parser.add_argument("--model", required=True, help="name of the model here")
        parser.add_argument(
            "--dataset", required=True, help="number or SHA-256 of the data set here"
        )
        parser.add_argument(
            "--artefact", default="", help="a file among the run's artefacts to take as the model"
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="says, with the share, which rows are held out"
        )
        parser.add_argument("--holdout-share", type=float, default=0.3)

    def act(self, *, by: User, **options: Any) -> None:
        uri = options["tracking_uri"]
        if not uri:
            raise CommandError("Name the server with --tracking-uri or CREDENCE_MLFLOW_URI.")
        choice = Choice(
            options["what"], options["artefact"], options["seed"], options["holdout_share"]
        )
        with self.working("Importing"), TrackingServer(uri, token_for(uri)) as server:
            run = import_run(
                server,
                choice,
                queries.model_named(options["model"]),
                queries.dataset_called(options["dataset"]),
                by=by,
            )
        if run.status == Run.Status.FAILED:
            raise CommandError(f"The run {run.pk} failed: {run.error}")
        self.console.print(f"Run {run.pk} is {run.status}.", soft_wrap=True)
