"""Fifty launches of one campaign at once: through the API, and from two browsers that press the button."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
from django.urls import reverse

from benchmarks.chaos import Counts, Fault, campaign
from benchmarks.chaos.campaign import PASSWORD
from benchmarks.chaos.stage import PROCESSES, staged
from messaging.models import Source
from tenants.scope import tenant_scope

RATE = 200
BY_API, BY_BROWSER = 40, 10


def at_once(folder: Path, people: int) -> Counts:
    """Everybody waits for everybody before the one request."""
    made = campaign.tenant_made()
    with staged(folder, people, RATE, processes=(*PROCESSES, "web"), made=made) as stage:
        web, tenant = stage.fleet.url("web"), made.tenant
        together = Barrier(BY_API + BY_BROWSER)
        path = f"campaigns/{stage.campaign.uid}/launch/"

        def by_api() -> int:
            headers = {"Authorization": f"Bearer {made.api_key}"}
            with httpx.Client(base_url=f"{web}/api/v1/", headers=headers, timeout=60, trust_env=False) as http:
                together.wait(60)
                return http.post(path).status_code

        def by_browser(cookies: httpx.Cookies) -> str:
            with httpx.Client(base_url=f"{web}/{tenant.slug}/", cookies=cookies, timeout=60, trust_env=False) as http:
                form = {"confirmed": "yes", "csrfmiddlewaretoken": cookies["csrftoken"]}
                together.wait(60)
                answer = http.post(path, data=form)
                return f"{answer.status_code} {answer.headers.get('Location', '')}"

        browsers = [_logged_in(web, made.owner.email) for _ in range(2)]
        with ThreadPoolExecutor(BY_API + BY_BROWSER) as threads:
            asked = [threads.submit(by_api) for _ in range(BY_API)]
            pressed = [threads.submit(by_browser, browsers[n % 2]) for n in range(BY_BROWSER)]
            answers = sorted({answer.result() for answer in asked})
            shown = sorted({answer.result() for answer in pressed})
        counts = stage.finish()
        with tenant_scope(tenant):
            sources = Source.objects.filter(tenant=tenant, kind=Source.Kind.CAMPAIGN).count()
    # The report, be it theirs or another one's launch, and not the login.
    report = reverse("campaign_report", kwargs={"tenant_slug": tenant.slug, "uid": stage.campaign.uid})
    odd = [answer for answer in answers if answer >= 400] + [answer for answer in shown if answer != f"302 {report}"]
    told = f"{BY_API} launches by API answered {answers}, {BY_BROWSER} by two browsers {shown}: {sources} campaign"
    return counts + Counts(twice=abs(sources - 1), wrong=(f"answered {odd}",) if odd else (), notes=(told,))


def _logged_in(web: str, email: str) -> httpx.Cookies:
    """The cookies of a browser in which the owner has logged in."""
    with httpx.Client(base_url=web, timeout=60, trust_env=False) as http:
        http.get("/accounts/login/")
        form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
        answer = http.post("/accounts/login/", data=form)
        assert answer.status_code == 302, answer.text
        return http.cookies


FAULTS = (
    Fault(
        "launches", "fifty launches at the same moment start one campaign, and nobody gets it twice.", 2_000, at_once
    ),
)
