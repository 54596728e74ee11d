"""What people asked for, decided, found and restricted; and what is watched while the version serves."""

from governance.documents.content import (
    Fact,
    Grid,
    Part,
    absent,
    day,
    line,
    said,
)
from governance.documents.record import Record
from governance.models import Attestation, Document, Finding, Incident, RetrainingCase, Revalidation
from governance.queries.changes import seats_awaited
from monitoring.models import Alert, Report
from monitoring.policy import MonitoringPolicy
from monitoring.queries.reports import reports_of
from registry.models import Clearance, ModelRecord, Policy, ScoringModel, StageChange
from registry.queries import restrictions


def requests(record: Record) -> Part:
    if not record.requests:
        return Part((absent("a change request about this version."),))
    facts: list[Fact] = []
    for request in record.requests:
        facts.append(
            said(
                f"{request.requested_by.get_username()} asked for {request}, {day(request.requested_at)}: {request.rationale}",
                request,
            )
        )
        votes = request.approvals.select_related("approver").order_by("id")
        facts += [
            said(
                f"{vote.approver.get_username()} decided to {vote.decision}, {day(vote.decided_at)}: {vote.rationale}",
                vote,
            )
            for vote in votes
        ]
        if waiting := seats_awaited(request):
            named = " and ".join(waiting)
            facts.append(said(f"It waits for the approval of somebody who holds {named}.", request))
    return Part(tuple(facts))


def findings(record: Record) -> Part:
    rows = tuple(
        line(
            finding,
            finding.severity,
            finding.title,
            finding.state,
            finding.owner.get_username(),
            str(finding.due_on),
        )
        for finding in record.findings
    )
    if not rows:
        return Part((absent("a finding about this version or its model."),))
    unclosed = sum(finding.state != Finding.State.CLOSED for finding in record.findings)
    newest = record.findings.reverse()[0]
    count = said(f"Findings on record: {len(rows)}, of which not closed: {unclosed}.", newest)
    columns = ("Severity", "Finding", "State", "Owner", "Due on")
    return Part((count,), (Grid(columns, rows, left=5, wide=1),))


def validation_cycle(record: Record) -> Part:
    model = record.version.model
    facts = []
    for one in Revalidation.objects.filter(model=model).order_by("id"):
        cause = one.get_cause_display().lower()
        if one.state == Revalidation.State.OPEN:
            facts.append(said(f"A revalidation ({cause}) is open, due on {one.due_on}.", one))
            continue
        who = one.completed_by.get_username() if one.completed_by else "nobody"
        facts.append(
            said(
                f"{who} completed a revalidation ({cause}), {day(one.completed_at)}: {one.get_outcome_display().lower()}. "
                f"{one.summary} The next is due on {one.next_due_on}.",
                one,
            )
        )
    facts += [
        said(
            f"{one.attested_by.get_username()} attested for {one.from_on} to {one.to_on}: {one.statement} The next is due on {one.next_due_on}.",
            one,
        )
        for one in Attestation.objects.filter(model=model)
        .order_by("id")
        .select_related("attested_by")
    ]
    oversight = record.policy(Policy.Kind.OVERSIGHT)
    if oversight is not None:
        months = oversight.body["revalidation_months"][str(model.tier)]
        facts.append(
            said(
                f"The policy {oversight} asks for a validation every {months} months at tier {model.tier}.",
                oversight,
            )
        )
    return Part(
        tuple(facts)
        or (absent("a revalidation, an attestation or a policy that says when one is due."),)
    )


def restrict(record: Record) -> Part:
    found = restrictions().filter(model=record.version.model_id)
    about = (found.filter(version=record.version) | found.filter(version=None)).order_by("id")
    facts = []
    for one in about:
        until = "" if one.valid_to is None else f" until {day(one.valid_to)}"
        facts.append(
            said(
                f"{one.get_kind_display()} on {one.version or one.model} from {day(one.valid_from)}{until}: {one.reason}",
                one,
            )
        )
        lift = getattr(one, "lift", None)
        if lift is not None:
            facts.append(
                said(
                    f"{lift.lifted_by.get_username()} lifted it, {day(lift.lifted_at)}: {lift.reason}",
                    lift,
                )
            )
    return Part(tuple(facts) or (absent("a restriction of the use of this version or its model."),))


def lifecycle(record: Record) -> Part:
    version = record.version
    moves = StageChange.objects.filter(version=version).order_by("id")
    stages = tuple(
        line(move, day(move.changed_at), str(move.get_stage_display())) for move in moves
    )
    cleared = Clearance.objects.filter(version=version).order_by("id")
    clearances = tuple(
        line(
            one,
            day(one.valid_from),
            one.get_kind_display(),
            one.get_purpose_display(),
            day(one.valid_to) if one.valid_to else "no end",
        )
        for one in cleared
    )
    grids = [Grid(("From", "Stage"), stages, "Stages", left=2, wide=1)]
    if clearances:
        grids.append(
            Grid(("From", "What", "Purpose", "Until"), clearances, "Clearances", left=4, wide=2)
        )
    facts = () if clearances else (absent("a clearance of this version."),)
    return Part(facts, tuple(grids))


def monitoring_plan(record: Record) -> Part:
    policy = record.policy(Policy.Kind.MONITORING)
    if policy is None:
        return Part((absent("a monitoring policy in force for this model."),))
    read = MonitoringPolicy.from_json(policy.body)
    facts = [
        said(
            f"The policy {policy}, SHA-256 {policy.sha256}, measures windows of {policy.body['window_days']} days.",
            policy,
        )
    ]
    drift = policy.body["drift"]
    facts.append(
        said(
            f"Drift: the KS statistic of score or feature is watched from {drift['ks_watch']:g}, is a breach from {drift['ks_breach']:g} "
            f"and critical from {drift['ks_critical']:g}; the population stability index from {drift['psi_watch']:g} and {drift['psi_breach']:g}.",
            policy,
        )
    )
    limits = policy.body["performance"]
    facts.append(
        said(
            f"Performance on matured labels: at least {limits['minimum_matured']:,} labels, accuracy below {limits['accuracy_breach']:g}, AUC below "
            f"{limits['auc_breach']:g} or observed over expected outside {limits['observed_expected_low']:g} to {limits['observed_expected_high']:g} is a breach.",
            policy,
        )
    )
    grouped = len(read.groupings)
    facts.append(said(f"Groups of {grouped} protected attributes are compared.", policy))
    return Part(tuple(facts))


def monitoring_reports(record: Record) -> Part:
    """The newest report of each kind, and the alerts that it raised; numbers of groups stay in the report."""
    facts = []
    for kind in Report.Kind.values:
        report = reports_of(record.version.model, kind).filter(version=record.version).first()
        if report is None:
            facts.append(absent(f"a {kind} report about this version."))
            continue
        alerts = Alert.objects.filter(report=report).order_by("id")
        facts.append(
            said(
                f"The newest {kind} report looks at {report.window_start:%Y-%m-%d} to {report.window_end:%Y-%m-%d} and found "
                f"{alerts.count()} limits crossed; its SHA-256 is {report.sha256}.",
                report,
            )
        )
        facts += [said(f"{str(alert).capitalize()}, {alert.severity}.", alert) for alert in alerts]
    return Part(tuple(facts))


def incidents(record: Record) -> Part:
    facts = [
        said(f"Incident ({one.get_kind_display().lower()}), {one.state}: {one.summary}", one)
        for one in Incident.objects.filter(version__model=record.version.model_id).order_by("id")
    ]
    facts += [
        said(
            f"Retraining case for {case.cause}: detected {day(case.detected_at)}, due {day(case.due_at)}, {case.get_state_display().lower()}.",
            case,
        )
        for case in RetrainingCase.objects.filter(model=record.version.model_id).order_by("id")
    ]
    return Part(tuple(facts) or (absent("an incident or a retraining case of this model."),))


def documents(record: Record) -> Part:
    """Generated documents of the version and their approvals. A pack says nothing of packs: it would never be current."""
    found = (
        Document.objects.filter(version=record.version)
        .exclude(kind="committee_pack")
        .select_related("approval__approver", "generated_by")
        .order_by("id")
    )
    facts = []
    for one in found:
        facts.append(
            said(
                f"{one.generated_by.get_username()} generated {one.kind.replace('_', ' ')} {one.number}, SHA-256 {one.sha256}.",
                one,
            )
        )
        approval = getattr(one, "approval", None)
        if approval is not None:
            facts.append(
                said(
                    f"{approval.approver.get_username()} approved it, {day(approval.approved_at)}: {approval.rationale}",
                    approval,
                )
            )
    return Part(tuple(facts) or (absent("a document about this version."),))


def inventory(record: Record) -> Part:
    """Every model of the bank by tier: model risk is looked at in the aggregate as well."""
    rows = []
    for model in ScoringModel.objects.order_by("tier", "name").select_related("owner"):
        newest = ModelRecord.objects.filter(model=model).order_by("-revision")[0]
        unclosed = Finding.objects.filter(model=model).exclude(state=Finding.State.CLOSED).count()
        rows.append(
            line(
                newest,
                str(model.tier),
                model.name,
                model.owner.get_username(),
                str(unclosed),
            )
        )
    columns = ("Tier", "Model", "Owner", "Findings not closed")
    return Part(grids=(Grid(columns, tuple(rows), left=3, wide=1),))
