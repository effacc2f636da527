"""A manager's line to one project of one server: REST to set it up, the sync door to look."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from odk_forms.packs import Pack

_SECONDS = (15.0, 300.0)
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.2
_FORMS = {"publish": "true", "ignoreWarnings": "true"}
_PAGE = 1000

Plain = dict[str, Any]


class OfficeRefused(Exception):
    """A server said no to a manager; the text is for the operator."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the server answered {status}: {message}")
        self.status = status


class Office:
    """`token` is that of a session; without one nobody is asking.

    Whatever is asked here waits for a server that restarts; `patience` is for how many seconds.
    """

    def __init__(
        self, url: str, token: str, project_id: int = 0, *, patience: float = _PATIENCE_SECONDS
    ) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.project_id = project_id
        self._patience = patience
        self._session = requests.Session()
        self._session.trust_env = False  # a .netrc has another idea of who is asking
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def another(self, project_id: int | None = None) -> Office:
        """A line of its own, for another thread or another project."""
        return Office(self.url, self.token, self.project_id if project_id is None else project_id)

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        """The JSON of `/v1/PATH`. Errors: `OfficeRefused`, `requests.RequestException`."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self._session.request(
                    method, f"{self.url}/v1/{path}", timeout=_SECONDS, **sent
                )
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status_code < 500 or time.monotonic() > deadline:
                    return _plain(answer)
            time.sleep(_PAUSE_SECONDS)

    def of_project(self, method: str, path: str, **sent: Any) -> Any:
        """The same below this project."""
        return self.ask(method, f"projects/{self.project_id}/{path}", **sent)

    def pages(self, path: str, key: str, **asked: str) -> Iterator[Plain]:
        """Everything a listing of the sync door has."""
        cursor: str | None = None
        while True:
            params = {**asked, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            page = self.of_project("GET", f"sync/{path}", params=params)
            yield from page[key]
            cursor = page["cursor"]
            if not page["more"]:
                return


def logged_in(url: str, email: str, password: str) -> Office:
    """An office with a session. Errors: those of `Office.ask`, at once."""
    told = Office(url, "", patience=0).ask(
        "POST", "sessions", json={"email": email, "password": password}
    )
    return Office(url, str(told["token"]))


def open_project(office: Office, pack: Pack, name: str, villages: tuple[str, ...]) -> Office:
    """A project of its own for the fleet, with the lists, filters and forms of a pack."""
    made = office.ask("POST", "projects", json={"name": name})
    here = office.another(int(made["id"]))
    for name_of in pack.actor_properties:
        here.of_project("POST", "actor-properties", json={"name": name_of})
    for listed in pack.lists.values():
        here.of_project("POST", "datasets", json={"name": listed.name})
        # A date is made before what follows it.
        for each in sorted(listed.properties, key=lambda one: one.policy.date_property or ""):
            said = {"name": each.name, "policy": str(each.policy), "phone": each.phone}
            here.of_project("POST", f"datasets/{listed.name}/properties", json=said)
        rules = [
            {"datasetProperty": rule.property_name, "actorProperty": rule.actor_property}
            for rule in listed.access
        ]
        if rules:
            body = {"accessFilter": {"type": "property", "rules": rules}}
            here.of_project("PATCH", f"datasets/{listed.name}", json=body)
    for file_name, text in pack.forms.items():
        _publish(here, file_name, text)
    for listed in [*pack.lists.values()][1:]:
        _fill_register(here, listed.name, [one.property_name for one in listed.access], villages)
    return here


def add_device(office: Office, name: str, properties: Mapping[str, Any]) -> str:
    """A device account; its token."""
    sent = {"displayName": name, "properties": dict(properties)}
    return str(office.of_project("POST", "app-users", json=sent)["token"])


def _publish(office: Office, file_name: str, text: str) -> None:
    headers = {
        "Content-Type": "text/markdown",
        "X-XlsForm-FormId-Fallback": file_name.rpartition(".")[0],
    }
    office.of_project("POST", "forms", params=_FORMS, data=text.encode(), headers=headers)


def _fill_register(
    office: Office, name: str, filters: list[str], villages: tuple[str, ...]
) -> None:
    """One record for each village in a list that phones read and do not write."""
    entities = [
        {"label": f"{name} {village}", "data": dict.fromkeys(filters, village)}
        for village in villages
    ]
    sent = {"entities": entities, "source": {"name": "simulation"}}
    office.of_project("POST", f"datasets/{name}/entities", json=sent)


def _plain(answer: requests.Response) -> Any:
    try:
        plain = answer.json()
    except ValueError:
        plain = {}
    if not answer.ok:
        said = plain.get("message", "") if isinstance(plain, dict) else ""
        raise OfficeRefused(answer.status_code, str(said)[:300])
    return plain
