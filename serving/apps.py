"""The floor that decides applications."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"
    verbose_name = "Decisions"

    append_only = [
        "Decision", "Outcome", "LoadFailure", "ExplanationFailure", "Replay", "ReplayRun", "ReplayFailure",
        "ProbeSet", "ProbeResult", "ProbeFailure", "Notice", "NoticeDelivery", "ApplicationStatus", "LateNotice", "NoticeAlert",
        "ApplicationNotice", "ApplicationNoticeDelivery",
        "Resolution", "Correction", "ReviewStep", "LateReview", "ShadowPass", "GuardRailEvaluation", "GuardRailBreach",
    ]  # fmt: skip
    governed = ["Deployment", "Review"]
    erasable = ["Observation", "ExplanationLetter", "ShadowScore"]
    plain = ["IdempotencyRecord", "ClientMinute", "NoticeCount"]

    def ready(self) -> None:
        from audit.holdings import holds_records
        from audit.partitions import partitioned_table
        from audit.recorded import recorded_table
        from serving.holdings import held_about

        holds_records(held_about, sweep="serving.forget_erased")
        partitioned_table(self.get_model("Decision"))
        for name in (*self.append_only, *self.governed, "ExplanationLetter"):
            recorded_table(self.get_model(name))
