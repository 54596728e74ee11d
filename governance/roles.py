"""Who may do what: the permission matrix as data. The only place where a role gets a permission.

A permission is "app.codename". `governance.provisioning` writes the matrix into the database after every
migration, exactly: what is not here is taken away.
"""

# What everybody who works on models may read. No protected attribute and no private payload is among it.
READ_LOG = frozenset(
    {
        "audit.view_archivealarm",
        "audit.view_archivedobject",
        "audit.view_checkpoint",
        "audit.view_entry",
        "audit.view_epoch",
        "audit.view_leaf",
        "audit.view_restorerequest",
        "audit.view_timestamptoken",
        "audit.view_witnessrefusal",
    }
)
READ_MODELS = READ_LOG | frozenset(
    {
        "governance.view_approval",
        "governance.view_approvalcondition",
        "governance.view_attestation",
        "governance.view_casealert",
        "governance.view_casestep",
        "governance.view_casewarning",
        "governance.view_changecomment",
        "governance.view_changereminder",
        "governance.view_changerequest",
        "governance.view_conditionfinding",
        "governance.view_document",
        "governance.view_documentapproval",
        "governance.view_finding",
        "governance.view_delegation",
        "governance.view_delegationend",
        "governance.view_findingextension",
        "governance.view_findingrestriction",
        "governance.view_evidenceview",
        "governance.view_gatereport",
        "governance.view_gaterun",
        "governance.view_incident",
        "governance.view_materialityassessment",
        "governance.view_overduefinding",
        "governance.view_retrainingcase",
        "governance.view_thresholdexception",
        "governance.view_revalidation",
        "governance.view_rollback",
        "governance.view_tierchangeanswer",
        "monitoring.view_alert",
        "monitoring.view_monitoringpass",
        "monitoring.view_report",
        "registry.view_artefact",
        "registry.view_baseline",
        "registry.view_clearance",
        "registry.view_dataset",
        "registry.view_featuretable",
        "registry.view_modelrecord",
        "registry.view_modelversion",
        "registry.view_policy",
        "registry.view_policyendorsement",
        "registry.view_reproduction",
        "registry.view_restrictionlift",
        "registry.view_run",
        "registry.view_runreport",
        "registry.view_scoringmodel",
        "registry.view_stagechange",
        "registry.view_trackedrun",
        "registry.view_userestriction",
        "registry.view_writeback",
        "serving.view_applicationnotice",
        "serving.view_applicationnoticedelivery",
        "serving.view_applicationstatus",
        "serving.view_decision",
        "serving.view_deployment",
        "serving.view_explanationfailure",
        "serving.view_latenotice",
        "serving.view_correction",
        "serving.view_latereview",
        "serving.view_guardrailbreach",
        "serving.view_guardrailevaluation",
        "serving.view_loadfailure",
        "serving.view_notice",
        "serving.view_noticealert",
        "serving.view_noticedelivery",
        "serving.view_outcome",
        "serving.view_probefailure",
        "serving.view_proberesult",
        "serving.view_probeset",
        "serving.view_replay",
        "serving.view_replayfailure",
        "serving.view_replayrun",
        "serving.view_resolution",
        "serving.view_review",
        "serving.view_reviewstep",
        "serving.view_shadowpass",
    }
)
# Makers propose; checkers decide. No role is both, and the acts compare the people as well.
MAKE = frozenset({"governance.request_change", "registry.propose_policy"})
STOP = frozenset(
    {
        "governance.suspend_version",
        "registry.change_stage",
        "registry.restrict_use",
        "registry.revoke_clearance",
        "serving.end_deployment",
    }
)
# Whoever can be the owner of a model or of a finding. A validator is not: they judge what owners say.
OWN = frozenset({"governance.attest_model", "governance.submit_remediation"})
CLEAR = STOP | {
    "governance.assess_materiality",
    "governance.grant_exception",
    "registry.change_tier",
    "registry.grant_clearance",
    "registry.lift_restriction",
    "serving.start_deployment",
}

# A dispute about an erasure; whoever approves last carries it out.
DISPUTE = frozenset(
    {
        "audit.dispute_erasure",
        "audit.erase_subject",
        "audit.settle_erasure",
        "governance.decide_change",
        "governance.request_erasure",
        "governance.view_approval",
        "governance.view_changerequest",
    }
)

ROLES: dict[str, frozenset[str]] = {
    "model developer": READ_MODELS
    | MAKE
    | OWN
    | {
        "governance.generate_document",
        "governance.measure_gates",
        "governance.take_in_dataset",
        "monitoring.supply_protected",
        "registry.amend_model",
        "registry.define_featuretable",
        "registry.register_dataset",
        "registry.register_model",
        "registry.register_version",
        "registry.report_run",
        "registry.reproduce_run",
        "registry.request_run",
    },
    "validator": READ_MODELS
    | CLEAR
    | {
        "monitoring.view_fairness_report",
        "governance.approve_document",
        "governance.close_finding",
        "governance.close_incident",
        "governance.generate_document",
        "governance.complete_revalidation",
        "governance.decide_change",
        "governance.decide_staging",
        "governance.delegate_seat",
        "governance.open_evidence",
        "governance.measure_gates",
        "registry.reproduce_run",
        "governance.open_finding",
        "governance.open_revalidation",
        "registry.promote_version",  # the last approval of a tier 1 model may be the validator's
        "serving.renew_probes",
        "serving.replay_decision",
    },
    "approver": READ_MODELS
    | CLEAR
    | OWN
    | {
        "monitoring.view_fairness_report",
        "governance.approve_document",
        "governance.close_case",
        "governance.close_incident",
        "governance.decide_change",
        "governance.decide_exception",
        "governance.generate_document",
        "governance.decide_policy",
        "governance.open_evidence",
        "governance.decide_production",
        "governance.decide_revocation",
        "governance.delegate_seat",
        "governance.extend_finding",
        "governance.open_finding",
        "governance.open_revalidation",
        "governance.roll_back",
        "governance.view_effective_challenge",
        "registry.adopt_policy",
        "registry.promote_version",
    },
    "fair-lending analyst": READ_MODELS
    | MAKE
    | OWN
    | {
        "monitoring.view_fairness_report",
        "governance.open_finding",
        "monitoring.request_pass",
        "monitoring.supply_protected",
        "monitoring.view_protectedvalue",
        # Also who sees to it that applicants are told, where the lending system does not.
        "serving.issue_notice",
        "serving.record_delivery",
        "serving.view_observation",
    },
    "auditor": READ_MODELS
    | {
        "audit.disclose_private",
        "audit.export_evidence",
        "audit.read_private",
        "audit.request_restore",
        "audit.verify_log",
        "audit.view_erasure",
        "audit.view_erasurecase",
        "audit.view_evidenceexport",
        "audit.view_legalhold",
        "governance.view_accessrequest",
        "governance.view_accounts",
        "governance.view_effective_challenge",
        "governance.view_laterecertification",
        "governance.view_recertification",
        "governance.view_roledecision",
        "governance.view_roleheld",
        "monitoring.view_fairness_report",
        "monitoring.view_protectedvalue",
        "serving.replay_decision",
        "serving.view_explanationletter",
        "serving.view_observation",
    },
    "operator": READ_MODELS
    | STOP
    | OWN
    | {
        "audit.archive_log",
        "audit.extend_retention",
        "audit.hold_archive",
        "audit.request_restore",
        "audit.manage_keys",
        "audit.renew_keys",
        "audit.roll_shard",
        "audit.timestamp_checkpoint",
        "audit.verify_log",
        "audit.view_evidenceexport",
        "governance.open_case",
        "monitoring.forget_protected",
        "monitoring.request_pass",
        # Not the developer's: what is recorded here decides applications at once.
        "registry.record_features",
        "serving.probe_version",
        "serving.replay_decision",
    },
    # Answers people about their data. One records a request, another decides it; a disputed one counsel as well.
    "privacy officer": READ_LOG
    | DISPUTE
    | {
        "governance.decide_erasure_privacy",
        "audit.decide_erasure",
        "audit.record_erasure",
        "audit.view_erasure",
        "audit.view_erasurecase",
        "audit.view_legalhold",
        "governance.request_access",
        "governance.view_accessrequest",
        "serving.issue_letter",
        "serving.view_decision",
        "serving.view_explanationletter",
    },
    "legal counsel": READ_LOG
    | DISPUTE
    | {
        "governance.decide_erasure_law",
        # The texts of reasons take counsel's word, and may take effect by it.
        "governance.decide_reasons",
        "registry.adopt_policy",
        "registry.view_policy",
        "registry.view_policyendorsement",
        "audit.place_hold",
        "audit.release_hold",
        "audit.view_erasure",
        "audit.view_erasurecase",
        "audit.view_legalhold",
    },
    # Decides referred cases, overrides, and reviews what others decided. No model is theirs.
    "credit officer": READ_LOG
    | {
        "registry.view_modelversion",
        "registry.view_scoringmodel",
        "serving.handle_review",
        "serving.issue_notice",
        "serving.open_review",
        "serving.record_delivery",
        "serving.resolve_decision",
        "serving.view_applicationnotice",
        "serving.view_applicationnoticedelivery",
        "serving.view_applicationstatus",
        "serving.view_correction",
        "serving.view_decision",
        "serving.view_latereview",
        "serving.view_observation",
        "serving.view_outcome",
        "serving.view_resolution",
        "serving.view_review",
        "serving.view_reviewstep",
    },
    "scoring client": frozenset(
        {
            "serving.decide",
            "serving.issue_letter",
            "serving.issue_notice",
            "serving.open_review",
            "serving.record_delivery",
            "serving.record_outcome",
            "serving.record_status",
        }
    ),
    "administrator": frozenset(
        {
            "governance.create_user",
            "governance.deactivate_user",
            "governance.grant_role",
            "governance.issue_token",
            "governance.certify_role",
            "governance.open_recertification",
            "governance.view_accounts",
            "governance.view_laterecertification",
            "governance.view_recertification",
            "governance.view_roledecision",
            "governance.view_roleheld",
        }
    ),
}

# One account per process, each alone in a group of its name. None has a password.
SERVICE_ACCOUNTS: dict[str, frozenset[str]] = {
    "sequencer": frozenset(
        {
            "audit.record_witness_refusal",
            "audit.renew_keys",
            "audit.roll_shard",
            "audit.write_heartbeat",
        }
    ),
    # Also ends retention by itself, and can decide nobody's request.
    "archiver": frozenset(
        {
            "audit.archive_log",
            "audit.extend_retention",
            "audit.hold_archive",
            "audit.request_restore",
            "audit.destroy_export",
            "audit.end_retention",
            "audit.erase_subject",
            "audit.timestamp_checkpoint",
            "audit.verify_log",
        }
    ),
    "monitor": frozenset(
        {
            "governance.answer_access",
            "governance.close_stale_changes",
            "governance.open_case",
            "governance.open_incident",
            "governance.open_recertification",
            "governance.open_revalidation",
            "governance.record_sign_in",
            "governance.watch_clock",
            "monitoring.forget_protected",
            "monitoring.make_report",
            "monitoring.raise_alert",
            "monitoring.read_protected",
            "monitoring.request_pass",
            "monitoring.run_pass",
            "registry.restrict_use",
            "registry.delete_featurerow",
            "registry.revoke_clearance",  # with the share that it ends at a guard rail
            "serving.delete_clientminute",
            "serving.delete_observation",
            "serving.keep_probes",
            "serving.note_failure",
            "serving.probe_version",
            "serving.replay_decision",
            "serving.replay_sample",
            "serving.watch_notices",
            "serving.notice_late_review",
            "serving.end_deployment",
            "serving.evaluate_guard_rails",
            "serving.score_shadow",
        }
    ),
    # Trains and proposes by itself, and can approve nothing.
    "retrainer": frozenset(
        {
            "governance.advance_case",
            "governance.carry_out_gates",
            "governance.measure_gates",
            "governance.request_change",
            "governance.take_in_dataset",
            "monitoring.read_protected",
            "monitoring.supply_protected",
            "registry.register_dataset",
            "registry.register_version",
            "registry.request_run",
            "registry.train_run",
            "registry.write_back",
        }
    ),
    # Whoever runs commands on the machine can read the key files: the log says who that was. What applicants
    # said is disclosed in the name of a person alone (`--as USER`).
    "cli": ROLES["operator"]
    | ROLES["administrator"]
    | {"audit.export_evidence", "governance.generate_document", "governance.measure_gates"},
}


def service_group(account: str) -> str:
    """The group of a service account: no role that a person can be given."""
    return f"service: {account}"
