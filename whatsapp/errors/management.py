"""Codes of calls that manage templates, numbers, flows and insights rather than send."""

from whatsapp.errors import remedies
from whatsapp.errors.rules import ErrorClass, Rule, Scope


def _template(code: int, meaning: tuple[str, str], remedy: tuple[str, str] = remedies.REWORD) -> Rule:
    return Rule(code, ErrorClass.TEMPLATE, Scope.TEMPLATE, *meaning, *remedy)


def _input(
    code: int,
    meaning: tuple[str, str],
    remedy: tuple[str, str] = remedies.CORRECT_INPUT,
    scope: Scope = Scope.ACCOUNT,
) -> Rule:
    return Rule(code, ErrorClass.INPUT, scope, *meaning, *remedy)


def _busy(code: int, meaning: tuple[str, str]) -> Rule:
    return Rule(
        code,
        ErrorClass.RETRY_SOON,
        Scope.MESSAGE,
        *meaning,
        *remedies.WAIT,
        retry_after_s=10,
        max_attempts=3,
    )


_MIGRATION = (
    "Bitte die Nummer im bisherigen WhatsApp-Konto lösen und den Umzug erneut starten.",
    "Please release the number in its present WhatsApp account and start the move again.",
)

RULES: tuple[Rule, ...] = (
    _input(
        1752041,
        (
            "Die Anmeldung zur Marketing Messages API läuft bereits.",
            "The sign-up for the Marketing Messages API is under way already.",
        ),
        remedies.NOTHING,
    ),
    _input(
        2388012,
        (
            "Die Nummer ist schon mit einem anderen WhatsApp-Konto verbunden.",
            "The number is connected to another WhatsApp account already.",
        ),
        _MIGRATION,
        Scope.NUMBER,
    ),
    _template(
        2388019,
        (
            "Das Konto hat die Höchstzahl an Vorlagen erreicht.",
            "The account has reached the largest number of templates.",
        ),
        (
            "Bitte nicht mehr benötigte Vorlagen löschen.",
            "Please delete templates that are no longer needed.",
        ),
    ),
    _template(
        2388023,
        (
            "Eine gelöschte Vorlage sperrt diesen Namen in dieser Sprache noch bis zu 30 Tage.",
            "A deleted template still blocks this name in this language for up to 30 days.",
        ),
        ("Bitte einen anderen Namen wählen.", "Please choose another name."),
    ),
    _template(
        2388024,
        (
            "Eine Vorlage mit diesem Namen gibt es in dieser Sprache schon.",
            "A template with this name exists in this language already.",
        ),
        ("Bitte einen anderen Namen wählen.", "Please choose another name."),
    ),
    _template(
        2388039,
        ("Die Vorlage verletzt eine Längengrenze.", "The template breaks a length limit."),
    ),
    _template(
        2388040,
        ("Ein Feld der Vorlage ist zu lang.", "A field of the template is too long."),
    ),
    _template(
        2388047,
        (
            "Die Kopfzeile der Vorlage hat ein ungültiges Format.",
            "The header of the template has an invalid format.",
        ),
    ),
    _template(
        2388072,
        (
            "Der Haupttext der Vorlage hat ein ungültiges Format.",
            "The body of the template has an invalid format.",
        ),
    ),
    _template(
        2388073,
        (
            "Die Fußzeile der Vorlage hat ein ungültiges Format.",
            "The footer of the template has an invalid format.",
        ),
    ),
    _input(
        2388091,
        ("Der Umzug der Nummer ist noch nicht möglich.", "The number cannot be moved yet."),
        _MIGRATION,
        Scope.NUMBER,
    ),
    _input(
        2388093,
        ("Der Umzug der Nummer ist fehlgeschlagen.", "Moving the number failed."),
        _MIGRATION,
        Scope.NUMBER,
    ),
    _input(
        2388103,
        (
            "Die Nummer lässt sich nicht in dieses Konto umziehen.",
            "The number cannot be moved into this account.",
        ),
        _MIGRATION,
        Scope.NUMBER,
    ),
    _template(
        2388293,
        (
            "Die Vorlage hat zu viele Variablen für ihre Länge.",
            "The template has too many variables for its length.",
        ),
        (
            "Bitte mehr festen Text schreiben oder Variablen entfernen.",
            "Please write more fixed text or remove variables.",
        ),
    ),
    _template(
        2388299,
        (
            "Eine Variable steht am Anfang oder am Ende des Textes.",
            "A variable stands at the start or the end of the text.",
        ),
        (
            "Bitte festen Text vor die erste und hinter die letzte Variable setzen.",
            "Please put fixed text before the first and after the last variable.",
        ),
    ),
    _input(
        2593107,
        (
            "Der Abgleich mit der WhatsApp Business App wurde schon zu oft angefordert.",
            "Syncing with the WhatsApp Business app was requested too often already.",
        ),
        remedies.RECONNECT,
        Scope.NUMBER,
    ),
    _input(
        2593108,
        (
            "Der Abgleich mit der WhatsApp Business App ist nur in den ersten 24 Stunden möglich.",
            "Syncing with the WhatsApp Business app is possible only in the first 24 hours.",
        ),
        remedies.RECONNECT,
        Scope.NUMBER,
    ),
    _input(
        200005,
        (
            "Die Auswertung von Vorlagen ist bei Meta für dieses Konto nicht eingeschaltet.",
            "Template insights are not switched on at Meta for this account.",
        ),
        remedies.NOTHING,
    ),
    _input(
        200006,
        (
            "Meta bietet die Auswertung von Vorlagen für dieses Konto nicht an.",
            "Meta does not offer template insights for this account.",
        ),
        remedies.NOTHING,
    ),
    _input(
        200007,
        (
            "Die Auswertung von Vorlagen lässt sich bei Meta nicht wieder abschalten.",
            "Template insights cannot be switched off again at Meta.",
        ),
        remedies.NOTHING,
    ),
    _input(
        139000,
        ("Der Flow ist gesperrt oder fehlerhaft.", "The Flow is blocked or faulty."),
        scope=Scope.TEMPLATE,
    ),
    _input(
        139001,
        ("Der Flow ließ sich nicht ändern.", "The Flow could not be updated."),
        scope=Scope.TEMPLATE,
    ),
    _input(
        139002,
        ("Der Flow ließ sich nicht veröffentlichen.", "The Flow could not be published."),
        scope=Scope.TEMPLATE,
    ),
    _input(
        139003,
        ("Der Flow ließ sich nicht zurückziehen.", "The Flow could not be deprecated."),
        scope=Scope.TEMPLATE,
    ),
    _input(
        139004,
        ("Der Flow ließ sich nicht löschen.", "The Flow could not be deleted."),
        scope=Scope.TEMPLATE,
    ),
    _input(
        139100,
        ("Die Blockierliste ließ sich nicht ändern.", "The block list could not be changed."),
        scope=Scope.PAIR,
    ),
    _input(
        139101,
        (
            "Die Blockierliste hat ihre größte Länge erreicht.",
            "The block list has reached its largest length.",
        ),
        scope=Scope.PAIR,
    ),
    _busy(
        139102,
        (
            "Die Blockierliste wurde gleichzeitig von anderer Stelle geändert.",
            "The block list was changed from elsewhere at the same time.",
        ),
    ),
    _busy(
        139103,
        (
            "Beim Ändern der Blockierliste trat bei WhatsApp ein Fehler auf.",
            "An error happened at WhatsApp while the block list was changed.",
        ),
    ),
)

_GROUPS = _input(
    131020,
    (
        "Die Anfrage zu einer WhatsApp-Gruppe wurde abgelehnt.",
        "The request about a WhatsApp group was refused.",
    ),
    remedies.NOTHING,
    Scope.MESSAGE,
)
_CALLS = _input(
    138000,
    (
        "Die Anfrage zu einem WhatsApp-Anruf wurde abgelehnt.",
        "The request about a WhatsApp call was refused.",
    ),
    remedies.NOTHING,
    Scope.MESSAGE,
)
_USERNAME = _input(
    147001,
    (
        "Der gewünschte WhatsApp-Benutzername wurde abgelehnt.",
        "The WhatsApp username that was asked for was refused.",
    ),
    ("Bitte einen anderen Benutzernamen wählen.", "Please choose another username."),
    Scope.NUMBER,
)
_SIGNUP = _input(
    2494164,
    (
        "Ein Schritt der Anmeldung über WhatsApp ist fehlgeschlagen.",
        "A step of the sign-up over WhatsApp failed.",
    ),
)

RANGES: tuple[tuple[int, int, Rule], ...] = (
    (131020, 131020, _GROUPS),
    (131041, 131041, _GROUPS),
    (131059, 131059, _GROUPS),
    (131201, 131215, _GROUPS),
    (138000, 138018, _CALLS),
    (147001, 147005, _USERNAME),
    (2494164, 2494179, _SIGNUP),
)
