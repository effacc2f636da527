import json

import pytest
from flask import Flask

from tests.scenarios.posyandu import Phone, Village
from tests.support.api import Api, administrator
from tests.support.clock import FrozenClock


@pytest.fixture
def village(app: Flask, clock: FrozenClock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def admin(village: Village) -> Api:
    return administrator(village.client)


@pytest.fixture
def sync(village: Village) -> str:
    """The base of the sync door, below `/v1`."""
    return f"/projects/{village.project.id}/sync"


@pytest.fixture
def phones(village: Village) -> tuple[Phone, Phone]:
    return village.phone("a"), village.phone("b")


@pytest.fixture
def bidan(admin: Api, village: Village) -> Api:
    """A supervisor of melati, and of nothing else."""
    person = admin.person("bidan@example.org")
    me = person.done("GET", "/users/current")["id"]
    area = {"properties": {"posyandu": ["melati"]}}
    admin.done("POST", f"/projects/{village.project.id}/assignments/viewer/{me}", area)
    return person


@pytest.fixture
def push(village, sync):
    """Push a batch as the phone of a posyandu; gives the response."""
    device = village.phone("p")

    def pushed(body, *, token=device.token, headers=None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return village.client.post(
            f"/v1{sync}/push",
            data=raw,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
        )

    return pushed
