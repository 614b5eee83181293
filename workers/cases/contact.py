"""Ways to reach somebody: telephone numbers and e-mail addresses, checked and in one spelling."""

from __future__ import annotations

import re
from typing import Annotated, Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat
from pydantic import AfterValidator, Strict

HOME_REGION: Final = "CN"

_SHAPE: Final = re.compile(r"[+(]?[0-9][0-9 ()\-]{1,38}", re.ASCII)
_NATIONWIDE: Final = re.compile(r"[48]00[0-9]{7}", re.ASCII)


def check_phone(written: str) -> str:
    """The number as E.164, e.g. `+8613900001001`.

    Takes mobiles, landlines with their area code and 400/800 numbers of China, and numbers of other countries
    that begin with `+`.

    Raises:
        ValueError: nobody can be called at this; the message doesn't repeat it.
    """
    if not _SHAPE.fullmatch(written.strip()):
        raise ValueError(
            "is no telephone number: digits, spaces, - and ( ), with + in front of a country code"
        )
    try:
        number = phonenumbers.parse(written, HOME_REGION)
    except phonenumbers.NumberParseException:
        raise ValueError("is no telephone number") from None
    digits = str(number.national_number)
    home = number.country_code == phonenumbers.country_code_for_region(HOME_REGION)
    if not phonenumbers.is_valid_number(number) and not (home and _NATIONWIDE.fullmatch(digits)):
        raise ValueError("is no telephone number that can be called (a landline needs its area code)")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def check_email(written: str) -> str:
    """The address with its domain in lower case. Only its shape is checked: no network is asked.

    Raises:
        ValueError: nobody can be written to at this; the message doesn't repeat it.
    """
    try:
        return validate_email(written, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise ValueError("is no e-mail address") from None


Phone = Annotated[str, Strict(), AfterValidator(check_phone)]
Email = Annotated[str, Strict(), AfterValidator(check_email)]
