"""What is said to people in a company's name, in du, in Sie, in English; `consent.speaking` fills in the {names}."""

from collections.abc import Mapping

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
    "code_stays": "Der Gutschein gehört dir, auch wenn du dich abmeldest.",
    # Promised, and then none was left (CG-05).
    "owed": "Dein Gutschein kommt noch: Gerade sind alle Codes vergeben. Sobald es neue gibt, steht deiner hier: {own}",
    "owed_here": "Dein Gutschein kommt noch: Gerade sind alle Codes vergeben. Sobald es neue gibt, steht deiner hier.",
    # On the page, which promises nothing then; a poster may still do.
    "gone": "Gutscheine gibt es gerade keine mehr. Anmelden kannst du dich auch ohne.",
    # Art. 21 (4) GDPR: named at the first contact, apart from everything else.
    "own_page": "Du kannst der Verwendung deiner Daten für Werbung jederzeit widersprechen, auch hier: {url}",
    "known": "Du bist schon angemeldet. Abmelden kannst du dich jederzeit mit STOPP.",
    "late": "Diese Anmeldung ist nicht mehr gültig. Wenn du magst, melde dich neu an: {url}",
    "refused": "Alles klar, {company} schickt dir keine Werbung.",
    "asked": "{wording}\n\nTippe auf „{button}“, wenn du einverstanden bist. Ohne Antwort passiert nichts.",
    "button": "Ja, anmelden",
    "ticked": "Ja, ich bin einverstanden.",
    "optional": "freiwillig",
    "submit": "Weiter zu WhatsApp",
    "must_tick": "Bitte setze das Häkchen, wenn du einverstanden bist. Ohne Einwilligung schreiben wir dir nicht.",
    "too_young": "Anmelden kannst du dich ab 16 Jahren. Bis dahin schreiben wir dir nicht.",
    "choose": "Bitte wähle eine Antwort.",
    # The field that people cannot see, so that it is programs that fill it in.
    "filled_in": "Dein Browser hat beim automatischen Ausfüllen ein Feld gefüllt, das leer bleiben muss. Jetzt ist es"
    " wieder leer: Tippe noch einmal auf „Weiter zu WhatsApp“. Hilft das nicht, schalte das automatische Ausfüllen für"
    " diese Seite aus.",
    # To the company's own staff, on a page that nobody else sees.
    "preview": "Vorschau",
    "preview_text": "So sieht es aus. Von hier aus wird nichts gesendet.",
    "step_page": "Seite",
    "step_confirm": "Bestätigen",
    "step_chat": "In WhatsApp",
    "step_person": "Kundin oder Kunde",
    "step_after_page": "Nach der Seite",
    "step_by_keyword": "Ohne Seite: mit dem Stichwort",
    "almost": "Fast fertig: Bestätige in WhatsApp",
    "almost_text": "Öffne WhatsApp und sende die vorbereitete Nachricht ab. Erst damit bist du angemeldet – so"
    " wissen wir, dass es wirklich deine Nummer ist.",
    "open": "WhatsApp öffnen",
    "scan": "Am Computer? Scanne den Code mit deinem Telefon.",
    "by_hand": "Oder sende diese Nachricht an",
    "scan_poster": "Scannen und anmelden",
    "scan_direct": "Scannen, absenden, „Ja, anmelden“ antippen",
    "write_poster": "Oder sende {keyword} per WhatsApp an {number}",
    "poster_yes": "Mit der Anmeldung stimmst du zu, dass {company} dir per {ways} {what} schickt. Das kannst du"
    " jederzeit widerrufen, am einfachsten mit STOPP.",
    "and": " und ",
    "what_marketing": "Werbung",
    "what_survey": "Umfragen",
    "what_transactional": "Nachrichten zu Bestellungen und Terminen",
    "what_else": "Nachrichten",
    "lasts": "Die Bestätigung gilt 7 Tage. Ohne Bestätigung löschen wir deine Anfrage.",
    "data": "Was mit deinen Daten geschieht",
    "for": "Wofür",
    "for_text": "Um dir zu schicken, was oben steht, und um deine Einwilligung nachzuweisen. Dafür verarbeiten wir"
    " deine Nummer, deinen Namen in WhatsApp und was du hier angibst.",
    "basis": "Rechtsgrundlage",
    "basis_text": "Deine Einwilligung (Art. 6 Abs. 1 lit. a DSGVO{laws}); für ihren Nachweis unsere gesetzliche Pflicht"
    " (Art. 6 Abs. 1 lit. c und Art. 7 Abs. 1 DSGVO).",
    "recipients": "Wer sie bekommt",
    "recipients_text": "WhatsApp Ireland Limited stellt die Nachrichten zu; dabei können Daten zu Meta in die USA"
    " gelangen (Angemessenheitsbeschluss, Art. 45 DSGVO). In unserem Auftrag arbeiten {operator} und technische"
    " Dienstleister.",
    "kept": "Wie lange",
    "kept_text": "Deine Nummer nutzen wir dafür, bis du widerrufst oder wir {silence} Monate lang nichts voneinander"
    " hören. Nachrichten löschen wir nach {messages} Monaten, den Nachweis deiner Einwilligung am Ende des dritten"
    " Kalenderjahres nach seiner letzten Nutzung, unbestätigte Anmeldungen nach 14 Tagen.",
    "free": "Freiwillig",
    "free_text": "Du musst nichts angeben. Ohne Einwilligung schreiben wir dir nicht, sonst hast du keinen Nachteil.",
    "revoke": "Widerruf",
    "revoke_text": "Jederzeit, am einfachsten mit STOPP. Was bis dahin geschah, bleibt rechtmäßig.",
    "rights_title": "Deine Rechte",
    "authority": "Beschwerde",
    "authority_text": "Bei der Datenschutzbehörde deines Wohnorts oder unseres Sitzes ({city}).",
    "officer": "Datenschutzbeauftragte Person",
    "why": "Warum bekomme ich das, und woher haben wir deine Daten?",
    "whence": "Woher haben wir deine Daten?",
    "agreed": "Zugestimmt wurde diesem Text",
    "from_signup_page": "Am {day} auf unserer Anmeldeseite, von dir in WhatsApp bestätigt.",
    "from_qr": "Am {day} über unseren QR-Code, von dir in WhatsApp bestätigt.",
    "from_whatsapp": "Am {day} in WhatsApp: Du hast uns geschrieben und ja gesagt.",
    "from_import": "Aus einer Liste von {company}: Darin steht deine Zustimmung vom {day}.",
    "from_api": "Ein anderes System von {company}, etwa der Shop, hat deine Zustimmung vom {day} gemeldet.",
    "from_agent": "Am {day} hat das Team von {company} deine Zustimmung festgehalten.",
    "from_other": "Deine Zustimmung ist vom {day}.",
    "noted_source": "Als Quelle ist vermerkt: {source}.",
    "ended": "Das gilt nicht mehr.",
    "stored": "Bei {company} gespeichert seit {day}; eine Quelle ist nicht vermerkt.",
    "receipt": "Dein Beleg",
    "receipt_page": "ansehen",
    "privacy": "Datenschutz",
    "imprint": "Impressum",
    "responsible": "Verantwortlich: {company}",
    "responsible_title": "Verantwortlich",
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
    # E-mail, which is confirmed by a mail of its own (CG-11); in that mail nothing else may stand (CG-12).
    "address": "E-Mail-Adresse",
    "if_mail": "wenn du E-Mails möchtest",
    "name_address": "Bitte gib deine E-Mail-Adresse an, zum Beispiel name@example.de. Dorthin geht der Link zum"
    " Bestätigen.",
    "mailed_title": "E-Mails bestätigst du getrennt",
    "mailed": "Öffne den Link in der Mail, die du gleich bekommst. Erst wenn du dort ja sagst, schicken wir E-Mails an",
    "mailed_once": "An eine Adresse geht höchstens eine solche Mail am Tag. Kommt keine, dann schau nach der von heute"
    " oder versuche es morgen noch einmal.",
    "mail_subject": "Bitte bestätige deine E-Mail-Adresse für {company}",
    "mail": "Guten Tag,\n\nam {day} wurde auf der Anmeldeseite von {company} diese Adresse angegeben und diesem Text"
    " zugestimmt:\n\n{wording}\n\nWarst du das? Dann bestätige es bis {until} auf dieser Seite:\n{url}\n\nWenn nicht,"
    " brauchst du nichts zu tun: Ohne Bestätigung heißt es nein, du bekommst keine weitere Mail dazu, und wir löschen"
    " deine Adresse.\n\n{sender}\n",
    "confirm": "E-Mail-Adresse bestätigen",
    "confirm_text": "Wenn du auf den Knopf drückst, stimmst du zu, dass {company} E-Mails schickt an",
    "confirm_yes": "Ja, ich stimme zu",
    "confirm_no": "Wenn du nichts tust, heißt das nein. WhatsApp bestätigst du in WhatsApp, nicht hier.",
    "mail_confirmed": "Deine E-Mail-Adresse ist bestätigt",
    "mail_confirmed_text": "{company} darf dir jetzt E-Mails schicken. Das kannst du jederzeit beenden.",
    "mail_own_page": "Ansehen, wozu du ja gesagt hast, oder abmelden",
    "mail_used": "Dieser Link wurde schon benutzt.",
    "mail_used_text": "Er gilt nur einmal. Es hat sich nichts geändert.",
    "mail_late": "Ein Link zum Bestätigen gilt sieben Tage lang. Bestätigt wurde nichts. Wenn du magst, melde dich neu"
    " an.",
    "sign_up_again": "Neu anmelden",
    "from_mail": "Am {day} auf unserer Anmeldeseite, von dir per E-Mail bestätigt.",
}
SIE: Texts = {
    "confirmed": "Sie sind angemeldet. {company} schreibt Ihnen jetzt über WhatsApp. Abmelden können Sie sich"
    " jederzeit: Antworten Sie einfach mit STOPP.",
    "stopped": "Ihre Anmeldung ist da. In WhatsApp haben Sie Angebote von {company} aber gestoppt, deshalb kommt noch"
    " nichts an: Tippen Sie oben auf unseren Namen und erlauben Sie „Angebote und Ankündigungen“ wieder.",
    "out": "Sie sind abgemeldet. {company} schickt Ihnen keine Werbung mehr über WhatsApp.",
    "out_of_all": "Sie sind abgemeldet. {company} schickt Ihnen keine Werbung mehr, auf keinem Weg.",
    "code": "Ihr Gutschein: {code}",
    "code_stays": "Der Gutschein gehört Ihnen, auch wenn Sie sich abmelden.",
    "owed": "Ihr Gutschein kommt noch: Gerade sind alle Codes vergeben. Sobald es neue gibt, steht Ihrer hier: {own}",
    "owed_here": "Ihr Gutschein kommt noch: Gerade sind alle Codes vergeben. Sobald es neue gibt, steht Ihrer hier.",
    "gone": "Gutscheine gibt es gerade keine mehr. Anmelden können Sie sich auch ohne.",
    "own_page": "Sie können der Verwendung Ihrer Daten für Werbung jederzeit widersprechen, auch hier: {url}",
    "known": "Sie sind schon angemeldet. Abmelden können Sie sich jederzeit mit STOPP.",
    "late": "Diese Anmeldung ist nicht mehr gültig. Wenn Sie mögen, melden Sie sich neu an: {url}",
    "refused": "Alles klar, {company} schickt Ihnen keine Werbung.",
    "asked": "{wording}\n\nTippen Sie auf „{button}“, wenn Sie einverstanden sind. Ohne Antwort passiert nichts.",
    "must_tick": "Bitte setzen Sie das Häkchen, wenn Sie einverstanden sind. Ohne Einwilligung schreiben wir Ihnen"
    " nicht.",
    "too_young": "Anmelden können Sie sich ab 16 Jahren. Bis dahin schreiben wir Ihnen nicht.",
    "choose": "Bitte wählen Sie eine Antwort.",
    "filled_in": "Ihr Browser hat beim automatischen Ausfüllen ein Feld gefüllt, das leer bleiben muss. Jetzt ist es"
    " wieder leer: Tippen Sie noch einmal auf „Weiter zu WhatsApp“. Hilft das nicht, schalten Sie das automatische"
    " Ausfüllen für diese Seite aus.",
    "almost": "Fast fertig: Bestätigen Sie in WhatsApp",
    "almost_text": "Öffnen Sie WhatsApp und senden Sie die vorbereitete Nachricht ab. Erst damit sind Sie angemeldet –"
    " so wissen wir, dass es wirklich Ihre Nummer ist.",
    "scan": "Am Computer? Scannen Sie den Code mit Ihrem Telefon.",
    "by_hand": "Oder senden Sie diese Nachricht an",
    "write_poster": "Oder senden Sie {keyword} per WhatsApp an {number}",
    "poster_yes": "Mit der Anmeldung stimmen Sie zu, dass {company} Ihnen per {ways} {what} schickt. Das können Sie"
    " jederzeit widerrufen, am einfachsten mit STOPP.",
    "lasts": "Die Bestätigung gilt 7 Tage. Ohne Bestätigung löschen wir Ihre Anfrage.",
    "data": "Was mit Ihren Daten geschieht",
    "for_text": "Um Ihnen zu schicken, was oben steht, und um Ihre Einwilligung nachzuweisen. Dafür verarbeiten wir"
    " Ihre Nummer, Ihren Namen in WhatsApp und was Sie hier angeben.",
    "basis_text": "Ihre Einwilligung (Art. 6 Abs. 1 lit. a DSGVO{laws}); für ihren Nachweis unsere gesetzliche Pflicht"
    " (Art. 6 Abs. 1 lit. c und Art. 7 Abs. 1 DSGVO).",
    "kept_text": "Ihre Nummer nutzen wir dafür, bis Sie widerrufen oder wir {silence} Monate lang nichts voneinander"
    " hören. Nachrichten löschen wir nach {messages} Monaten, den Nachweis Ihrer Einwilligung am Ende des dritten"
    " Kalenderjahres nach seiner letzten Nutzung, unbestätigte Anmeldungen nach 14 Tagen.",
    "free_text": "Sie müssen nichts angeben. Ohne Einwilligung schreiben wir Ihnen nicht, sonst haben Sie keinen"
    " Nachteil.",
    "rights_title": "Ihre Rechte",
    "authority_text": "Bei der Datenschutzbehörde Ihres Wohnorts oder unseres Sitzes ({city}).",
    "why": "Warum bekomme ich das, und woher haben wir Ihre Daten?",
    "whence": "Woher haben wir Ihre Daten?",
    "from_signup_page": "Am {day} auf unserer Anmeldeseite, von Ihnen in WhatsApp bestätigt.",
    "from_qr": "Am {day} über unseren QR-Code, von Ihnen in WhatsApp bestätigt.",
    "from_whatsapp": "Am {day} in WhatsApp: Sie haben uns geschrieben und ja gesagt.",
    "from_import": "Aus einer Liste von {company}: Darin steht Ihre Zustimmung vom {day}.",
    "from_api": "Ein anderes System von {company}, etwa der Shop, hat Ihre Zustimmung vom {day} gemeldet.",
    "from_agent": "Am {day} hat das Team von {company} Ihre Zustimmung festgehalten.",
    "from_other": "Ihre Zustimmung ist vom {day}.",
    "receipt": "Ihr Beleg",
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
    "if_mail": "wenn Sie E-Mails möchten",
    "name_address": "Bitte geben Sie Ihre E-Mail-Adresse an, zum Beispiel name@example.de. Dorthin geht der Link zum"
    " Bestätigen.",
    "mailed_title": "E-Mails bestätigen Sie getrennt",
    "mailed": "Öffnen Sie den Link in der Mail, die Sie gleich bekommen. Erst wenn Sie dort ja sagen, schicken wir"
    " E-Mails an",
    "mailed_once": "An eine Adresse geht höchstens eine solche Mail am Tag. Kommt keine, dann schauen Sie nach der von"
    " heute oder versuchen Sie es morgen noch einmal.",
    "mail_subject": "Bitte bestätigen Sie Ihre E-Mail-Adresse für {company}",
    "mail": "Guten Tag,\n\nam {day} wurde auf der Anmeldeseite von {company} diese Adresse angegeben und diesem Text"
    " zugestimmt:\n\n{wording}\n\nWaren Sie das? Dann bestätigen Sie es bis {until} auf dieser Seite:\n{url}\n\nWenn"
    " nicht, brauchen Sie nichts zu tun: Ohne Bestätigung heißt es nein, Sie bekommen keine weitere Mail dazu, und wir"
    " löschen Ihre Adresse.\n\n{sender}\n",
    "confirm_text": "Wenn Sie auf den Knopf drücken, stimmen Sie zu, dass {company} E-Mails schickt an",
    "confirm_no": "Wenn Sie nichts tun, heißt das nein. WhatsApp bestätigen Sie in WhatsApp, nicht hier.",
    "mail_confirmed": "Ihre E-Mail-Adresse ist bestätigt",
    "mail_confirmed_text": "{company} darf Ihnen jetzt E-Mails schicken. Das können Sie jederzeit beenden.",
    "mail_own_page": "Ansehen, wozu Sie ja gesagt haben, oder abmelden",
    "mail_late": "Ein Link zum Bestätigen gilt sieben Tage lang. Bestätigt wurde nichts. Wenn Sie mögen, melden Sie"
    " sich neu an.",
    "from_mail": "Am {day} auf unserer Anmeldeseite, von Ihnen per E-Mail bestätigt.",
}
EN: Texts = {
    "confirmed": "You are signed up. {company} writes to you on WhatsApp from now on. You can stop at any time: just"
    " answer STOP.",
    "stopped": "You are signed up. But in WhatsApp you have stopped offers from {company}, so nothing arrives yet: tap"
    " our name at the top and allow “Offers and announcements” again.",
    "out": "You are unsubscribed. {company} will not send you any more advertising on WhatsApp.",
    "out_of_all": "You are unsubscribed. {company} will not send you any more advertising in any way.",
    "code": "Your voucher: {code}",
    "code_stays": "The voucher is yours, also if you unsubscribe.",
    "owed": "Your voucher is still to come: all codes are taken at the moment. As soon as there are new ones, yours is"
    " here: {own}",
    "owed_here": "Your voucher is still to come: all codes are taken at the moment. As soon as there are new ones,"
    " yours is here.",
    "gone": "There are no vouchers left at the moment. You can sign up without one.",
    "own_page": "You may object to the use of your data for advertising at any time, here too: {url}",
    "known": "You are signed up already. You can stop at any time by answering STOP.",
    "late": "This sign-up is not valid any more. If you like, sign up again: {url}",
    "refused": "All right, {company} will not send you any advertising.",
    "asked": "{wording}\n\nTap “{button}” if you agree. Without an answer nothing happens.",
    "button": "Yes, sign me up",
    "ticked": "Yes, I agree.",
    "optional": "optional",
    "submit": "Continue to WhatsApp",
    "must_tick": "Please tick the box if you agree. Without your consent we do not write to you.",
    "too_young": "You can sign up from the age of 16 on. Until then we do not write to you.",
    "choose": "Please choose an answer.",
    "filled_in": "Your browser has filled in a field that must stay empty. It is empty again now: tap “Continue to"
    " WhatsApp” once more. If that does not help, switch automatic filling-in off for this page.",
    "preview": "Preview",
    "preview_text": "This is what it looks like. Nothing is sent from here.",
    "step_page": "Page",
    "step_confirm": "Confirm",
    "step_chat": "In WhatsApp",
    "step_person": "Customer",
    "step_after_page": "After the page",
    "step_by_keyword": "Without the page: by keyword",
    "almost": "Almost done: confirm in WhatsApp",
    "almost_text": "Open WhatsApp and send the message that is ready there. Only then are you signed up: that is how we"
    " know that it is really your number.",
    "open": "Open WhatsApp",
    "scan": "At a computer? Scan the code with your phone.",
    "by_hand": "Or send this message to",
    "scan_poster": "Scan and sign up",
    "scan_direct": "Scan, send, tap “Yes, sign me up”",
    "write_poster": "Or send {keyword} on WhatsApp to {number}",
    "poster_yes": "By signing up you agree that {company} sends you {what} by {ways}. You can withdraw this at any"
    " time, most easily by STOP.",
    "and": " and ",
    "what_marketing": "advertising",
    "what_survey": "surveys",
    "what_transactional": "messages about orders and appointments",
    "what_else": "messages",
    "lasts": "The confirmation is valid for 7 days. Without it we delete your request.",
    "data": "What happens to your data",
    "for": "What for",
    "for_text": "To send you what is said above, and to prove your consent. For this we process your number, your name"
    " in WhatsApp and what you enter here.",
    "basis": "Legal basis",
    "basis_text": "Your consent (Art. 6 (1) (a) GDPR{laws}); for its proof our legal duty (Art. 6 (1) (c)"
    " and Art. 7 (1) GDPR).",
    "recipients": "Who gets them",
    "recipients_text": "WhatsApp Ireland Limited delivers the messages; data may reach Meta in the USA (adequacy"
    " decision, Art. 45 GDPR). {operator} and technical service providers work on our behalf.",
    "kept": "How long",
    "kept_text": "We use your number for this until you withdraw or we do not hear from each other for {silence}"
    " months. We delete messages after {messages} months, the proof of your consent at the end of the third calendar"
    " year after its last use, and unconfirmed requests after 14 days.",
    "free": "Your free choice",
    "free_text": "You do not have to enter anything. Without consent we do not write to you; there is no other"
    " disadvantage.",
    "revoke": "Withdrawal",
    "revoke_text": "At any time, most easily by answering STOP. What happened until then stays lawful.",
    "rights_title": "Your rights",
    "authority": "Complaints",
    "authority_text": "To the data protection authority of where you live or of our seat ({city}).",
    "officer": "Data protection officer",
    "why": "Why do I get this, and where do we have your data from?",
    "whence": "Where do we have your data from?",
    "agreed": "This is the text that was agreed to",
    "from_signup_page": "On {day} on our sign-up page, confirmed by you in WhatsApp.",
    "from_qr": "On {day} by our QR code, confirmed by you in WhatsApp.",
    "from_whatsapp": "On {day} in WhatsApp: you wrote to us and said yes.",
    "from_import": "From a list of {company}: it says that you agreed on {day}.",
    "from_api": "Another system of {company}, such as the shop, reported that you agreed on {day}.",
    "from_agent": "On {day} the team of {company} noted that you agreed.",
    "from_other": "You agreed on {day}.",
    "noted_source": "The source on record: {source}.",
    "ended": "This does not hold any more.",
    "stored": "Stored by {company} since {day}; no source is on record.",
    "receipt": "Your receipt",
    "receipt_page": "view",
    "privacy": "Privacy",
    "imprint": "Imprint",
    "responsible": "Responsible: {company}",
    "responsible_title": "Responsible",
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
    "address": "E-mail address",
    "if_mail": "if you want e-mails",
    "name_address": "Please enter your e-mail address, for example name@example.com. The link to confirm goes there.",
    "mailed_title": "You confirm e-mails separately",
    "mailed": "Open the link in the mail that you get in a moment. Only once you say yes there do we send e-mails to",
    "mailed_once": "An address gets at most one such mail a day. If none comes, look for the one of today, or try again"
    " tomorrow.",
    "mail_subject": "Please confirm your e-mail address for {company}",
    "mail": "Hello,\n\non {day} this address was entered on the sign-up page of {company}, and this text was agreed"
    " to:\n\n{wording}\n\nWas it you? Then confirm it until {until} on this page:\n{url}\n\nIf not, you need not do"
    " anything: without a confirmation it means no, you get no further mail about it, and we delete your"
    " address.\n\n{sender}\n",
    "confirm": "Confirm your e-mail address",
    "confirm_text": "By pressing the button you agree that {company} sends e-mails to",
    "confirm_yes": "Yes, I agree",
    "confirm_no": "Doing nothing means no. WhatsApp is confirmed in WhatsApp, not here.",
    "mail_confirmed": "Your e-mail address is confirmed",
    "mail_confirmed_text": "{company} may send you e-mails now. You can end that at any time.",
    "mail_own_page": "See what you have said yes to, or unsubscribe",
    "mail_used": "This link has been used already.",
    "mail_used_text": "It is valid once only. Nothing has changed.",
    "mail_late": "A link to confirm is valid for seven days. Nothing was confirmed. If you like, sign up again.",
    "sign_up_again": "Sign up again",
    "from_mail": "On {day} on our sign-up page, confirmed by you by e-mail.",
}
