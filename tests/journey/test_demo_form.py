"""The demo's company has a sign-up form that a newcomer can open in the browser and sign up by."""

from django.test import Client

from config.demo import signing_up
from config.demo.companies import PASSWORD, Company
from consent.models import SignupForm
from consent.opening import hindrances
from consent.queries import may_send
from contacts.models import ListMember
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import person
from tests.consent.test_signups import write


def test_the_form_of_the_demo_is_open_and_a_page_start_and_confirmation_make_a_yes(client: Client, db: None) -> None:
    email = "demo@baeckerei-sonne.example"
    made = factories.company(slug="baeckerei-sonne", name="Bäckerei Sonne", owner_email=email, password=PASSWORD)
    number = factories.number(made.tenant)
    company = Company(made.tenant, email, made.api_key, number, factories.template(made.tenant))

    form = signing_up.open_form(company)

    page = signing_up.open_page(made.tenant)
    assert page.endswith("/s/baeckerei-sonne/theke/")
    with tenant_scope(made.tenant):
        assert (form.state, hindrances(form)) == (SignupForm.State.LIVE, [])
        topic = made.tenant.lists.get(title_de="Neuheiten")
    german = client.get("/s/baeckerei-sonne/theke/?lang=de").content.decode()
    assert "Nachhaltigkeit" in german
    assert "News from Bäckerei Sonne" in client.get("/s/baeckerei-sonne/theke/?lang=en").content.decode()
    answer = client.post("/s/baeckerei-sonne/theke/", {"agree": "on", "topic": str(topic.uid)}).content.decode()
    with tenant_scope(made.tenant):
        frieda = person(made.tenant, phone=f"+{signing_up.PHONE}")
        write(frieda, signing_up.signups.message(str(signing_up.signups.token_in(answer))))
        assert may_send(contact=frieda, channel="whatsapp", purpose="marketing").allowed
        assert ListMember.objects.filter(contact=frieda, list=topic).exists()


def test_a_company_without_an_open_form_has_no_page_to_print(db: None) -> None:
    made = factories.company(slug="modehaus", name="Modehaus Nord", owner_email="x@modehaus.example", password=PASSWORD)

    assert signing_up.open_page(made.tenant) == ""
