"""Staff's view of signing up: forms, places, voucher codes, unconfirmed requests, and what imports claim over a no."""

from django.contrib import admin

from consent.models import AddressRequest, ImportClaim, SignupCode, SignupForm, SignupPlace, SignupRequest
from tenants.admin import ReadOnlyAdmin


@admin.register(SignupForm)
class SignupFormAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant", "slug", "state", "requests", "confirmed")
    list_filter = ("state",)
    list_select_related = ("tenant",)


@admin.register(SignupPlace)
class SignupPlaceAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant", "form", "code", "scans", "requests", "confirmed")
    list_select_related = ("tenant", "form")


@admin.register(SignupRequest)
class SignupRequestAdmin(ReadOnlyAdmin):
    """Who asked is sealed; when and on which form is all that staff see."""

    list_display = ("id", "tenant", "form", "requested_at", "confirmed_at")
    list_select_related = ("tenant", "form")
    exclude = ("sealed", "token_digest", "visit")


@admin.register(SignupCode)
class SignupCodeAdmin(ReadOnlyAdmin):
    list_display = ("id", "tenant", "form", "issued_at")
    list_select_related = ("tenant", "form")
    raw_id_fields = ("contact",)


@admin.register(AddressRequest)
class AddressRequestAdmin(ReadOnlyAdmin):
    """Mails that ask for a yes to e-mail, and when they went out; beat tries again what could not be sent."""

    list_display = ("id", "tenant", "signup", "requested_at", "sent_at", "confirmed_at", "attempts", "error")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), ("confirmed_at", admin.EmptyFieldListFilter))
    list_select_related = ("tenant", "signup")
    search_fields = ("tenant__slug__exact",)
    raw_id_fields = ("contact",)
    exclude = ("sealed", "mailbox")


@admin.register(ImportClaim)
class ImportClaimAdmin(ReadOnlyAdmin):
    """What a line claims is sealed; companies decide about it themselves."""

    list_display = ("id", "tenant", "imported", "line", "claimed_at", "state", "decided_at")
    list_filter = ("state",)
    list_select_related = ("tenant", "imported")
    raw_id_fields = ("contact",)
    exclude = ("sealed",)
