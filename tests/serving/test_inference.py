"""The Open Inference Protocol: NVIDIA's client of it has real decisions made."""

import json
import math

import numpy as np
import pytest
import tritonclient.http as triton
from django.db import connections
from tritonclient.utils import InferenceServerException

from audit.models import Entry
from registry.actions.clearances import revoke_clearance
from serving.models import Decision
from tests.conftest import a_person
from tests.registry.builders import the_builder
from tests.registry.live import a_token
from tests.serving.builders import BAD, GOOD, a_champion, an_application
from tests.web import granian

KINDS = {"dti": "FP64", "income": "FP64", "delinquencies": "FP64", "homeowner": "BOOL", "purpose": "BYTES"}  # fmt: skip


def tensor(name, datatype, data):
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}


def a_request(*applications, **changes):
    columns = {
        name: ("BYTES", [one[name] for one in applications])
        for name in ("application_ref", "subject_ref")
    } | {
        name: (kind, [one["features"][name] for one in applications])
        for name, kind in KINDS.items()
    }
    return {
        "id": "r-1",
        "inputs": [tensor(name, *column) for name, column in columns.items()],
        **changes,
    }


@pytest.fixture
def infer(client_of_lending, champion):
    def send(document, version=""):
        return client_of_lending.post(
            f"/v2/models/{champion.model.name}{version}/infer",
            json.dumps(document),
            content_type="application/json",
        )

    return send


def output(response, name):
    [found] = [one for one in response.json()["outputs"] if one["name"] == name]
    return found


@pytest.mark.django_db
class TestTheProtocol:
    def test_a_batch_is_decided_as_over_rest(self, infer, decide_over_http):
        applications = [an_application(**GOOD), an_application(**BAD)]

        response = infer(a_request(*applications))

        singles = [decide_over_http(one).json() for one in applications]
        assert response.status_code == 200
        assert response.json()["id"] == "r-1"
        assert output(response, "outcome")["data"] == ["approved", "declined"]
        assert output(response, "pd")["data"] == [one["pd"] for one in singles]
        explained = output(response, "explanation")
        assert explained["shape"] == [2, 5]
        sums = np.array(explained["data"]).reshape(2, 5).sum(axis=1)
        base, margin = (output(response, name)["data"] for name in ("base_value", "margin"))
        assert np.allclose(sums + base, margin, atol=1e-6)
        assert json.loads(output(response, "reasons")["data"][1]) == singles[1]["reasons"]
        ids = set(output(response, "decision_id")["data"])
        assert ids <= {str(pk) for pk in Decision.objects.values_list("pk", flat=True)}

    def test_only_the_outputs_that_are_asked_for_are_given(self, infer):
        response = infer(a_request(an_application(), outputs=[{"name": "pd"}]))

        assert [one["name"] for one in response.json()["outputs"]] == ["pd"]

    def test_one_bad_row_and_none_is_decided_and_the_log_says_so(self, infer):
        response = infer(a_request(an_application(), an_application(dti=1000.0)))

        assert response.status_code == 422
        assert set(response.json()) == {"error"}
        assert "1.dti" in response.json()["error"]
        assert not Decision.objects.exists()
        assert Entry.objects.filter(event="serving.applications.refused").count() == 1

    def test_what_is_not_known_is_nan_or_an_empty_text(self, infer, decide_over_http):
        application = an_application(income=None, purpose=None)
        request = a_request(application)
        for one in request["inputs"]:
            one["data"] = [
                ("" if one["datatype"] == "BYTES" else math.nan) if v is None else v
                for v in one["data"]
            ]

        response = infer(request)

        assert output(response, "pd")["data"] == [decide_over_http(application).json()["pd"]]

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"datatype": "FP32"}, "Must be of datatype FP64"),
            ({"shape": [2]}, "shape"),
            ({"data": None}, "data"),
            ({"name": "sex"}, "No such input"),
        ],
    )
    def test_a_tensor_that_is_not_the_models_is_named(self, infer, changed, said):
        request = a_request(an_application())
        request["inputs"][2] |= changed

        response = infer(request)

        assert response.status_code == 400
        assert said in response.json()["error"]
        assert not Decision.objects.exists()

    def test_an_unapproved_version_infers_nothing(self, infer, champion):
        revoke_clearance(champion.clearances.get(), by=the_builder(), reason="A doubt.")

        response = infer(a_request(an_application()))

        assert response.status_code == 503
        assert set(response.json()) == {"error"}
        assert not Decision.objects.exists()

    def test_a_stranger_is_told_nothing_but_that_the_server_lives(self, client, champion):
        assert client.get("/v2/health/live").status_code == 200
        for path in ("/v2", f"/v2/models/{champion.model.name}"):
            refused = client.get(path)
            assert refused.status_code == 401
            assert set(refused.json()) == {"error"}

    def test_whoever_may_not_decide_may_not_infer(self, auditor, signed_in, champion):
        response = signed_in(auditor).post(
            f"/v2/models/{champion.model.name}/infer",
            json.dumps(a_request(an_application())),
            content_type="application/json",
        )

        assert response.status_code == 403
        assert not Decision.objects.exists()


def test_tritons_client_reads_the_metadata_and_has_applications_decided(
    own_database, django_db_blocker, tmp_path
):
    with django_db_blocker.unblock():
        champion = a_champion()
        name, number = champion.model.name, str(champion.number)
        headers = {"Authorization": f"Token {a_token(a_person('lending', 'scoring client'))}"}
        connections.close_all()
        with granian(own_database, tmp_path) as site, triton.InferenceServerClient(site.removeprefix("http://")) as client:  # fmt: skip
            assert client.is_server_live()
            assert client.is_server_ready()
            assert client.is_model_ready(name, headers=headers)
            assert not client.is_model_ready("another", headers=headers)
            assert client.get_server_metadata(headers=headers)["name"] == "credence"
            metadata = client.get_model_metadata(name, number, headers=headers)
            kinds = {one["name"]: one["datatype"] for one in metadata["inputs"]}
            request = a_request(an_application(**GOOD), an_application(**BAD))
            inputs = []
            for one in request["inputs"]:
                dtype = {"FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}
                value = triton.InferInput(one["name"], one["shape"], kinds[one["name"]])
                data = np.array(one["data"], dtype=dtype[one["datatype"]])
                value.set_data_from_numpy(data, binary_data=False)
                inputs.append(value)
            outputs = [
                triton.InferRequestedOutput(one["name"], binary_data=False)
                for one in metadata["outputs"]
            ]

            result = client.infer(
                name, inputs, model_version=number, outputs=outputs, headers=headers
            )
            with pytest.raises(InferenceServerException, match="datatype"):
                client.infer(name, [triton.InferInput("dti", [1], "FP32").set_data_from_numpy(np.array([1], np.float32), binary_data=False)], headers=headers)  # fmt: skip

        assert list(result.as_numpy("outcome")) == ["approved", "declined"]
        attributions = result.as_numpy("explanation")
        assert attributions.shape == (2, 5)
        gap = result.as_numpy("base_value") + attributions.sum(axis=1) - result.as_numpy("margin")
        assert np.abs(gap).max() < 1e-6
        assert Decision.objects.count() == 2
