import time
import pytest
from pathlib import Path
from django.utils import timezone
from governance.document_drafts import generate
from governance.documents.kinds import Kind
from governance.queries.documents import page_of, pdf_of
from tests.governance.builders import a_measured_version, a_report, an_oversight_policy, a_gate_policy
from governance.documents.composing import compose
pytestmark = pytest.mark.django_db
def test_x(developer, validator):
    an_oversight_policy()
    v = a_measured_version(developer)
    out = Path("/tmp/scratch/docf"); out.mkdir(exist_ok=True)
    for kind in Kind:
        by = validator
        t=time.time()
        compose(v, kind, timezone.now())
        t1=time.time()
        d = generate(v, kind, by=by)
        print(kind, t1-t, time.time()-t1)
        (out/f"{kind}.html").write_bytes(page_of(d, reader=validator))
        (out/f"{kind}.pdf").write_bytes(pdf_of(d, reader=validator))
