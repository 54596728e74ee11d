"""Versions made ready to score: loaded once per process, trusted anew for every decision."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audit.deferred import deferred
from audit.errors import Refusal
from registry.feature_tables import sources_of
from registry.loading import artefact_bytes, load_estimator
from registry.measures.explanations import typical_values
from registry.models import ModelVersion
from registry.point_in_time import Source
from registry.policies import fit_problems
from registry.queries import baseline_rows, contract_of_version, protected_names
from registry.reason_library import LibraryUnreadable, ReasonLibrary
from registry.restrictions import Limit
from serving import in_service
from serving.errors import ArtefactRefused
from serving.explainers.scores import Means, ScorerUnusable, Scores
from serving.explainers.trees import Room
from serving.explainers.workshop import Order, scorer_for
from serving.judging import Judge
from serving.made_once import MadeOnce
from serving.policy import DecisionPolicy, PolicyUnusable
from serving.reasons import ReasonFinder

if TYPE_CHECKING:
    from serving.explainers import compiler
else:
    compiler = deferred("serving.explainers.compiler")

logger = logging.getLogger(__name__)

# Names that a prohibited basis goes by (ECOA 701(a); EU Charter, article 21). Every name that the
# contract does not hold is refused; for these the refusal says what the trouble is.
PROHIBITED_BASES = frozenset(
    [
        "age",
        "birth_date",
        "color",
        "colour",
        "date_of_birth",
        "disability",
        "dob",
        "ethnicity",
        "familial_status",
        "gender",
        "genetic_information",
        "marital",
        "marital_status",
        "married",
        "national_origin",
        "nationality",
        "pregnancy",
        "pregnant",
        "public_assistance",
        "race",
        "religion",
        "sex",
        "sexual_orientation",
    ]
)
VERSIONS_KEPT = 8  # the champions, their predecessors, and what else this process scored lately
REFUSED_FOR_S = 5.0  # how long bytes that could not be read are not read again


@dataclass(frozen=True)
class LoadedVersion:
    """A version with everything that judging takes; `sources` are the feature tables it looks features up in."""

    version: ModelVersion
    judge: Judge
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class LiveVersion:
    """A loaded version under one live clearance, and within the use restrictions of the moment."""

    loaded: LoadedVersion
    clearance_id: int
    limits: tuple[Limit, ...]
    role: str

    @property
    def referring(self) -> list[int]:
        """The numbers of the use restrictions by which a person decides every application."""
        return [limit.number for limit in self.limits if limit.refers]


def score_rows(version: ModelVersion, packed: NDArray[np.float64]) -> Scores:
    """Scores of n applicants packed under the version's contract, (n, k). Decides nothing.

    For measuring a version, whether cleared or not. Raises ArtefactRefused.
    """
    return loaded(in_service.bytes_of(version)).judge.score(packed)


def first_reason_groups(version: ModelVersion, packed: NDArray[np.float64]) -> list[str]:
    """For n packed applicants (n, k) the reason group that weighs most against each, as a notice would put it first.

    Empty where nothing does. For measuring a version, whether cleared or not. Raises ArtefactRefused.
    """
    if not len(packed):
        return []
    judge = loaded(in_service.bytes_of(version)).judge
    ranked = [
        judge.reasons.principal(attributions, row)
        for attributions, row in zip(judge.score(packed).attributions, packed, strict=True)
    ]
    return [reasons[0].reason_group if reasons else "" for reasons in ranked]


def scores_against(
    version: ModelVersion, baselines: Sequence[NDArray[np.float64]], packed: NDArray[np.float64]
) -> list[Scores]:
    """Scores of n packed applicants (n, k), explained against each of other baselines (m, k). Decides nothing.

    Raises what reading the artefact or compiling the scorer raises.
    """
    contract = contract_of_version(version)
    estimator, matrix = load_estimator(version.artefact), contract.matrix(packed)
    room = Room(in_service.bytes_of(version).most_table_mib)
    return [
        compiler.compile_scorer(estimator, contract.players, contract.matrix(rows), room).score(
            matrix
        )
        for rows in baselines
    ]


def read_anew(key: in_service.VersionBytes, means: Means | None = None) -> LoadedVersion:
    """A version ready to judge, from bytes whose digests and signature were checked just now, in whatever stage it is.

    `means` is the way to attributions that a replay repeats, however much room that takes. Raises ArtefactRefused.
    """
    version = ModelVersion.objects.select_related(
        "model", "dataset", "artefact", "baseline", "decision_policy", "reason_library"
    ).get(pk=key.version_id)
    try:
        judge = _judge(version, Room(key.most_table_mib, means))
        sources = sources_of(judge.contract)
    except (Refusal, ScorerUnusable, PolicyUnusable, LibraryUnreadable) as problem:
        logger.error("%s cannot score: %s", version, problem)
        raise ArtefactRefused(f"{version} cannot score: {problem}") from problem
    return LoadedVersion(version, judge, sources)


def _judge(version: ModelVersion, room: Room) -> Judge:
    """1. Read what was approved. 2. See that its parts fit. 3. Have the scorer compiled and compared."""
    # 1
    contract = contract_of_version(version)
    policy = DecisionPolicy.from_json(version.decision_policy.body)
    library = ReasonLibrary.from_json(version.reason_library.body)
    rows = baseline_rows(version.baseline)
    data = artefact_bytes(version.artefact)
    # 2
    if faults := fit_problems(contract, version.decision_policy.body, version.reason_library.body):
        raise PolicyUnusable("; ".join(f"{fault.field}: {fault.detail}" for fault in faults))
    if policy.cut_off != version.cut_off:
        raise PolicyUnusable(
            f"The version was approved for a cut-off of {version.cut_off}, and its policy says {policy.cut_off}."
        )
    # 3
    order = Order(
        data,
        version.artefact.content_sha256,
        contract.players,
        contract.matrix(rows.packed),
        room,
    )
    return Judge(
        contract=contract,
        scorer=scorer_for(order),
        policy=policy,
        reasons=ReasonFinder(contract, library, policy.materiality_floor, policy.max_reasons),
        barred=protected_names(version)
        | (PROHIBITED_BASES - {n.casefold() for n in contract.names}),
        typical=typical_values(rows.packed, contract.nominal),
    )


loaded = MadeOnce(read_anew, VERSIONS_KEPT, ArtefactRefused, REFUSED_FOR_S)
"""A version ready to judge, as `read_anew` reads it, once per process.

The key names every byte that matters and the room for tables, so that nothing else can be served from what is kept.
Raises ArtefactRefused.
"""


def require_ready(version: ModelVersion) -> None:
    """See that what is stored of a version is what was approved, read anew, and that it scores in this process.

    Raises ArtefactRefused.
    """
    try:
        artefact_bytes(version.artefact)
        baseline_rows(version.baseline)
    except Refusal as problem:
        raise ArtefactRefused(f"{version} cannot score: {problem}") from problem
    loaded(in_service.bytes_of(version))
