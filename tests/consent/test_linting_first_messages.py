"""Which words name the right to object, and which tell whence somebody's data come."""

import pytest

from consent import speaking
from consent.linting import words

OBJECTIONS = [
    "Sie können der Verwendung Ihrer Daten für Werbung jederzeit widersprechen.",
    "Du kannst der Nutzung deiner Daten jederzeit widersprechen, auch hier: https://sonne.example",
    "Widersprechen Sie der Werbung jederzeit mit STOPP.",
    "Werbung können Sie jederzeit per Antwort widersprechen",
    "Wenn du der Werbung widersprichst, hören wir auf.",
    "Sie haben das Recht auf Widerspruch (Art. 21 DSGVO).",
    "Ihr Widerspruchsrecht: Antworten Sie mit STOPP.",
    "Gegen Direktwerbung können Sie Widerspruch einlegen.",
    "Werbewiderspruch jederzeit: STOPP",
    "Sie können der Verwendung Ihrer Daten für Werbung, z. B. per WhatsApp, widersprechen.",
    "Sie können der Verwendung Ihrer Tel.-Nr. widersprechen",
    "Du kannst dem Erhalt unserer Nachrichten widersprechen",
    "Sie können der Zusendung jederzeit widersprechen: https://sonne.example",
    "You may object to the use of your data for advertising at any time.",
    "You could object to our messages.",
    "You have the right to object.",
    "You can object at any time by answering STOP.",
]
NO_OBJECTIONS = [
    "",
    "Abmelden: STOPP",
    "Abmelden können Sie sich jederzeit.",
    "Sie können Ihre Einwilligung jederzeit widerrufen.",
    "Widerspruch zwecklos: 20 Prozent auf alles!",
    "Unsere Brote sind ein Widerspruch in sich: knusprig und weich.",
    "Da kann niemand widersprechen. Ihre Daten sind sicher.",
    "Unwidersprochen gut und in der Werbung",
    "Datenschutz: https://sonne.example/datenschutz/widerspruch",
    "Werbung? https://sonne.example/widerspruch",
    "Diese Nutzung widerspricht den AGB",
    "Das widerspricht jederzeit dem guten Geschmack",
    "Kein Widerspruch: unsere Werbung wirkt",
    "Find any object any time in our lost and found",
    "You can find any object any time",
    "Any object you like, 20 % off",
    "Unsubscribe any time",
]
ORIGINS = [
    "Woher wir deine Daten haben: https://sonne.example/datenschutz",
    "Auf https://sonne.example/p steht, woher wir Ihre Daten haben.",
    "Ihre Nummer haben wir von der Alten Bäckerei GmbH.",
    "Deine Nummer haben wir aus unserem Kundenbuch.",
    "Ihre Kontaktdaten stammen aus Ihrer Bestellung vom 3. Mai",
    "Wir haben Ihre Handynummer aus Ihrem Kundenkonto.",
    "Deine Telefonnummer hast du uns im Laden gegeben.",
    "Sie haben uns Ihre Nummer bei der Bestellung genannt.",
    "Sie haben uns Ihre Handynummer bereits genannt.",
    "Herkunft Ihrer Daten: Kundenkartei",
    "Deine Nummer haben wir aus unserem Kundenkonto",
    "Ihre Nummer stammt aus Ihrer Bestellung",
    "Ihre Nummer kommt aus Ihrer Bestellung vom Mai.",
    "Ihre Nummer und Adresse kommen aus unserer Kundenkartei.",
    "Deine Nummer kommt noch aus unserem alten Kundenbuch.",
    "Ihre Daten kommen, wie besprochen, von der Alten Bäckerei GmbH.",
    "Ihre Daten kommen über unser Kontaktformular.",
    "Ihre Daten kommen zum Teil aus Ihrer Bestellung und in erster Linie von Ihnen.",
    "Ihre Daten kamen zu uns von der Kornmühle.",
    "Ihre Nummer haben wir aus dem Formular, das Sie uns geschickt haben.",
    "Ihre Nummer erhielten wir über Ihre Bestellung.",
    "Ihre Adresse haben wir von unserem Partner Kornmühle übernommen.",
    "Wir schreiben an Ihre Nummer, die Sie uns bei der Bestellung angegeben haben.",
    "We have your number from your last order.",
    "Your data comes from our shop.",
    "Your number came to us from Miller's Mill Ltd.",
    "Your number originally came from our loyalty scheme.",
    "Your details are from your order in May.",
    "We took your number from your order.",
    "You gave us your phone number in our shop.",
    "Here is where we got your data from: https://sonne.example",
    "We received your contact details when you ordered, from our shop.",
]
NO_ORIGINS = [
    "",
    "Ihre Daten sind bei uns sicher.",
    "Woher kommt unser Mehl? Aus der Region.",
    "Ihre Bestellung haben wir aus dem Ofen geholt.",
    "Deine Nummer ist gezogen!",
    "Ihre Bestellnummer kommt per E-Mail, vom Lager",
    "Ihre Sendungsnummer kommt per SMS von DHL",
    "Ihre Nummer kommt per SMS",
    "Ihre Nummer kommt per SMS von DHL.",
    "Ihre Nummer kommt gleich per SMS, vom Lager",
    "Ihre Nummer kommt über WhatsApp",
    "Ihre Nummer kommt von uns",
    "Ihre Nummer kommt morgen vom Lager",
    "Ihre Daten kommen mit der Post aus Berlin",
    "Der Code kommt an Ihre Nummer",
    "Der Code kommt von uns an Ihre Nummer",
    "An Ihre Nummer kommt ein Code von DHL",
    "Ihre Adresse haben wir aus dem Verteiler gelöscht",
    "Wir haben Ihre Nummer aus unserer Liste gestrichen.",
    "Ihre Nummer haben wir Ihnen von der Filiale per SMS geschickt",
    "Haben Sie Ihre Adresse schon angegeben?",
    "Haben Sie Ihre Kundennummer schon eingetragen?",
    "Du hast deine Adresse noch nicht angegeben",
    "Your order number comes from our system",
    "Your number comes by text message",
    "Your number comes by text message from DHL",
    "Your number comes in a text message from our shop",
    "Your number will come from our warehouse",
    "The code comes to your number",
    "The code comes to your number from our system",
    "Your number is called from 9 o'clock on",
    "We have your number ready from 9 o'clock on",
    "Ihre Vorteile kommen von Herzen.",
    "Your order comes from our oven.",
    "Where we bake, you can taste it.",
]


@pytest.mark.parametrize("text", OBJECTIONS)
def test_cg_24_this_names_the_right_to_object(text: str) -> None:
    assert words.names_objection(text)


@pytest.mark.parametrize("text", NO_OBJECTIONS)
def test_cg_24_this_does_not_name_the_right_to_object(text: str) -> None:
    assert not words.names_objection(text)


@pytest.mark.parametrize("text", ORIGINS)
def test_art_14_this_tells_whence_the_data_come(text: str) -> None:
    assert words.says_in_any(text, words.ORIGIN)


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_art_14_this_does_not_tell_whence_the_data_come(text: str) -> None:
    assert not words.says_in_any(text, words.ORIGIN)


@pytest.mark.parametrize("said", [speaking.DU, speaking.DU | speaking.SIE, speaking.EN])
def test_what_is_offered_for_a_template_says_it(said: dict[str, str]) -> None:
    assert words.names_objection(said["first_objection"])
    assert words.says_in_any(said["first_notice"], words.ORIGIN)
