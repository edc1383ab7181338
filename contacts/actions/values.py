"""What somebody says about a contact, cleaned into what we store."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import phones
from contacts.models import Contact
from tenants.models import Tenant

# What names a contact; a contact keeps at least one of them.
IDENTITIES = ("phone", "bsuid", "email", "external_id")
FIELDS = (*IDENTITIES, "first_name", "last_name", "language", "country", "postcode", "birthday")
NULLABLE = {*IDENTITIES, "birthday"}

MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_KEY = 60
MAX_ATTRIBUTE_TEXT = 1000
MAX_TAGS = 50

Errors = dict[str, list[str]]
Attribute = str | int | float | bool | None


@dataclass(frozen=True)
class ContactData:
    """Only the fields named in `values` change; None empties a field.

    `values` knows the names of FIELDS. `attributes` are merged into the stored ones, and None deletes a key. `tags`
    are names and are added; unknown ones are created.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    tags: Sequence[str] = ()


def cleaned(tenant: Tenant, data: ContactData) -> tuple[ContactData, Errors]:
    """The data as we store it, and what is wrong by field: {} when everything is fine.

    Phones become E.164 (read with the row's country, else the tenant's), e-mails lower-case, blanks empty.
    """
    values: dict[str, Any] = {}
    errors: Errors = {}
    country = _code(data.values.get("country")) or tenant.country
    for name, given in data.values.items():
        try:
            values[name] = _cleaned_value(name, given, country)
        except ValidationError as error:
            errors[name] = error.messages
    errors |= _attribute_errors(data.attributes) | _tag_errors(data.tags)
    return ContactData(values, data.attributes, [tag.strip() for tag in data.tags]), errors


def _cleaned_value(name: str, given: Any, country: str) -> Any:
    if name not in FIELDS:
        raise ValidationError(_("Unknown field. Known: %(known)s.") % {"known": ", ".join(FIELDS)})
    if isinstance(given, str):
        given = given.strip()
    if given in (None, ""):
        return None if name in NULLABLE else ""
    value = CLEANERS[name](given, country) if name in CLEANERS else str(given)
    limit = getattr(Contact._meta.get_field(name), "max_length", None)
    if limit and len(value) > limit:
        raise ValidationError(_("Use at most %(limit)s characters.") % {"limit": limit})
    if isinstance(value, str) and not is_storable(value):
        raise ValidationError(_("Remove the invisible control characters."))
    return value


def _phone(given: Any, country: str) -> str:
    number = phones.normalise(str(given), country)
    if number is None:
        raise ValidationError(
            _("This is not a valid phone number. Write it with its country code, for example +49 151 23456789.")
        )
    return number


def _email(given: Any, country: str) -> str:
    address = str(given).lower()
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError(_("This is not an e-mail address. Write it like name@example.com.")) from None
    return address


def _bsuid(given: Any, country: str) -> str:
    # Meta: country code, dot, up to 128 characters; with ENT. in between for a parent portfolio.
    if not re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]{1,150}", str(given)):
        raise ValidationError(_("A BSUID looks like DE.13491208655302741918; copy it from WhatsApp's webhook."))
    return str(given)


def _country(given: Any, country: str) -> str:
    code = _code(given)
    if not code:
        raise ValidationError(_("Use the two letters of ISO 3166, for example DE."))
    return code


def _language(given: Any, country: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}([-_][A-Za-z]{2})?", str(given)):
        raise ValidationError(_("Use a language code, for example de or en_GB."))
    return f"{str(given)[:2].lower()}_{str(given)[3:].upper()}".rstrip("_")


def _postcode(given: Any, country: str) -> str:
    if country == "DE" and not re.fullmatch(r"[0-9]{5}", str(given), re.ASCII):
        raise ValidationError(
            _("A German postcode has five digits (spreadsheets drop the leading zero). Else send the country too.")
        )
    return str(given).upper()


def _birthday(given: Any, country: str) -> date:
    try:
        day = given if isinstance(given, date) else date.fromisoformat(str(given))
    except ValueError:
        raise ValidationError(_("Write the date as YYYY-MM-DD, for example 1988-03-21.")) from None
    if not date(1900, 1, 1) <= day <= timezone.localdate():
        raise ValidationError(_("This birthday lies in the future or before 1900."))
    return day


CLEANERS: dict[str, Callable[[Any, str], Any]] = {
    "phone": _phone,
    "email": _email,
    "bsuid": _bsuid,
    "country": _country,
    "language": _language,
    "postcode": _postcode,
    "birthday": _birthday,
}


def _code(given: Any) -> str:
    code = str(given or "").strip().upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else ""


def _attribute_errors(attributes: Mapping[str, Any]) -> Errors:
    if len(attributes) > MAX_ATTRIBUTES:
        return {"attributes": [_("Use at most %(limit)s attributes.") % {"limit": MAX_ATTRIBUTES}]}
    problems = [problem for key, value in attributes.items() if (problem := _attribute_problem(key, value))]
    return {"attributes": problems} if problems else {}


def _attribute_problem(key: str, value: Any) -> str:
    """What is wrong with one attribute, naming it; empty when nothing is."""
    if not key or len(key) > MAX_ATTRIBUTE_KEY or not is_storable(key):
        return _("“%(key)s”: a name has 1 to %(limit)s characters.") % {
            "key": key[:80],
            "limit": MAX_ATTRIBUTE_KEY,
        }
    if value is not None and not isinstance(value, str | int | float | bool):
        return _("“%(key)s”: use a text, a number, true, false or null.") % {"key": key}
    if isinstance(value, float) and not abs(value) < float("inf"):
        return _("“%(key)s”: use a finite number.") % {"key": key}
    if isinstance(value, str) and (len(value) > MAX_ATTRIBUTE_TEXT or not is_storable(value)):
        return _("“%(key)s”: use at most %(limit)s characters.") % {"key": key, "limit": MAX_ATTRIBUTE_TEXT}
    return ""


def _tag_errors(tags: Sequence[str]) -> Errors:
    if len(tags) > MAX_TAGS:
        return {"tags": [_("Use at most %(limit)s tags at once.") % {"limit": MAX_TAGS}]}
    if all(0 < len(tag.strip()) <= 60 and is_storable(tag) for tag in tags):
        return {}
    return {"tags": [_("A tag has 1 to %(limit)s characters.") % {"limit": 60}]}


def is_storable(text: str) -> bool:
    """PostgreSQL stores every text but NUL and halves of surrogate pairs."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
