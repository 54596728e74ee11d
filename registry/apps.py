"""The floor that knows models, versions, artefacts, datasets and runs."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "Models and data"

    append_only = [
        "Dataset",
        "Artefact",
        "Baseline",
        "Clearance",
        "FeatureIngest",
        "FeatureTable",
        "ModelRecord",
        "PolicyEndorsement",
        "Reproduction",
        "RestrictionLift",
        "RunReport",
        "StageChange",
        "TrackedRun",
        "UseRestriction",
    ]
    governed = ["ScoringModel", "Run", "Policy", "ModelVersion", "WriteBack"]
    erasable = ["FeatureRow"]
    plain: list[str] = []

    def ready(self) -> None:
        from audit.holdings import forgets_erased
        from audit.recorded import recorded_table

        forgets_erased("registry.forget_erased")
        for name in (*self.append_only, *self.governed):
            recorded_table(self.get_model(name))
