"""The AWS templates: linted, deployed into moto, and our own store run against the bucket that comes out."""

import hashlib
import io
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.server import ThreadedMotoServer

from audit.archive.s3 import LockedBucket
from audit.archive.store import ObjectDiffers
from tests.audit.archive.servers import MOTO, Server, in_days

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "cloudformation"
PARAMETERS = {
    "archive": {
        "WriterPrincipalArn": "arn:aws:iam::111122223333:role/credence-worker",
        "ExternalId": "credence-archive",
        "AdministratorRoleArn": "arn:aws:iam::444455556666:role/archive-administrator",
    },
    "signing": {"SequencerRoleArn": "arn:aws:iam::111122223333:role/credence-sequencer"},
}
DELETES = ("Delete", "Bypass", "*", "kms:ScheduleKeyDeletion", "kms:DisableKey")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as what they stand for."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value = (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node)  # type: ignore[arg-type]
    )
    return {suffix: value}


_Loader.add_multi_constructor("!", _tag)


def template(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((FOLDER / f"{name}.yaml").read_text(), _Loader)
    return loaded


@pytest.fixture(scope="module")
def aws() -> Iterator[Server]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Server(MOTO, f"http://{host}:{port}", "tests", "tests")
    server.stop()


def deployed(aws: Server, name: str) -> dict[str, str]:
    """The outputs of the stack."""
    cloudformation, stack = aws.client("cloudformation"), f"{name}-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=(FOLDER / f"{name}.yaml").read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in PARAMETERS[name].items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    assert described["StackStatus"] == "CREATE_COMPLETE", described
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}


@pytest.mark.parametrize("name", PARAMETERS)
def test_cfn_lint_finds_nothing_in_the_template(name: str) -> None:
    linted = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), str(FOLDER / f"{name}.yaml")],
        capture_output=True,
        text=True,
    )

    assert linted.returncode == 0, linted.stdout


def test_every_template_is_among_the_tested_ones() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(PARAMETERS)


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy")
def test_the_deployed_bucket_keeps_what_our_store_writes(aws: Server) -> None:
    """moto makes the bucket and leaves out its lock and its policy: the lock is put on as the template has it."""
    outputs = deployed(aws, "archive")
    bucket, prefix = outputs["Archive"].removeprefix("s3://").split("/")
    properties = template("archive")["Resources"]["Bucket"]["Properties"]
    s3 = aws.client()
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration=properties["VersioningConfiguration"]
    )
    lock = properties["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"].pop("Years") == {"Ref": "DefaultRetentionYears"}
    lock["Rule"]["DefaultRetention"]["Years"] = template("archive")["Parameters"][
        "DefaultRetentionYears"
    ]["Default"]
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    archive, until = LockedBucket(s3, bucket, prefix), in_days(2557)

    archive.require_ready()
    stored = archive.put(
        "a", io.BytesIO(b"x"), sha256=hashlib.sha256(b"x").hexdigest(), locked_until=until
    )

    assert stored.locked_until == until
    with pytest.raises(ObjectDiffers):
        archive.put(
            "a", io.BytesIO(b"y"), sha256=hashlib.sha256(b"y").hexdigest(), locked_until=until
        )


def test_the_signing_keys_are_deployed(aws: Server) -> None:
    outputs = deployed(aws, "signing")

    assert set(outputs) == {"Ed25519KeyArn", "MlDsaKeyArn"}
    keys = template("signing")["Resources"]
    assert keys["Ed25519Key"]["Properties"]["KeySpec"] == "ECC_NIST_EDWARDS25519"
    assert keys["MlDsaKey"]["Properties"]["KeySpec"] == "ML_DSA_44"


def test_the_writer_holds_no_permission_to_delete() -> None:
    [policy] = template("archive")["Resources"]["WriterRole"]["Properties"]["Policies"]

    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for action in actions if isinstance(actions, list) else [actions]:
            assert not any(word in action for word in DELETES), action


def test_nobody_at_all_may_delete_or_bypass_and_every_object_must_be_locked() -> None:
    statements = {
        statement["Sid"]: statement
        for statement in template("archive")["Resources"]["BucketPolicy"]["Properties"][
            "PolicyDocument"
        ]["Statement"]
    }

    deny = statements["NobodyDeletesOrBypasses"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert "Condition" not in deny
    assert {"s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"} <= set(deny["Action"])
    locked = statements["EveryObjectIsLockedInComplianceMode"]
    assert locked["Condition"] == {"StringNotEquals": {"s3:object-lock-mode": "COMPLIANCE"}}


def test_epochs_of_any_real_size_move_to_cold_storage_and_checkpoints_do_not() -> None:
    lifecycle = template("archive")["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]
    rule = lifecycle["Rules"][0]

    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    assert 1_000 < int(rule["ObjectSizeGreaterThan"]) < 128_000
    assert rule["Transitions"][0]["TransitionInDays"] == {"Ref": "HotDays"}
    assert template("archive")["Parameters"]["HotDays"]["Default"] == 730
