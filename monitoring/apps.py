"""The floor that measures the live population."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"
    verbose_name = "Monitoring"

    append_only = ["Report", "Alert"]
    governed = ["MonitoringPass"]
    erasable = ["ProtectedValue"]
    plain: list[str] = []

    def ready(self) -> None:
        from audit.holdings import holds_records
        from audit.recorded import recorded_table
        from monitoring.holdings import held_about

        holds_records(held_about, sweep="monitoring.forget_erased")
        for name in (*self.append_only, *self.governed, *self.erasable):
            recorded_table(self.get_model(name))
