"""Codes about the token, the business account or the number: everything of it stops until someone acts."""

from whatsapp.errors import remedies
from whatsapp.errors.rules import ErrorClass, Rule, Scope

_HOUR = 3600


def _account(
    code: int,
    scope: Scope,
    meaning: tuple[str, str],
    remedy: tuple[str, str],
    *,
    retry_after_s: int | None = None,
) -> Rule:
    return Rule(code, ErrorClass.ACCOUNT, scope, *meaning, *remedy, retry_after_s=retry_after_s)


RULES: tuple[Rule, ...] = (
    _account(
        0,
        Scope.ACCOUNT,
        ("Die Anmeldung bei WhatsApp ist fehlgeschlagen.", "Signing in to WhatsApp failed."),
        remedies.RECONNECT,
    ),
    _account(
        3,
        Scope.APP,
        (
            "Der App fehlt bei Meta die Fähigkeit oder Berechtigung für diese Anfrage.",
            "The app lacks the capability or permission for this request at Meta.",
        ),
        remedies.GRANT,
    ),
    _account(
        10,
        Scope.ACCOUNT,
        (
            "Die Berechtigung für das WhatsApp-Konto fehlt oder wurde entzogen.",
            "The permission for the WhatsApp account is missing or was withdrawn.",
        ),
        remedies.GRANT,
    ),
    _account(
        33,
        Scope.NUMBER,
        (
            "Die Geschäftsnummer gibt es bei WhatsApp nicht oder nicht mehr.",
            "The business number does not exist at WhatsApp, or no longer.",
        ),
        remedies.RECONNECT,
    ),
    _account(
        102,
        Scope.ACCOUNT,
        ("Die Sitzung bei Meta ist ungültig geworden.", "The session at Meta has become invalid."),
        remedies.RECONNECT,
    ),
    _account(
        104,
        Scope.ACCOUNT,
        ("Der Anfrage an Meta fehlt das Zugriffstoken.", "The request to Meta lacks the access token."),
        remedies.RECONNECT,
    ),
    _account(
        190,
        Scope.ACCOUNT,
        (
            "Das Zugriffstoken ist abgelaufen oder wurde widerrufen.",
            "The access token has expired or was revoked.",
        ),
        remedies.RECONNECT,
    ),
    _account(
        463,
        Scope.ACCOUNT,
        ("Das Zugriffstoken ist abgelaufen.", "The access token has expired."),
        remedies.RECONNECT,
    ),
    _account(
        368,
        Scope.ACCOUNT,
        (
            "Meta hat das WhatsApp-Konto wegen eines Richtlinienverstoßes vorübergehend gesperrt.",
            "Meta has blocked the WhatsApp account for a while because of a policy violation.",
        ),
        remedies.META_SUPPORT,
    ),
    _account(
        803,
        Scope.ACCOUNT,
        (
            "Das Token kennt das angefragte Konto, die Nummer oder die Vorlage nicht.",
            "The token does not know the account, number or template that was asked for.",
        ),
        remedies.RECONNECT,
    ),
    _account(
        131005,
        Scope.ACCOUNT,
        ("WhatsApp verweigert den Zugriff auf dieses Konto.", "WhatsApp denies access to this account."),
        remedies.GRANT,
    ),
    _account(
        131031,
        Scope.ACCOUNT,
        (
            "WhatsApp hat das Konto gesperrt oder seine Angaben nicht bestätigt.",
            "WhatsApp has locked the account or could not confirm its data.",
        ),
        remedies.META_SUPPORT,
    ),
    _account(
        131037,
        Scope.NUMBER,
        (
            "Die Nummer hat noch keinen freigegebenen Anzeigenamen.",
            "The number has no approved display name yet.",
        ),
        (
            "Bitte im WhatsApp Manager einen Anzeigenamen einreichen und die Freigabe abwarten.",
            "Please submit a display name in WhatsApp Manager and wait for its approval.",
        ),
    ),
    _account(
        131042,
        Scope.ACCOUNT,
        (
            "Mit der Zahlungsart des WhatsApp-Kontos stimmt etwas nicht.",
            "Something is wrong with the payment method of the WhatsApp account.",
        ),
        remedies.PAYMENT,
    ),
    _account(
        131044,
        Scope.ACCOUNT,
        (
            "Für Anrufe über WhatsApp fehlt eine gültige Zahlungsart.",
            "A valid payment method for WhatsApp calls is missing.",
        ),
        remedies.PAYMENT,
    ),
    _account(
        131045,
        Scope.NUMBER,
        (
            "Die Registrierung der Nummer bei WhatsApp ist fehlerhaft.",
            "The number's registration at WhatsApp is faulty.",
        ),
        remedies.REGISTER,
    ),
    _account(
        131048,
        Scope.NUMBER,
        (
            "WhatsApp bremst die Nummer, weil zu viele Menschen ihre Nachrichten blockieren oder melden.",
            "WhatsApp restricts the number because too many people blocked or reported its messages.",
        ),
        (
            "Bitte einige Stunden pausieren und danach nur an Kontakte senden, die zuletzt reagiert haben.",
            "Please pause for some hours and then send only to contacts who reacted recently.",
        ),
        retry_after_s=4 * _HOUR,
    ),
    _account(
        131063,
        Scope.ACCOUNT,
        (
            "Dieses Konto darf Werbevorlagen nur über die Marketing Messages API senden.",
            "This account may send marketing templates only over the Marketing Messages API.",
        ),
        (
            "Bitte in den Einstellungen der Nummer den Sendeweg „Marketing Messages API“ einschalten.",
            "Please switch on “Marketing Messages API” in the settings of the number.",
        ),
    ),
    _account(
        131064,
        Scope.ACCOUNT,
        (
            "WhatsApp hat das Sendelimit gesenkt, weil Vorlagen in falscher Kategorie eingereicht wurden.",
            "WhatsApp has lowered the messaging limit because templates were filed under the wrong category.",
        ),
        (
            "Bitte Werbung nur mit Marketing-Vorlagen senden; Meta hebt die Grenze von selbst auf.",
            "Please send promotions only with marketing templates; Meta lifts the limit by itself.",
        ),
        retry_after_s=24 * _HOUR,
    ),
    _account(
        133000,
        Scope.NUMBER,
        (
            "Eine frühere Abmeldung der Nummer ist nicht vollständig.",
            "An earlier deregistration of the number is incomplete.",
        ),
        remedies.REGISTER,
    ),
    _account(
        133005,
        Scope.NUMBER,
        (
            "Die PIN der zweistufigen Bestätigung ist falsch.",
            "The PIN of the two-step verification is wrong.",
        ),
        (
            "Bitte die richtige PIN eingeben oder sie im WhatsApp Manager zurücksetzen.",
            "Please enter the right PIN or reset it in WhatsApp Manager.",
        ),
    ),
    _account(
        133006,
        Scope.NUMBER,
        (
            "Die Nummer muss vor der Registrierung bestätigt werden.",
            "The number must be verified before it is registered.",
        ),
        (
            "Bitte den Bestätigungscode per SMS oder Anruf anfordern und eingeben.",
            "Please request the verification code by text message or call and enter it.",
        ),
    ),
    _account(
        133010,
        Scope.NUMBER,
        (
            "Die Nummer ist nicht bei der WhatsApp Cloud API registriert.",
            "The number is not registered with the WhatsApp Cloud API.",
        ),
        remedies.REGISTER,
    ),
    _account(
        134011,
        Scope.ACCOUNT,
        (
            "Die Bedingungen von WhatsApp für Zahlungen und Handel sind noch nicht angenommen.",
            "WhatsApp's terms for payments and commerce are not accepted yet.",
        ),
        (
            "Bitte die Bedingungen im Meta Business Manager annehmen.",
            "Please accept the terms in Meta Business Manager.",
        ),
    ),
    _account(
        141006,
        Scope.ACCOUNT,
        (
            "Meta meldet ein Problem mit der Zahlung des Kontos.",
            "Meta reports a problem with the payment of the account.",
        ),
        remedies.PAYMENT,
    ),
    _account(
        141010,
        Scope.ACCOUNT,
        (
            "Das Unternehmen ist bei Meta noch nicht verifiziert, das Sendelimit bleibt daher klein.",
            "The business is not verified at Meta yet, so the messaging limit stays small.",
        ),
        (
            "Bitte die Unternehmensverifizierung im Meta Business Manager abschließen.",
            "Please complete the business verification in Meta Business Manager.",
        ),
    ),
    _account(
        141014,
        Scope.ACCOUNT,
        ("Meta hat das WhatsApp-Konto gesperrt.", "Meta has banned the WhatsApp account."),
        remedies.META_SUPPORT,
    ),
)

RANGES: tuple[tuple[int, int, Rule], ...] = (
    (
        200,
        299,
        _account(
            200,
            Scope.ACCOUNT,
            (
                "Der App wurde eine Berechtigung für dieses WhatsApp-Konto entzogen oder nie erteilt.",
                "A permission for this WhatsApp account was taken from the app or never given.",
            ),
            remedies.GRANT,
        ),
    ),
)
