"""An AWS KMS of the tests: HTTP on loopback, requests checked against boto3's own service model, real keys and signatures.

What it does not do: signatures of requests (SigV4), policies, regions. Known only to answer as the model and the KMS documentation say.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MODEL = ServiceModel(Loader().load_service_model("kms", "service-2"), "kms")
ARN = "arn:aws:kms:eu-central-1:123456789012:key/"
LONGEST_RAW = 4096

# Key spec -> how KMS signs with it, by its documentation.
ALGORITHMS = {
    "ECC_NIST_EDWARDS25519": ("ED25519_SHA_512", "ED25519_PH_SHA_512"),
    "ML_DSA_44": ("ML_DSA_SHAKE_256",),
    "ECC_NIST_P256": ("ECDSA_SHA_256",),
}


class Refused(Exception):
    """What KMS answers with status 400: the kind of the error, and a message."""


@dataclass
class Kms:
    """The keys by ARN, and every request that came."""

    url: str = ""
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken: bool = False

    def make_key(self, spec: str) -> str:
        made = {
            "ECC_NIST_EDWARDS25519": Ed25519PrivateKey.generate,
            "ML_DSA_44": MLDSA44PrivateKey.generate,
            "ECC_NIST_P256": lambda: generate_private_key(SECP256R1()),
        }
        arn = f"{ARN}{len(self.keys)}"
        self.keys[arn] = (spec, made[spec]())
        return arn

    def answer(self, operation: str, body: bytes) -> dict[str, Any]:
        """Raises Refused."""
        model = MODEL.operation_model(operation)
        params = _decoded(json.loads(body), model.input_shape)
        self.requests.append((operation, params))
        report = ParamValidator().validate(params, model.input_shape)
        if report.has_errors():
            raise Refused("ValidationException", report.generate_report())
        for name, value in params.items():
            allowed = getattr(model.input_shape.members[name], "enum", None)
            if allowed and value not in allowed:
                raise Refused("ValidationException", f"{name} is none of {allowed}")
        if self.broken:
            raise Refused("KMSInvalidStateException", "The key is pending deletion.")
        if params["KeyId"] not in self.keys:
            raise Refused("NotFoundException", f"Key {params['KeyId']!r} does not exist")
        spec, key = self.keys[params["KeyId"]]
        answer = (
            self._public(spec, key)
            if operation == "GetPublicKey"
            else self._sign(spec, key, params)
        )
        return _encoded({"KeyId": params["KeyId"], **answer}, model.output_shape)

    def _public(self, spec: str, key: Any) -> dict[str, Any]:
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {
            "PublicKey": spki,
            "KeySpec": spec,
            "KeyUsage": "SIGN_VERIFY",
            "SigningAlgorithms": list(ALGORITHMS[spec]),
        }

    def _sign(self, spec: str, key: Any, params: dict[str, Any]) -> dict[str, Any]:
        algorithm = params["SigningAlgorithm"]
        if algorithm not in ALGORITHMS[spec]:
            raise Refused("InvalidKeyUsageException", f"{spec} does not sign by {algorithm}")
        if params.get("MessageType", "RAW") != "RAW" or algorithm == "ED25519_PH_SHA_512":
            raise Refused("ValidationException", "A digest would be signed, not the message")
        if len(params["Message"]) > LONGEST_RAW:
            raise Refused("ValidationException", "Message has more than 4096 bytes")
        return {"Signature": key.sign(params["Message"]), "SigningAlgorithm": algorithm}


def _decoded(params: dict[str, Any], shape: Shape) -> dict[str, Any]:
    members = shape.members  # type: ignore[attr-defined]  # of a structure
    return {
        name: base64.b64decode(value) if members[name].type_name == "blob" else value
        for name, value in params.items()
    }


def _encoded(answer: dict[str, Any], shape: Shape) -> dict[str, Any]:
    members = shape.members  # type: ignore[attr-defined]  # of a structure
    return {
        name: base64.b64encode(value).decode() if members[name].type_name == "blob" else value
        for name, value in answer.items()
    }


@contextmanager
def running() -> Iterator[Kms]:
    kms = Kms()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service, _, operation = self.headers["X-Amz-Target"].partition(".")
            assert service == MODEL.metadata["targetPrefix"]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, answer = 200, kms.answer(operation, body)
            except Refused as refused:
                kind, message = refused.args
                status, answer = 400, {"__type": kind, "message": message}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Not into the output of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kms.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kms
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
