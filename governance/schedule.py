"""What beat sends, and how often. Sweeps find every intent whose message was lost."""

from datetime import timedelta
from typing import Any

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUARTER = timedelta(days=91)


def schedule(sweep: timedelta) -> dict[str, dict[str, Any]]:
    """Celery's beat schedule; `sweep` is how long a lost message waits at most."""
    minute = timedelta(minutes=1)
    every: dict[str, timedelta] = {
        "audit.write_heartbeat": minute,
        "audit.reconcile_hours": timedelta(minutes=10),
        "audit.build_exports": sweep,
        "audit.run_passes": sweep,
        "audit.archive_log": DAY,
        "audit.archive_full_epochs": HOUR,
        "audit.timestamp_checkpoint": HOUR,
        "audit.list_archive": DAY,
        "audit.keep_locks_ahead": DAY,
        "audit.follow_holds": sweep,
        "audit.poll_restores": 5 * minute,
        "audit.drill_archive": QUARTER,
        "audit.verify_log": DAY,
        "registry.sweep_runs": sweep,
        "registry.sweep_write_backs": sweep,
        "monitoring.request_passes": DAY,
        "monitoring.sweep_passes": sweep,
        "audit.sweep_exports": HOUR,
        "audit.review_retention": DAY,
        "monitoring.forget_erased": HOUR,
        "registry.forget_erased": HOUR,
        "serving.forget_erased": HOUR,
        "serving.replay_samples": DAY,
        "serving.ask_probes": minute,
        "serving.watch_notices": HOUR,
        "serving.score_shadows": sweep,
        "serving.record_request_counts": HOUR,
        "governance.answer_access_requests": sweep,
        "governance.end_access": HOUR,
        "governance.send_gates_again": sweep,
        "governance.open_cases": sweep,
        "governance.advance_cases": sweep,
        "governance.watch_case_clock": minute,
        "governance.evaluate_rollouts": minute,
        "governance.watch_findings": HOUR,
        "governance.restrict_for_findings": sweep,
        "governance.open_incidents": sweep,
        "governance.open_periodic_revalidations": DAY,
        "governance.answer_tier_changes": sweep,
        "governance.recertify_roles": HOUR,
        "governance.watch_reviews": HOUR,
        "governance.start_retentions": DAY,
        "governance.close_stale_changes": minute,
        "governance.remind_of_changes": HOUR,
    }
    # A sweep that no worker took before the next one is sent is not worth carrying out.
    return {
        task: {"task": task, "schedule": gap, "options": {"expires": gap.total_seconds()}}
        for task, gap in every.items()
    }
