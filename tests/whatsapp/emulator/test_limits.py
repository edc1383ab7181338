"""The emulator's limits: people in 24 hours by the portfolio's tier, and what a reset gives back."""

from tests.whatsapp.emulator.cast import ACCOUNT, NUMBER, code_of
from whatsapp.client import Client
from whatsapp.emulator import Running
from whatsapp.errors import WhatsAppError
from whatsapp.payloads import Recipient, messages, templates


def write(client: Client, people: range, *, number: str = NUMBER) -> list[int]:
    """Send each a template; the codes of the refusals, 0 for an acceptance."""
    bodies = [templates.template(Recipient(phone=f"+493090{person:06}"), "hello", "de") for person in people]
    return [code_of(lambda body=body: client.send(number, body)) for body in bodies]


def test_the_tier_of_a_number_limits_the_people_of_a_day(client: Client, sandbox: Running) -> None:
    sandbox.add_number(NUMBER, ACCOUNT, tier="TIER_250")

    assert write(client, range(250)) == [0] * 250
    assert write(client, range(251)) == [0] * 250 + [131048]


def test_a_new_number_is_unlimited_and_says_so(client: Client) -> None:
    assert write(client, range(260)) == [0] * 260
    assert client.number(NUMBER)["whatsapp_business_manager_messaging_limit"] == "TIER_UNLIMITED"


def test_the_profile_sets_another_limit_whatever_the_tier(client: Client, sandbox: Running) -> None:
    sandbox.add_number(NUMBER, ACCOUNT, tier="TIER_100K")
    sandbox.configure(daily_people=2, daily_code=131064)

    assert write(client, range(3)) == [0, 0, 131064]


def test_the_numbers_of_a_portfolio_share_its_limit_and_another_portfolio_has_its_own(
    client: Client, sandbox: Running
) -> None:
    sandbox.configure(daily_people=2)
    sandbox.add_account("1", portfolio_id="p1")
    sandbox.add_account("2", portfolio_id="p1")
    sandbox.add_account("3", portfolio_id="p2")
    for number in "123":
        sandbox.add_number(f"20{number}", number)

    assert write(client, range(2), number="201") == [0, 0]
    assert write(client, range(2, 3), number="202") == [131048]
    assert write(client, range(2, 3), number="203") == [0]
    entities = {entity["entity_type"]: entity["id"] for entity in client.health("203")["entities"]}
    assert entities["BUSINESS"] == "p2"


def test_a_refused_message_uses_up_nothing_of_the_day(client: Client, sandbox: Running) -> None:
    sandbox.configure(daily_people=1)
    # The magic recipients 201 are refused, 304 reset before and 303 after acceptance.
    for refused in ("201", "304"):
        assert not is_answered(client, refused)
    assert len(sandbox.ledger) == 0

    assert not is_answered(client, "303")
    assert len(sandbox.ledger) == 1

    assert write(client, range(1)) == [131048]


def is_answered(client: Client, magic: str) -> bool:
    try:
        client.send(NUMBER, templates.template(Recipient(phone=f"+493023125{magic}"), "hello", "de"))
    except WhatsAppError:
        return False
    return True


def test_who_wrote_first_does_not_count(client: Client, sandbox: Running) -> None:
    sandbox.configure(daily_people=1)
    sandbox.say(NUMBER, "493090000000", "Hallo")

    assert write(client, range(2)) == [0, 0]
    client.send(NUMBER, messages.text(Recipient(phone="+493090000000"), "Hallo"))


def test_the_day_passes_at_the_speed_of_the_profile(client: Client, sandbox: Running) -> None:
    # At this speed 24 hours are over before the next answer can come.
    sandbox.configure(daily_people=1, speed=1e12)
    assert write(client, range(3)) == [0, 0, 0]

    sandbox.configure(speed=1)
    assert write(client, range(3, 5)) == [131048, 131048]


def test_a_reset_gives_the_limits_back(client: Client, sandbox: Running) -> None:
    sandbox.configure(daily_people=1, throughput_per_s=0.001, pair_limit=True, pair_burst=1)
    assert write(client, range(1)) == [0]
    assert write(client, range(1)) == [130429]

    sandbox.reset()

    assert write(client, range(1)) == [0]
