"""Questions to start from, by industry (M-21), over the REST API: a program takes one over into a form's fields."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent import queries, questions, speaking
from consent.api.shapes import BothLanguages, in_both
from consent.models import Controller, SignupForm
from consent.questions import Question
from tenants.rest import TenantView


class AnswersOut(serializers.Serializer[Any]):
    """Answers in German and English, as many and in the same order."""

    de = serializers.ListField(child=serializers.CharField())
    en = serializers.ListField(child=serializers.CharField())


class QuestionOut(serializers.Serializer[Any]):
    """One question by the names of a form's fields: the form's language goes into these, the other one's texts into
    `translations`.
    """

    key = serializers.CharField()
    label = BothLanguages(help_text="What the question is called here.")  # type: ignore[assignment]
    question_label = BothLanguages(help_text="What people are asked, in German in du or Sie as the company speaks.")
    question = serializers.CharField(help_text="How it is asked.")
    question_attribute = serializers.CharField(help_text="Takes the answer.")
    question_answers = AnswersOut()


class IndustryOut(serializers.Serializer[Any]):
    """The questions for one industry."""

    industry = BothLanguages()
    questions = QuestionOut(many=True)


class IndustriesOut(serializers.Serializer[Any]):
    """Every industry that there are questions for."""

    industries = IndustryOut(many=True)


class QuestionView(TenantView):
    """Questions that a sign-up form may ask."""

    scope_noun = "consent"

    @extend_schema(responses=IndustriesOut)
    def get(self, request: Request) -> Response:
        """Questions to start from, by industry; in a form they are the form's own to change."""
        company = queries.controller_of(self.tenant)
        found = [
            {"industry": in_both(industry), "questions": [_shown(question, company) for question in offered]}
            for industry, offered in questions.by_industry()
        ]
        return Response(IndustriesOut({"industries": found}).data)


def _shown(question: Question, company: Controller) -> dict[str, Any]:
    return {
        "key": question.key,
        "label": in_both(question.label),
        "question_label": {language: question.words(company, language) for language in speaking.LANGUAGES},
        "question": SignupForm.Question.CHOICE,
        "question_attribute": question.attribute,
        "question_answers": question.answers,
    }


api_urls = [path("forms/questions/", QuestionView.as_view(), name="form-questions")]
