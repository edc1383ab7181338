import time, cProfile, pstats
import pytest
from django.db import connection
from consent import ledger
from consent.ledger import appending, projecting, suppressing
from contacts.models import Contact
from contacts import identities
from tenants.scope import tenant_scope
from tests.consent.factories import entry

@pytest.mark.django_db(transaction=True)
def test_perf(bakery):
    N=10000
    with tenant_scope(bakery):
        cs=[Contact(tenant=bakery, phone=f"+49151{i:08d}") for i in range(N)]
        for a in range(0,N,5000):
            Contact.objects.bulk_create(cs[a:a+5000]); identities.record(bakery, cs[a:a+5000])
    log=[]
    def wrap(execute, sql, params, many, context):
        t=time.perf_counter(); r=execute(sql,params,many,context); log.append((time.perf_counter()-t, sql[:90].strip().replace("\n"," "))); return r
    for a in range(0,N,5000):
        p=cProfile.Profile()
        log.clear()
        t=time.perf_counter()
        p.enable()
        with connection.execute_wrapper(wrap), tenant_scope(bakery):
            es=[entry(x.subject_id, key=f"{i}", evidence={"file":"a"*64,"row":i}, wording_sha256="b"*64) for i,x in enumerate(cs[a:a+5000], a)]
            ledger.append(bakery,es)
        p.disable()
        print(f"total {time.perf_counter()-t:.2f}")
        for d,s in sorted(log, reverse=True)[:8]: print(f"{d*1000:8.1f} ms {s}")
    pstats.Stats(p).sort_stats("cumtime").print_stats(25)
