"""What a web worker does not need it does not import: most of its memory would be libraries that it never calls."""

import json
import subprocess
import sys
from pathlib import Path

from django.db import connections

from tests.conftest import a_person
from tests.registry.live import a_token
from tests.serving.builders import BAD, a_champion, an_application
from tests.web import environment_on

ROOT = Path(__file__).resolve().parent.parent
OF_OTHERS = {
    *("sklearn", "skops", "scipy.stats", "scipy.special", "scipy.optimize", "scipy.linalg"),
    *("pandas", "pyarrow", "pandera", "altair", "vl_convert", "typst"),
    *("boto3", "botocore", "httpx"),
}
DECIDES = """
import io, sys
from wsgiref.util import setup_testing_defaults
from governance.wsgi import application

path, token = sys.argv[1:]
body = sys.stdin.buffer.read()
request = {
    "REQUEST_METHOD": "POST", "PATH_INFO": path, "HTTP_AUTHORIZATION": f"Token {token}",
    "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
}
setup_testing_defaults(request)
said = []
answer = b"".join(application(request, lambda status, headers: said.append(status)))
print(said[0].split()[0], *sorted(sys.modules))
"""


def test_a_worker_that_decided_imported_neither_what_trains_nor_what_measures_nor_what_draws(
    own_database, django_db_blocker
):
    with django_db_blocker.unblock():
        champion = a_champion()
        token = a_token(a_person("lending", "scoring client"))
        connections.close_all()
        run = subprocess.run(
            [
                *(sys.executable, "-W", "ignore", "-c", DECIDES),
                *(f"/api/v1/models/{champion.model.name}/decisions", token),
            ],
            cwd=ROOT,
            env=environment_on(own_database),
            input=json.dumps(an_application(**BAD)),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )

    status, *imported = run.stdout.split()
    assert status == "201"
    assert OF_OTHERS & set(imported) == set()
