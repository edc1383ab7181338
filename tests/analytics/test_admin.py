"""Staff can look at KPI rows and cannot change them."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from analytics.models import HourlyKpi, Kpi, OrderCredit, ReasonKpi


@pytest.mark.parametrize("model", [Kpi, HourlyKpi, ReasonKpi, OrderCredit])
def test_kpi_tables_are_read_only_in_the_admin(model: type) -> None:
    screen = admin.site.get_model_admin(model)
    request = RequestFactory().get("/")
    request.user = AnonymousUser()

    allowed = (
        screen.has_add_permission(request),
        screen.has_change_permission(request),
        screen.has_delete_permission(request),
    )
    assert allowed == (False, False, False)
