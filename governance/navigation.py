"""The sidebar, in plain words and grouped by floor. An entry is shown to whoever may see its window."""

from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse

from audit.action import permissions_of


class Item(NamedTuple):
    """A window in the sidebar. `permission` stands in for the window's own `view` permission, `page` for its list, `url` for both."""

    title: str
    icon: str
    window: str
    permission: str = ""
    page: str = ""
    url: str = ""

    @property
    def needs(self) -> str:
        app, _, model = self.window.partition("_")
        return self.permission or f"{app}.view_{model}"

    @property
    def url_name(self) -> str:
        return self.url or f"admin:{self.page or self.window + '_changelist'}"


GROUPS: dict[str, tuple[Item, ...]] = {
    "Decide": (
        Item("Change requests", "approval", "governance_changerequest"),
        Item("Retraining cases", "model_training", "governance_retrainingcase"),
        Item("Incidents", "e911_emergency", "governance_incident"),
        Item("Findings", "report", "governance_finding"),
        Item("Revalidations", "rule", "governance_revalidation"),
        Item("Attestations", "verified", "governance_attestation"),
        Item("Materiality", "balance", "governance_materialityassessment"),
        Item("Gate reports", "straighten", "governance_gatereport"),
        Item("Exceptions", "rule_settings", "governance_thresholdexception"),
        Item("Approvals", "how_to_reg", "governance_approval"),
        Item("Delegated seats", "switch_account", "governance_delegation"),
        Item("Rollbacks", "history", "governance_rollback"),
        Item(
            "Effective challenge",
            "forum",
            "governance_evidenceview",
            "governance.view_effective_challenge",
            url="effective-challenge",
        ),
    ),
    "Watch": (
        Item("Reports", "monitoring", "monitoring_report"),
        Item("Alerts", "notifications_active", "monitoring_alert"),
        Item("Monitoring passes", "schedule", "monitoring_monitoringpass"),
        Item("Protected attributes", "shield_person", "monitoring_protectedvalue"),
    ),
    "Score": (
        Item("Decisions", "fact_check", "serving_decision"),
        Item("People's decisions", "how_to_reg", "serving_resolution"),
        Item("Reviews", "contact_support", "serving_review"),
        Item("Notices due", "schedule_send", "serving_decision", url="notices-due"),
        Item("Notices", "mail", "serving_notice"),
        Item("Notices of applications", "outgoing_mail", "serving_applicationnotice"),
        Item("Live rollout", "compare_arrows", "serving_deployment", url="rollout"),
        Item("Rollout steps", "call_split", "serving_deployment"),
        Item("Outcomes", "event_available", "serving_outcome"),
        Item("Nightly replays", "replay", "serving_replayrun"),
        Item("Known answers", "quiz", "serving_probeset"),
    ),
    "Models and data": (
        Item("Models", "account_tree", "registry_scoringmodel"),
        Item("Versions", "deployed_code", "registry_modelversion"),
        Item("Documents", "description", "governance_document"),
        Item("Clearances", "verified_user", "registry_clearance"),
        Item("Use restrictions", "production_quantity_limits", "registry_userestriction"),
        Item("Policies", "policy", "registry_policy"),
        Item("Training runs", "science", "registry_run"),
        Item("Data sets", "dataset", "registry_dataset"),
        Item("Feature tables", "table_view", "registry_featuretable"),
    ),
    "Record": (
        Item("Log", "receipt_long", "audit_entry"),
        Item("Checkpoints", "flag", "audit_checkpoint"),
        Item("Keys", "vpn_key", "audit_checkpoint", page="audit_keys"),
        Item("Archive", "inventory_2", "audit_archivedobject"),
        Item("Epochs", "date_range", "audit_epoch"),
        Item("Restores", "unarchive", "audit_restorerequest"),
        Item("Archive alarms", "notification_important", "audit_archivealarm"),
        Item("Witness refusals", "gpp_bad", "audit_witnessrefusal"),
        Item("Evidence bundles", "folder_zip", "audit_evidenceexport"),
    ),
    "People's rights": (
        Item("Requests for access", "contact_page", "governance_accessrequest"),
        Item("Requests for erasure", "person_remove", "audit_erasurecase"),
        Item("Legal holds", "gavel", "audit_legalhold"),
        Item("Erasures", "delete_forever", "audit_erasure"),
    ),
    "Accounts": (
        Item("Accounts", "group", "auth_user", "governance.view_accounts"),
        Item("Roles", "admin_panel_settings", "auth_group", "governance.view_accounts"),
        Item("Reviews of roles", "fact_check", "governance_recertification"),
        Item("API tokens", "key", "knox_authtoken", "governance.view_accounts"),
        Item(
            "Who may do what", "rule", "auth_group", "governance.view_accounts", url="permissions"
        ),
    ),
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Called by unfold for every page."""
    home = {"title": "Desk", "icon": "space_dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [home]}]
    assert isinstance(request.user, User)  # unfold asks for signed-in people only
    held = permissions_of(request.user)
    for title, items in GROUPS.items():
        shown = [_entry(item) for item in items if item.needs in held]
        if shown:
            groups.append({"title": title, "separator": True, "items": shown})
    docs = {"title": "API", "icon": "api", "link": reverse("docs")}
    return [*groups, {"separator": True, "items": [docs]}]


def _entry(item: Item) -> dict[str, Any]:
    return {"title": item.title, "icon": item.icon, "link": reverse(item.url_name)}
