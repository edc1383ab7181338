"""What the product says to people in a company's name: on sign-up pages and in WhatsApp, in du, in Sie, in English.

Data and not gettext, because companies choose how they address people, whatever language their own staff reads.
"""

from collections.abc import Mapping

from consent.models import Controller, WordingVersion
from tenants.models import Tenant

LANGUAGES = ("de", "en")
# Meta's limit for the text above buttons; a wording that is cut short is agreed to by nobody.
QUESTION_LIMIT = 1024
Texts = Mapping[str, str]

DU: Texts = {
    "confirmed": "Du bist angemeldet. {company} schreibt dir jetzt über WhatsApp. Abmelden kannst du dich jederzeit:"
    " Antworte einfach mit STOPP.",
    # Signed up, but what was stopped in WhatsApp itself only the person can open there (consent-gdpr § 5.3).
    "stopped": "Deine Anmeldung ist da. In WhatsApp hast du Angebote von {company} aber gestoppt, deshalb kommt noch"
    " nichts an: Tippe oben auf unseren Namen und erlaube „Angebote und Ankündigungen“ wieder.",
    "out": "Du bist abgemeldet. {company} schickt dir keine Werbung mehr über WhatsApp.",
    "out_of_all": "Du bist abgemeldet. {company} schickt dir keine Werbung mehr, auf keinem Weg.",
    "code": "Dein Gutschein: {code}",
    # Art. 21 (4) GDPR: named at the first contact, apart from everything else.
    "own_page": "Du kannst der Verwendung deiner Daten für Werbung jederzeit widersprechen, auch hier: {url}",
    "known": "Du bist schon angemeldet. Abmelden kannst du dich jederzeit mit STOPP.",
    "late": "Diese Anmeldung ist nicht mehr gültig. Wenn du magst, melde dich neu an: {url}",
    "asked": "{wording}\n\nTippe auf „{button}“, wenn du einverstanden bist. Ohne Antwort passiert nichts.",
    "button": "Ja, anmelden",
    "ticked": "Ja, ich bin einverstanden.",
    "optional": "freiwillig",
    "submit": "Weiter zu WhatsApp",
    "must_tick": "Bitte setze das Häkchen, wenn du einverstanden bist. Ohne Einwilligung schreiben wir dir nicht.",
    "too_young": "Anmelden kannst du dich ab 16 Jahren. Bis dahin schreiben wir dir nicht.",
    "choose": "Bitte wähle eine Antwort.",
    "almost": "Fast fertig: Bestätige in WhatsApp",
    "almost_text": "Öffne WhatsApp und sende die vorbereitete Nachricht ab. Erst damit bist du angemeldet – so"
    " wissen wir, dass es wirklich deine Nummer ist.",
    "open": "WhatsApp öffnen",
    "scan": "Am Computer? Scanne den Code mit deinem Telefon.",
    "by_hand": "Oder sende diese Nachricht an",
    "scan_poster": "Scannen und anmelden",
    "write_poster": "Oder sende {keyword} per WhatsApp an {number}",
    "stop_poster": "Abmelden jederzeit mit STOPP.",
    "lasts": "Die Bestätigung gilt 7 Tage. Ohne Bestätigung löschen wir deine Anfrage.",
    "data": "Deine Daten",
    "privacy": "Datenschutz",
    "imprint": "Impressum",
    "responsible": "Verantwortlich: {company}",
    "rights": "Du kannst Auskunft, Berichtigung und Löschung verlangen, die Verarbeitung einschränken lassen, deine"
    " Daten mitnehmen, jederzeit widersprechen und dich bei einer Aufsichtsbehörde beschweren.",
    "terms": "Bedingungen",
    "closed": "Diese Anmeldung ist gerade nicht möglich.",
    "closed_text": "Das Formular ist geschlossen. Bitte wende dich an {company}.",
    "too_often": "Zu viele Versuche. Bitte warte eine Minute und versuche es dann noch einmal.",
    "prefs": "Nachrichten von {company}",
    "prefs_text": "Hier siehst du, wozu du ja gesagt hast. Ein Nein gilt sofort.",
    "withdraw": "Abmelden",
    "withdraw_all": "Von allem abmelden",
    # Art. 21 (4) GDPR: named apart from everything else.
    "object_title": "Widerspruch gegen Werbung",
    "object_text": "Du kannst der Verwendung deiner Daten für Werbung widersprechen. Das gilt für alle Wege und auch"
    " für Auswertungen zu Werbezwecken (Art. 21 DSGVO).",
    "object": "Werbung widersprechen",
    "object_ask": "Wenn du widersprichst, verwendet {company} deine Daten nicht mehr für Werbung: nicht über WhatsApp,"
    " nicht per E-Mail und nicht per SMS. Nachrichten zu Bestellungen und Terminen sind davon nicht betroffen.",
    "object_yes": "Ich widerspreche",
    "object_back": "Zurück",
    "objected": "Du hast der Werbung widersprochen. {company} verwendet deine Daten nicht mehr dafür.",
    "is_on": "angemeldet",
    "is_off": "abgemeldet",
    "nothing": "Du bekommst keine Werbung von {company}.",
    "done": "Du bist abgemeldet. {company} schickt dir das nicht mehr.",
    "invalid": "Dieser Link gilt nicht mehr.",
    "invalid_text": "Antworte auf eine WhatsApp-Nachricht mit STOPP: Das wirkt sofort.",
    "again": "Wenn du wieder Nachrichten möchtest, schreibe in WhatsApp START.",
}
SIE: Texts = {
    "confirmed": "Sie sind angemeldet. {company} schreibt Ihnen jetzt über WhatsApp. Abmelden können Sie sich"
    " jederzeit: Antworten Sie einfach mit STOPP.",
    "stopped": "Ihre Anmeldung ist da. In WhatsApp haben Sie Angebote von {company} aber gestoppt, deshalb kommt noch"
    " nichts an: Tippen Sie oben auf unseren Namen und erlauben Sie „Angebote und Ankündigungen“ wieder.",
    "out": "Sie sind abgemeldet. {company} schickt Ihnen keine Werbung mehr über WhatsApp.",
    "out_of_all": "Sie sind abgemeldet. {company} schickt Ihnen keine Werbung mehr, auf keinem Weg.",
    "code": "Ihr Gutschein: {code}",
    "own_page": "Sie können der Verwendung Ihrer Daten für Werbung jederzeit widersprechen, auch hier: {url}",
    "known": "Sie sind schon angemeldet. Abmelden können Sie sich jederzeit mit STOPP.",
    "late": "Diese Anmeldung ist nicht mehr gültig. Wenn Sie mögen, melden Sie sich neu an: {url}",
    "asked": "{wording}\n\nTippen Sie auf „{button}“, wenn Sie einverstanden sind. Ohne Antwort passiert nichts.",
    "must_tick": "Bitte setzen Sie das Häkchen, wenn Sie einverstanden sind. Ohne Einwilligung schreiben wir Ihnen"
    " nicht.",
    "too_young": "Anmelden können Sie sich ab 16 Jahren. Bis dahin schreiben wir Ihnen nicht.",
    "choose": "Bitte wählen Sie eine Antwort.",
    "almost": "Fast fertig: Bestätigen Sie in WhatsApp",
    "almost_text": "Öffnen Sie WhatsApp und senden Sie die vorbereitete Nachricht ab. Erst damit sind Sie angemeldet –"
    " so wissen wir, dass es wirklich Ihre Nummer ist.",
    "scan": "Am Computer? Scannen Sie den Code mit Ihrem Telefon.",
    "by_hand": "Oder senden Sie diese Nachricht an",
    "write_poster": "Oder senden Sie {keyword} per WhatsApp an {number}",
    "lasts": "Die Bestätigung gilt 7 Tage. Ohne Bestätigung löschen wir Ihre Anfrage.",
    "data": "Ihre Daten",
    "rights": "Sie können Auskunft, Berichtigung und Löschung verlangen, die Verarbeitung einschränken lassen, Ihre"
    " Daten mitnehmen, jederzeit widersprechen und sich bei einer Aufsichtsbehörde beschweren.",
    "closed_text": "Das Formular ist geschlossen. Bitte wenden Sie sich an {company}.",
    "too_often": "Zu viele Versuche. Bitte warten Sie eine Minute und versuchen Sie es dann noch einmal.",
    "prefs_text": "Hier sehen Sie, wozu Sie ja gesagt haben. Ein Nein gilt sofort.",
    "object_text": "Sie können der Verwendung Ihrer Daten für Werbung widersprechen. Das gilt für alle Wege und auch"
    " für Auswertungen zu Werbezwecken (Art. 21 DSGVO).",
    "object_ask": "Wenn Sie widersprechen, verwendet {company} Ihre Daten nicht mehr für Werbung: nicht über WhatsApp,"
    " nicht per E-Mail und nicht per SMS. Nachrichten zu Bestellungen und Terminen sind davon nicht betroffen.",
    "objected": "Sie haben der Werbung widersprochen. {company} verwendet Ihre Daten nicht mehr dafür.",
    "nothing": "Sie bekommen keine Werbung von {company}.",
    "done": "Sie sind abgemeldet. {company} schickt Ihnen das nicht mehr.",
    "invalid_text": "Antworten Sie auf eine WhatsApp-Nachricht mit STOPP: Das wirkt sofort.",
    "again": "Wenn Sie wieder Nachrichten möchten, schreiben Sie in WhatsApp START.",
}
EN: Texts = {
    "confirmed": "You are signed up. {company} writes to you on WhatsApp from now on. You can stop at any time: just"
    " answer STOP.",
    "stopped": "You are signed up. But in WhatsApp you have stopped offers from {company}, so nothing arrives yet: tap"
    " our name at the top and allow “Offers and announcements” again.",
    "out": "You are unsubscribed. {company} will not send you any more advertising on WhatsApp.",
    "out_of_all": "You are unsubscribed. {company} will not send you any more advertising in any way.",
    "code": "Your voucher: {code}",
    "own_page": "You may object to the use of your data for advertising at any time, here too: {url}",
    "known": "You are signed up already. You can stop at any time by answering STOP.",
    "late": "This sign-up is not valid any more. If you like, sign up again: {url}",
    "asked": "{wording}\n\nTap “{button}” if you agree. Without an answer nothing happens.",
    "button": "Yes, sign me up",
    "ticked": "Yes, I agree.",
    "optional": "optional",
    "submit": "Continue to WhatsApp",
    "must_tick": "Please tick the box if you agree. Without your consent we do not write to you.",
    "too_young": "You can sign up from the age of 16 on. Until then we do not write to you.",
    "choose": "Please choose an answer.",
    "almost": "Almost done: confirm in WhatsApp",
    "almost_text": "Open WhatsApp and send the message that is ready there. Only then are you signed up: that is how we"
    " know that it is really your number.",
    "open": "Open WhatsApp",
    "scan": "At a computer? Scan the code with your phone.",
    "by_hand": "Or send this message to",
    "scan_poster": "Scan and sign up",
    "write_poster": "Or send {keyword} on WhatsApp to {number}",
    "stop_poster": "Unsubscribe at any time by STOP.",
    "lasts": "The confirmation is valid for 7 days. Without it we delete your request.",
    "data": "Your data",
    "privacy": "Privacy",
    "imprint": "Imprint",
    "responsible": "Responsible: {company}",
    "rights": "You can ask for access, rectification and erasure, have processing restricted, take your data with you,"
    " object at any time, and complain to a supervisory authority.",
    "terms": "Conditions",
    "closed": "Signing up is not possible at the moment.",
    "closed_text": "The form is closed. Please turn to {company}.",
    "too_often": "Too many attempts. Please wait a minute and try again.",
    "prefs": "Messages from {company}",
    "prefs_text": "Here you see what you have said yes to. A no takes effect at once.",
    "withdraw": "Unsubscribe",
    "withdraw_all": "Unsubscribe from everything",
    "object_title": "Objection to advertising",
    "object_text": "You may object to the use of your data for advertising. It holds on every channel, and for"
    " profiling that serves advertising (Art. 21 GDPR).",
    "object": "Object to advertising",
    "object_ask": "If you object, {company} no longer uses your data for advertising: not on WhatsApp, not by e-mail"
    " and not by SMS. Messages about orders and appointments are not affected.",
    "object_yes": "I object",
    "object_back": "Back",
    "objected": "You have objected to advertising. {company} no longer uses your data for it.",
    "is_on": "subscribed",
    "is_off": "unsubscribed",
    "nothing": "You get no advertising from {company}.",
    "done": "You are unsubscribed. {company} does not send you this any more.",
    "invalid": "This link is not valid any more.",
    "invalid_text": "Answer STOP to any WhatsApp message: that takes effect at once.",
    "again": "If you want messages again, write START in WhatsApp.",
}


def question(tenant: Tenant, language: str, version: WordingVersion) -> str:
    """What is asked in WhatsApp before somebody can say yes there: the wording, its notice, and what to tap."""
    said = texts(tenant, language)
    wording = version.texts.get(language) or next(iter(version.texts.values()), "")
    policy = f"\n{version.policy_url}" if version.policy_url else ""
    return said["asked"].replace("{wording}", wording + policy).replace("{button}", said["button"])


def texts(tenant: Tenant, language: str) -> dict[str, str]:
    """Every text for this company's people in a language, with the company's name filled in; other braces stay."""
    controller = Controller.objects.filter(tenant=tenant).first()
    company = (controller and controller.legal_name) or tenant.name
    is_formal = controller is not None and controller.address_form == Controller.AddressForm.SIE
    chosen: dict[str, str] = {**EN} if language == "en" else {**DU, **(SIE if is_formal else {})}
    return {key: text.replace("{company}", company) for key, text in chosen.items()}
