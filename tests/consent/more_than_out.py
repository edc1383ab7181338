"""What people write who want more than no more marketing: nothing at all, an objection, their data deleted."""

MUST_OPT_OUT_OF_ALL = ["STOP ALL", "stopall", "Alles stoppen", "Stopp alles", "bitte stop alles", "Stopp All!"]
# Objections (CG-24).
MUST_OBJECT_TO_ALL = [
    "Ich widerspreche der Nutzung meiner Daten",
    "Ich widerspreche der Werbung",
    "Hiermit untersage ich Ihnen die Nutzung meiner Nummer",
    "Sehr geehrte Damen und Herren, hiermit widerspreche ich der Verwendung meiner Daten zu Werbezwecken.",
]
MUST_OPT_OUT_AND_ERASE = [
    "Habt ihr sie noch alle? Löscht meine Nummer!",
    "Bitte meine Nummer löschen",
    "Entfernen Sie meine Telefonnummer aus Ihrem System",
    "Guten Tag, bitte streichen Sie meine Nummer aus Ihrem System. Mit freundlichen Grüßen, Petra Meier",
    "Löscht mich bitte",
    "Löscht mich aus eurer Datenbank",
    "Ich bitte um Löschung meiner Daten",
    "Alle meine Daten löschen bitte!",
    "Meine Bestellung ist da. Löscht jetzt meine Daten",
    "Please remove my number",
    "Why do you do this? Delete all my personal data!",
]
