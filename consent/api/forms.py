"""Sign-up forms over the REST API: make and change them, open and close them, put them up, fill their vouchers."""

from typing import Any
from uuid import UUID

import django_filters
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent import printing, signups, speaking, vouchers
from consent.actions import signup_forms as actions
from consent.actions import vouchers as pools
from consent.models import SignupForm, SignupPlace, Wording, WordingVersion
from consent.opening import hindrances
from tenants.problems import Conflict
from tenants.rest import StrictSerializer, TenantViewSet

# Texts that may be left out; how long each may be is said by the action.
OPTIONAL: dict[str, Any] = {"required": False, "allow_blank": True}
MOST_CODES = 10_000


class TranslationIn(StrictSerializer):
    """A form's texts in another language; what is missing is shown in the form's own."""

    headline = serializers.CharField(**OPTIONAL)
    intro = serializers.CharField(**OPTIONAL)
    benefit = serializers.CharField(**OPTIONAL)
    benefit_terms = serializers.CharField(**OPTIONAL)
    question_label = serializers.CharField(**OPTIONAL)
    question_answers = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="As many as the form's own, in the same order."
    )


class FormIn(StrictSerializer):
    """Everything that a form consists of."""

    name = serializers.CharField()
    slug = serializers.CharField(
        **OPTIONAL, help_text="The end of the page's address; made from the name by default. It stays once it was open."
    )
    number = serializers.CharField(help_text="One of your WhatsApp numbers; people confirm by a message to it.")
    wording = serializers.UUIDField(help_text="The uid of the text that people agree to.")
    extra_wording = serializers.UUIDField(
        required=False, allow_null=True, help_text="A second box that nobody has to tick."
    )
    language = serializers.ChoiceField(
        choices=SignupForm.Language.choices,
        required=False,
        help_text="Of the form's own texts; by default German, or that of a text that has no German version.",
    )
    headline = serializers.CharField()
    intro = serializers.CharField(**OPTIONAL)
    benefit = serializers.CharField(**OPTIONAL)
    benefit_terms = serializers.CharField(**OPTIONAL)
    without_code = serializers.BooleanField(
        required=False, help_text="The benefit needs no voucher code; others are promised only while there are codes."
    )
    question = serializers.ChoiceField(choices=SignupForm.Question.choices, **OPTIONAL)
    question_label = serializers.CharField(**OPTIONAL)
    question_attribute = serializers.CharField(**OPTIONAL, help_text="Takes the answer of a choice.")
    question_answers = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, help_text="Of a choice; kept as they stand here."
    )
    offers_topics = serializers.BooleanField(
        required=False, help_text="Whether people may join your topics here: lists with is_topic."
    )
    translations = serializers.DictField(
        child=TranslationIn(), required=False, help_text=f"By language: {', '.join(speaking.LANGUAGES)}."
    )
    keyword = serializers.CharField(**OPTIONAL, help_text="Who sends it by WhatsApp is shown the text with a button.")


class OpenIn(StrictSerializer):
    """What somebody answers for who opens a form."""

    promises_nothing = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Words of headline or introduction that look like a benefit for signing up and only tell what your"
        " messages are about, each as the refusal names it: your company answers for them, and the audit trail keeps"
        " them.",
    )


class ChangesIn(FormIn, OpenIn):
    """What to change, and which words promise nothing for signing up, which counts for a form that is open."""


class PoolOut(serializers.Serializer[Any]):
    """Voucher codes of a form."""

    left = serializers.IntegerField()
    given = serializers.IntegerField()
    owed = serializers.IntegerField(help_text="People who were promised a code when none was left.")


class FormOut(serializers.Serializer[SignupForm]):
    """A form with its addresses and what came by it."""

    uid = serializers.UUIDField()
    state = serializers.CharField(help_text="draft, live or closed.")
    name = serializers.CharField()
    slug = serializers.CharField()
    number = serializers.CharField()
    wording = serializers.UUIDField(source="wording.uid")
    wording_version = serializers.SerializerMethodField(help_text="The one that people agree to now; null for none.")
    extra_wording = serializers.UUIDField(source="extra_wording.uid", allow_null=True, default=None)
    language = serializers.CharField(help_text="Of the form's own texts.")
    headline = serializers.CharField()
    intro = serializers.CharField()
    benefit = serializers.CharField()
    benefit_terms = serializers.CharField()
    without_code = serializers.BooleanField()
    question = serializers.CharField()
    question_label = serializers.CharField()
    question_attribute = serializers.CharField()
    question_answers = serializers.ListField(child=serializers.CharField())
    offers_topics = serializers.BooleanField()
    translations = serializers.DictField(child=TranslationIn())
    keyword = serializers.CharField()
    page_url = serializers.SerializerMethodField()
    keyword_url = serializers.SerializerMethodField(help_text="Opens WhatsApp with the keyword; empty without one.")
    requests = serializers.IntegerField(help_text="How many asked to sign up.")
    confirmed = serializers.IntegerField(help_text="How many confirmed it in WhatsApp.")
    codes = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_wording_version(self, form: SignupForm) -> int | None:
        versions = form.wording.versions.all()
        in_use = [version.number for version in versions if version.state == WordingVersion.State.IN_USE]
        return max(in_use, default=None)

    def get_page_url(self, form: SignupForm) -> str:
        return signups.page_url(form)

    def get_keyword_url(self, form: SignupForm) -> str:
        return signups.keyword_link(form) if form.keyword else ""

    @extend_schema_field(PoolOut)
    def get_codes(self, form: Any) -> dict[str, int]:
        return {name: getattr(form, name) for name in ("left", "given", "owed")}


class OneFormOut(FormOut):
    """A form, and what keeps it from the public."""

    hindrances = serializers.SerializerMethodField(
        help_text="What has to be mended before it can be opened, or before an open one is shown to people."
    )

    def get_hindrances(self, form: SignupForm) -> list[str]:
        return [found.told for found in hindrances(form)]


class PlaceIn(StrictSerializer):
    """Where the form is put up."""

    name = serializers.CharField(max_length=60)


class PlaceOut(serializers.Serializer[SignupPlace]):
    """A place with its addresses, its QR codes and its counts."""

    code = serializers.CharField()
    name = serializers.CharField()
    page_url = serializers.SerializerMethodField(help_text="Opens the form's page; its QR code says this.")
    direct_url = serializers.SerializerMethodField(help_text="Opens WhatsApp at once; has a QR code, too.")
    qr_url = serializers.SerializerMethodField(help_text="The QR code of page_url as SVG, over this API.")
    direct_qr_url = serializers.SerializerMethodField(help_text="The QR code of direct_url as SVG, over this API.")
    scans = serializers.IntegerField()
    requests = serializers.IntegerField()
    confirmed = serializers.IntegerField()
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_page_url(self, place: SignupPlace) -> str:
        return signups.page_url(place.form, place)

    def get_direct_url(self, place: SignupPlace) -> str:
        return signups.direct_url(place.form, place)

    def get_qr_url(self, place: SignupPlace) -> str:
        return _qr_url(place, "page")

    def get_direct_qr_url(self, place: SignupPlace) -> str:
        return _qr_url(place, "whatsapp")


class CodesIn(StrictSerializer):
    """Voucher codes for the pool."""

    codes = serializers.ListField(child=serializers.CharField(max_length=40), min_length=1, max_length=MOST_CODES)


class CodesOut(PoolOut):
    """How many codes are new, and how the pool stands now: who is owed one has got theirs."""

    added = serializers.IntegerField()


class FormFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=SignupForm.State.choices)


class FormViewSet(TenantViewSet):
    """Sign-up forms: pages and keywords by which people say yes."""

    scope_noun = "consent"
    serializer_class = FormOut
    filterset_class = FormFilter

    def get_queryset(self) -> QuerySet[SignupForm]:
        found: QuerySet[SignupForm] = self.tenant.signup_forms.select_related("tenant", "wording", "extra_wording")
        return found.prefetch_related("wording__versions").annotate(
            left=Count("codes", Q(codes__isnull=False, codes__contact=None)),
            given=Count("codes", Q(codes__code__isnull=False, codes__contact__isnull=False)),
            owed=Count("codes", Q(codes__code=None, codes__contact__isnull=False)),
        )

    def list(self, request: Request) -> Response:
        """All forms, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(responses=OneFormOut)
    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One form, with what keeps it from the public."""
        return self._answer(self.get_object())

    @extend_schema(request=FormIn, responses={201: OneFormOut})
    def create(self, request: Request) -> Response:
        """A new form, as a draft."""
        values = self._values(self.given(FormIn))
        values["slug"] = values.get("slug") or slugify(values["name"])
        return self._answer(actions.create(tenant=self.tenant, by=self.key, **values), status=201)

    @extend_schema(request=ChangesIn(partial=True), responses=OneFormOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Change a form; an open one shows it at once, so nothing unlawful may come of it."""
        changes = self._values(self.given(ChangesIn, partial=True))
        return self._answer(actions.update(form=self._form(), by=self.key, **changes))

    @extend_schema(request=OpenIn, responses=OneFormOut)
    def open(self, request: Request, uid: UUID) -> Response:
        """Let people sign up; 409 says what is missing."""
        given = self.given(OpenIn)
        form = self._form()
        try:
            actions.open_(form=form, by=self.key, **given)
        except ValidationError as refused:
            raise Conflict(" ".join(refused.messages)) from None
        return self._answer(form)

    @extend_schema(request=None, responses=OneFormOut)
    def close(self, request: Request, uid: UUID) -> Response:
        """Take no more sign-ups; who has confirmed stays signed up."""
        form = self._form()
        actions.close(form=form, by=self.key)
        return self._answer(form)

    @extend_schema(request=CodesIn, responses={201: CodesOut})
    def codes(self, request: Request, uid: UUID) -> Response:
        """Add voucher codes; those that the form has already are left out. Who is owed one gets theirs first."""
        given = self.given(CodesIn)
        form = self._form()
        added = pools.add(form=form, by=self.key, **given)
        return Response(CodesOut({"added": added, **vouchers.pool(form)._asdict()}).data, status=201)

    def _form(self) -> SignupForm:
        """As actions need it: without counts, which a join would make."""
        forms = self.tenant.signup_forms.select_related("tenant", "wording", "extra_wording")
        return get_object_or_404(forms, uid=self.kwargs["uid"])

    def _answer(self, form: SignupForm, status: int = 200) -> Response:
        return Response(OneFormOut(self.get_queryset().get(pk=form.pk)).data, status=status)

    def _values(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the actions take: rows instead of uids, and a number as it is stored."""
        for name in ("wording", "extra_wording"):
            if given.get(name):
                given[name] = self._wording(name, given[name])
        if "number" in given:
            given["number"] = self._number(given["number"])
        return given

    def _wording(self, field: str, uid: UUID) -> Wording:
        found = self.tenant.wordings.filter(uid=uid).first()
        if found is None:
            raise serializers.ValidationError({field: [_("There is no text of this uid.")]})
        return found

    def _number(self, entered: str) -> str:
        known = signups.numbers(self.tenant)
        number = "+" + "".join(sign for sign in entered if sign.isdigit())
        if number not in known:
            told = _("None of your WhatsApp numbers: %(known)s.") % {"known": ", ".join(known) or "–"}
            raise serializers.ValidationError({"number": [told]})
        return number


class PlaceViewSet(TenantViewSet):
    """Where a form is put up; each place has addresses, QR codes and counts of its own."""

    scope_noun = "consent"
    serializer_class = PlaceOut
    filter_backends = []

    def get_queryset(self) -> QuerySet[SignupPlace]:
        form = get_object_or_404(self.tenant.signup_forms, uid=self.kwargs["uid"])
        found: QuerySet[SignupPlace] = form.places.filter(tenant=self.tenant).select_related("form__tenant")
        return found

    @extend_schema(responses=PlaceOut(many=True))
    def list(self, request: Request, uid: UUID) -> Response:
        """The places of a form, newest first, archived ones among them."""
        return self.page(self.get_queryset())

    @extend_schema(request=PlaceIn, responses={201: PlaceOut})
    def create(self, request: Request, uid: UUID) -> Response:
        """Put the form up at one more place."""
        given = self.given(PlaceIn)
        form = get_object_or_404(self.tenant.signup_forms.select_related("tenant"), uid=uid)
        place = actions.add_place(form=form, by=self.key, **given)
        return Response(PlaceOut(place).data, status=201)

    @extend_schema(
        responses={(200, mime): OpenApiTypes.BINARY for mime in printing.KINDS.values()},
    )
    def qr(self, request: Request, uid: UUID, code: str, to: str, kind: str) -> HttpResponse:
        """The QR code of a place: `to` is page or whatsapp, `kind` svg, png or pdf."""
        place = get_object_or_404(self.get_queryset(), code=code)
        if to not in ("page", "whatsapp") or kind not in printing.KINDS:
            raise Http404
        file = printing.code(place.form, place, kind, is_direct=to == "whatsapp")
        return HttpResponse(file, content_type=printing.KINDS[kind])


def _qr_url(place: SignupPlace, to: str) -> str:
    kwargs = {"uid": place.form.uid, "code": place.code, "to": to, "kind": "svg"}
    return settings.PUBLIC_URL + reverse("api:form-place-qr", kwargs=kwargs)


def _to(**methods: Any) -> Any:
    return FormViewSet.as_view(methods)


api_urls = [
    path("forms/", _to(get="list", post="create"), name="forms"),
    path("forms/<uuid:uid>/", _to(get="retrieve", patch="partial_update"), name="form"),
    path("forms/<uuid:uid>/open/", _to(post="open"), name="form-open"),
    path("forms/<uuid:uid>/close/", _to(post="close"), name="form-close"),
    path("forms/<uuid:uid>/codes/", _to(post="codes"), name="form-codes"),
    path("forms/<uuid:uid>/places/", PlaceViewSet.as_view({"get": "list", "post": "create"}), name="form-places"),
    path(
        "forms/<uuid:uid>/places/<str:code>/qr-<str:to>.<str:kind>",
        PlaceViewSet.as_view({"get": "qr"}),
        name="form-place-qr",
    ),
]
