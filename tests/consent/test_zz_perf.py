import time, os
import pytest
from django.db import connection
from consent import ledger
from contacts.models import Contact
from contacts import identities
from tenants.scope import tenant_scope
from tests.consent.factories import entry

def pg_cpu(pid):
    import pathlib; p=pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")",1)[1].split(); return (int(p[11])+int(p[12]))/os.sysconf("SC_CLK_TCK")

@pytest.mark.django_db(transaction=True)
def test_perf(bakery):
    N=20000
    with tenant_scope(bakery):
        cs=[Contact(tenant=bakery, phone=f"+49151{i:08d}") for i in range(N)]
        for a in range(0,N,5000):
            Contact.objects.bulk_create(cs[a:a+5000]); identities.record(bakery, cs[a:a+5000])
    with connection.cursor() as c: c.execute("ANALYZE"); c.execute("SELECT pg_backend_pid()"); pid=c.fetchone()[0]
    for label, ev, purpose in (("fresh+evidence",True,"marketing"),("same keys again",True,"marketing"),("fresh pair of known people, no evidence",False,"survey")):
        batches=[[entry(x.subject_id, purpose=purpose, key=f"{purpose}{i}", evidence={"file":"a"*64,"row":i,"proof":"double opt-in 2024-01-01"} if ev else None, wording_sha256="b"*64) for i,x in enumerate(cs[a:a+5000], a)] for a in range(0,N,5000)]
        t=time.perf_counter(); cpu=time.process_time(); g=pg_cpu(pid)
        for b in batches:
            with tenant_scope(bakery): r=ledger.append(bakery,b)
        w=time.perf_counter()-t; p=time.process_time()-cpu; g=pg_cpu(pid)-g
        print(f"\n{label}: wall {N/w:.0f}/s; CPU python {p:.2f}s pg {g:.2f}s -> {N/(p+g):.0f} rows per CPU second; {r[-1].seq} {r[-1].skipped}")
