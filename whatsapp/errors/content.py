"""Codes about the message itself: its template, its media, its parameters."""

from whatsapp.errors import remedies
from whatsapp.errors.rules import ErrorClass, Rule, Scope


def _template(
    code: int,
    meaning: tuple[str, str],
    remedy: tuple[str, str],
    *,
    retry_after_s: int | None = None,
    max_attempts: int = 1,
) -> Rule:
    return Rule(
        code,
        ErrorClass.TEMPLATE,
        Scope.TEMPLATE,
        *meaning,
        *remedy,
        retry_after_s=retry_after_s,
        max_attempts=max_attempts,
    )


def _input(code: int, meaning: tuple[str, str], remedy: tuple[str, str]) -> Rule:
    return Rule(code, ErrorClass.INPUT, Scope.MESSAGE, *meaning, *remedy)


RULES: tuple[Rule, ...] = (
    _input(
        100,
        (
            "In der Anfrage fehlt eine Angabe oder sie ist ungültig.",
            "The request lacks an entry or has an invalid one.",
        ),
        remedies.CORRECT_INPUT,
    ),
    _template(
        131008,
        (
            "Der Nachricht fehlt eine Angabe, die WhatsApp verlangt.",
            "The message lacks an entry that WhatsApp demands.",
        ),
        remedies.EDIT_TEMPLATE,
    ),
    _input(
        131009,
        (
            "Ein Wert in der Nachricht ist für WhatsApp ungültig.",
            "A value in the message is invalid for WhatsApp.",
        ),
        remedies.CHECK_VALUES,
    ),
    Rule(
        131014,
        ErrorClass.RETRY_SOON,
        Scope.MESSAGE,
        "WhatsApp konnte die verlinkte Datei nicht abrufen.",
        "WhatsApp could not fetch the linked file.",
        *remedies.CHECK_MEDIA,
        retry_after_s=60,
        max_attempts=2,
    ),
    _input(
        131030,
        (
            "Die Testnummer darf diesem Empfänger nicht schreiben.",
            "The test number may not write to this recipient.",
        ),
        (
            "Bitte den Empfänger bei Meta als Testempfänger eintragen oder eine echte Nummer nutzen.",
            "Please add the recipient as a test recipient in the Meta app dashboard or use a real number.",
        ),
    ),
    _input(
        131051,
        (
            "WhatsApp unterstützt diese Art von Nachricht nicht.",
            "WhatsApp does not support this kind of message.",
        ),
        remedies.NOTHING,
    ),
    Rule(
        131053,
        ErrorClass.RETRY_SOON,
        Scope.TEMPLATE,
        "WhatsApp konnte die Datei nicht laden oder umwandeln.",
        "WhatsApp could not load or convert the file.",
        *remedies.CHECK_MEDIA,
        retry_after_s=60,
        max_attempts=2,
    ),
    _input(
        131055,
        (
            "Diese Anfrage ist bei WhatsApp nicht erlaubt.",
            "This request is not allowed at WhatsApp.",
        ),
        remedies.OUR_SUPPORT,
    ),
    _template(
        132000,
        (
            "Die Zahl der Variablen passt nicht zur Vorlage.",
            "The number of variables does not fit the template.",
        ),
        remedies.EDIT_TEMPLATE,
    ),
    _template(
        132001,
        (
            "Die Vorlage gibt es in dieser Sprache nicht oder sie ist nicht freigegeben.",
            "The template does not exist in this language or is not approved.",
        ),
        remedies.OTHER_TEMPLATE,
    ),
    _template(
        132007,
        (
            "Der Inhalt der Vorlage verstößt gegen eine Richtlinie von WhatsApp.",
            "The content of the template violates a WhatsApp policy.",
        ),
        remedies.REWORD,
    ),
    _template(
        132012,
        (
            "Die Form einer Variablen passt nicht zur Vorlage.",
            "The format of a variable does not fit the template.",
        ),
        remedies.EDIT_TEMPLATE,
    ),
    _template(
        132015,
        (
            "WhatsApp hat die Vorlage wegen schlechter Rückmeldungen pausiert.",
            "WhatsApp has paused the template because of bad feedback.",
        ),
        (
            "Bitte abwarten, bis WhatsApp die Vorlage wieder freigibt, oder eine andere Vorlage wählen.",
            "Please wait until WhatsApp releases the template again, or choose another template.",
        ),
    ),
    _template(
        132016,
        (
            "WhatsApp hat die Vorlage wegen schlechter Rückmeldungen endgültig abgeschaltet.",
            "WhatsApp has disabled the template for good because of bad feedback.",
        ),
        remedies.OTHER_TEMPLATE,
    ),
    _template(
        132018,
        (
            "Die eingesetzten Werte passen nicht zu den Bausteinen der Vorlage.",
            "The values filled in do not fit the components of the template.",
        ),
        remedies.EDIT_TEMPLATE,
    ),
    _template(
        132068,
        (
            "Das Formular (Flow) in der Nachricht ist gesperrt.",
            "The form (Flow) in the message is blocked.",
        ),
        (
            "Bitte den Flow im WhatsApp Manager prüfen und reparieren.",
            "Please check and repair the Flow in WhatsApp Manager.",
        ),
    ),
    Rule(
        132069,
        ErrorClass.RETRY_LATER,
        Scope.TEMPLATE,
        "Das Formular (Flow) ist gedrosselt und darf nur zehnmal je Stunde verschickt werden.",
        "The form (Flow) is throttled and may be sent only ten times an hour.",
        "Bitte den Endpunkt des Flows im WhatsApp Manager prüfen und reparieren.",
        "Please check and repair the endpoint of the Flow in WhatsApp Manager.",
        retry_after_s=3600,
        max_attempts=3,
    ),
    _template(
        134100,
        (
            "Über die Marketing Messages API gehen nur freigegebene Vorlagen der Kategorie Marketing.",
            "Only approved templates of the marketing category can go over the Marketing Messages API.",
        ),
        remedies.OTHER_TEMPLATE,
    ),
    Rule(
        134101,
        ErrorClass.RETRY_SOON,
        Scope.TEMPLATE,
        "WhatsApp bereitet die Vorlage noch für die Marketing Messages API vor.",
        "WhatsApp is still preparing the template for the Marketing Messages API.",
        "Nichts zu tun: Zusage sendet in etwa zehn Minuten weiter.",
        "Nothing to do: Zusage goes on sending in about ten minutes.",
        retry_after_s=600,
        max_attempts=4,
    ),
    Rule(
        134102,
        ErrorClass.RETRY_SOON,
        Scope.TEMPLATE,
        "Die Vorlage lässt sich gerade nicht über die Marketing Messages API senden.",
        "The template cannot be sent over the Marketing Messages API at the moment.",
        "Bitte auf den gewöhnlichen Sendeweg umstellen, wenn der Fehler bleibt.",
        "Please switch to the ordinary way of sending if the error stays.",
        retry_after_s=60,
        max_attempts=2,
    ),
    _template(
        135000,
        (
            "WhatsApp hat die Nachricht ohne genauen Grund verworfen, oft weil es das ganze Konto bremst.",
            "WhatsApp dropped the message without an exact reason, often because it slows the whole account.",
        ),
        (
            "Bitte die Vorlage und den Kontostatus im WhatsApp Manager prüfen, dann die Kampagne fortsetzen.",
            "Please check the template and the account status in WhatsApp Manager, then resume the campaign.",
        ),
    ),
)
