"""Questions to start from, by industry (M-21): a sign-up form takes one over, and then it is the form's own to edit.

They are what the company's customers read, so they speak German and English whatever the dashboard speaks, and say du
or Sie as the company does. None asks for what may be of a special category (Art. 9 GDPR): no pain, illness or diet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.models import Controller


@dataclass(frozen=True)
class Question:
    """One question: whom it is for, the attribute that takes the answer, its words, and its answers by language.

    `asks` is by form of address in German ("du", "sie"), and by language otherwise.
    """

    key: str
    industry: str | Promise
    label: str | Promise
    attribute: str
    asks: Mapping[str, str]
    answers: Mapping[str, Sequence[str]]

    def words(self, company: Controller, language: str) -> str:
        """What is asked, as this company speaks."""
        return self.asks["en" if language == "en" else company.address_form]


HAIR, SKIN, SPORT, PETS, COFFEE, FASHION, FOOD, HOME = (
    _("Hair care"),
    _("Cosmetics"),
    _("Sport and fitness"),
    _("Pet supplies"),
    _("Coffee and tea"),
    _("Fashion"),
    _("Bakery and food"),
    _("Home and garden"),
)
QUESTIONS = {
    question.key: question
    for question in (
        Question(
            "hair_type",
            HAIR,
            _("Hair type"),
            "haartyp",
            {
                "du": "Welchen Haartyp hast du?",
                "sie": "Welchen Haartyp haben Sie?",
                "en": "Which type of hair do you have?",
            },
            {
                "de": ("Glatt", "Wellig", "Lockig", "Kraus"),
                "en": ("Straight", "Wavy", "Curly", "Coily"),
            },
        ),
        Question(
            "hair_style",
            HAIR,
            _("Style"),
            "haarwunsch",
            {
                "du": "Was wünschst du dir für dein Haar?",
                "sie": "Was wünschen Sie sich für Ihr Haar?",
                "en": "What do you wish for your hair?",
            },
            {
                "de": ("Mehr Volumen", "Mehr Glanz", "Mehr Feuchtigkeit", "Definierte Locken", "Schutz der Farbe"),
                "en": ("More volume", "More shine", "More moisture", "Defined curls", "Colour protection"),
            },
        ),
        Question(
            "skin_type",
            SKIN,
            _("Skin type"),
            "hauttyp",
            {
                "du": "Welchen Hauttyp hast du?",
                "sie": "Welchen Hauttyp haben Sie?",
                "en": "Which type of skin do you have?",
            },
            {
                "de": ("Normal", "Trocken", "Fettig", "Mischhaut"),
                "en": ("Normal", "Dry", "Oily", "Combination"),
            },
        ),
        Question(
            "training_goal",
            SPORT,
            _("Training goal"),
            "trainingsziel",
            {
                "du": "Was möchtest du mit deinem Training erreichen?",
                "sie": "Was möchten Sie mit Ihrem Training erreichen?",
                "en": "What do you want to achieve with your training?",
            },
            {
                "de": ("Mehr Kraft", "Mehr Ausdauer", "Mehr Beweglichkeit", "Spaß an der Bewegung"),
                "en": ("More strength", "More endurance", "More flexibility", "Enjoying movement"),
            },
        ),
        Question(
            "pet",
            PETS,
            _("Pet"),
            "haustier",
            {
                "du": "Welches Tier lebt bei dir?",
                "sie": "Welches Tier lebt bei Ihnen?",
                "en": "Which animal lives with you?",
            },
            {
                "de": ("Hund", "Katze", "Kleintier", "Vogel", "Fische"),
                "en": ("Dog", "Cat", "Small animal", "Bird", "Fish"),
            },
        ),
        Question(
            "coffee",
            COFFEE,
            _("Favourite coffee"),
            "kaffee",
            {
                "du": "Was trinkst du am liebsten?",
                "sie": "Was trinken Sie am liebsten?",
                "en": "What do you like to drink best?",
            },
            {
                "de": ("Filterkaffee", "Espresso", "Cappuccino und Latte", "Kaltes", "Lieber Tee"),
                "en": ("Filter coffee", "Espresso", "Cappuccino and latte", "Cold drinks", "Rather tea"),
            },
        ),
        Question(
            "fashion_style",
            FASHION,
            _("Style"),
            "stil",
            {
                "du": "Welcher Stil passt zu dir?",
                "sie": "Welcher Stil passt zu Ihnen?",
                "en": "Which style suits you?",
            },
            {
                "de": ("Klassisch", "Sportlich", "Lässig", "Elegant"),
                "en": ("Classic", "Sporty", "Casual", "Elegant"),
            },
        ),
        Question(
            "favourite_food",
            FOOD,
            _("Favourites"),
            "lieblinge",
            {
                "du": "Was holst du dir am liebsten?",
                "sie": "Was holen Sie sich am liebsten?",
                "en": "What do you like to get best?",
            },
            {
                "de": ("Brot und Brötchen", "Kuchen und Torten", "Herzhaftes", "Etwas zum Frühstück"),
                "en": ("Bread and rolls", "Cakes and pies", "Savouries", "Something for breakfast"),
            },
        ),
        Question(
            "garden",
            HOME,
            _("Garden"),
            "garten",
            {
                "du": "Wo wächst es bei dir?",
                "sie": "Wo wächst es bei Ihnen?",
                "en": "Where do your plants grow?",
            },
            {
                "de": ("Im Garten", "Auf dem Balkon", "In der Wohnung", "Noch nirgends"),
                "en": ("In the garden", "On the balcony", "In the flat", "Nowhere yet"),
            },
        ),
    )
}


def by_industry() -> list[tuple[str | Promise, list[Question]]]:
    """The questions, grouped by whom they are for."""
    found: dict[str | Promise, list[Question]] = {}
    for question in QUESTIONS.values():
        found.setdefault(question.industry, []).append(question)
    return list(found.items())
