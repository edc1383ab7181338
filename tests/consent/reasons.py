"""What people write around a wish to stop: whose messages, for which time, by which way, and why they had signed up."""

STOPPING = [
    "Stoppt diese Nachrichten!",
    "Bitte stoppen Sie diese Werbung",
    "Ich möchte dies abbestellen",
    "Ich will diese abbestellen",
    "Ich möchte hiermit abbestellen",
    "Ich möchte leider keine Nachrichten mehr bekommen",
    "Ich sage euch seit Wochen: keine Werbung mehr!",
    "Zum letzten Mal: meldet mich ab!",
    "Ich möchte mich zum dritten Mal abmelden",
    "Bitte keine Werbung mehr! Meldet euch nicht wieder.",
    "Bitte abmelden, habe versehentlich zugestimmt",
    "Please unsubscribe me, you got my number by mistake",
    "Unsubscribe me. I opted in by mistake",
    "Keine Werbung mehr per WhatsApp oder per E-Mail",
    "Meld mich ab!",
    "Nimm mich raus",
    "Ich möchte abgemeldet werden",
    "Keine Werbung mehr schicken verstanden?",
]
DOUBTFUL = [
    "Ich möchte mich nicht von diesem Newsletter abmelden",
    "Ich möchte mich von diesem Training abmelden",
    "I don't want these messages to stop",
]
