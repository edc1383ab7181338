"""Calls the REST API as a program would."""

from typing import Any

from django.test import Client


class Caller:
    """An integrator with an API key; every call returns the response."""

    def __init__(self, key: str) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"})

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(_url(path), query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._client.post(_url(path), body, content_type="application/json", headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        return self._client.patch(_url(path), body, content_type="application/json")

    def delete(self, path: str) -> Any:
        return self._client.delete(_url(path))


def _url(path: str) -> str:
    return path if path.startswith("http") else f"/api/v1/{path}"
