"""What a marketer does next, as German and English sentences that several codes share."""

Text = tuple[str, str]

RECONNECT: Text = (
    "Bitte die Technik ein gültiges Zugriffstoken hinterlegen lassen (manage.py connect_number).",
    "Please have your developers store a valid access token (manage.py connect_number).",
)
GRANT: Text = (
    "Bitte im Meta Business Manager die Berechtigungen der App für dieses Konto prüfen und neu erteilen.",
    "Please check the app's permissions for this account in Meta Business Manager and grant them again.",
)
WAIT: Text = (
    "Nichts zu tun: Zusage versucht es in Kürze von selbst erneut.",
    "Nothing to do: Zusage tries again shortly by itself.",
)
WAIT_LONGER: Text = (
    "Nichts zu tun: Zusage versucht es nach der Wartezeit von selbst erneut.",
    "Nothing to do: Zusage tries again by itself after the waiting time.",
)
SLOWER: Text = (
    "Nichts zu tun: Zusage senkt das Tempo und sendet weiter.",
    "Nothing to do: Zusage slows down and goes on sending.",
)
META_SUPPORT: Text = (
    "Bitte den Kontostatus im WhatsApp Manager öffnen und dort Einspruch einlegen oder Meta fragen.",
    "Please open the account status in WhatsApp Manager and appeal there or ask Meta.",
)
OUR_SUPPORT: Text = (
    "Bitte den Zusage-Support mit Zeitpunkt und Fehlercode ansprechen.",
    "Please contact Zusage support with the time and the error code.",
)
PAYMENT: Text = (
    "Bitte im Meta Business Manager unter „Abrechnung“ eine gültige Zahlungsart hinterlegen.",
    "Please add a valid payment method under “Billing” in Meta Business Manager.",
)
EDIT_TEMPLATE: Text = (
    "Bitte die Vorlage und die eingesetzten Variablen prüfen, dann die Kampagne fortsetzen.",
    "Please check the template and the variables used, then resume the campaign.",
)
CHECK_VALUES: Text = (
    "Bitte die Daten dieses Kontakts prüfen, die in die Vorlage eingesetzt werden.",
    "Please check the data of this contact that is filled into the template.",
)
OTHER_TEMPLATE: Text = (
    "Bitte eine andere freigegebene Vorlage wählen.",
    "Please choose another approved template.",
)
CHECK_MEDIA: Text = (
    "Bitte Format und Größe der Datei prüfen und sie erneut hochladen.",
    "Please check the format and size of the file and upload it again.",
)
NOT_THIS_TIME: Text = (
    "Nichts zu tun: Dieser Kontakt erhält diese Kampagne nicht und bleibt für künftige erhalten.",
    "Nothing to do: this contact does not get this campaign and stays available for later ones.",
)
REGISTER: Text = (
    "Bitte die Technik die Nummer bei Meta neu registrieren lassen.",
    "Please have your developers register the number with Meta again.",
)
CORRECT_INPUT: Text = (
    "Bitte die Angaben korrigieren und erneut speichern.",
    "Please correct the entries and save again.",
)
REWORD: Text = (
    "Bitte den genannten Teil der Vorlage ändern und sie erneut einreichen.",
    "Please change the named part of the template and submit it again.",
)
NOTHING: Text = ("Nichts zu tun.", "Nothing to do.")
