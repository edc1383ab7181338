"""The dashboard's sign-up forms: made, opened, put up, and what is wrong is said beside the field."""

import re

import pytest
from django.test import Client

from consent.actions import signup_forms
from consent.models import SignupForm
from tenants.models import Tenant
from tests import factories
from tests.consent.factories import published
from tests.consent.views.conftest import *  # noqa: F403
