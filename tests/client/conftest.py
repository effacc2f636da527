import pytest
from flask import Flask

from sync_server.client import SyncClient
from sync_server.demo.loading import listening
from tests.client.links import Proxy
from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock


@pytest.fixture
def engine_name() -> str:
    """A client does not see which database answers it."""
    return "sqlite"


@pytest.fixture
def village(app: Flask, clock: FrozenClock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def phone(village: Village) -> Phone:
    return village.phone("p")


@pytest.fixture
def url(app: Flask):
    """The address at which the app really listens."""
    with listening(app) as url:
        yield url


@pytest.fixture
def proxy(url: str):
    """A line to the server that can be cut."""
    with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
def connect(village: Village, phone: Phone, proxy: Proxy):
    """`connect()`: a client of the phone's account; it is closed at the end."""
    opened = []

    def connected(*, token: str = phone.token, project: int = village.project.id) -> SyncClient:
        opened.append(SyncClient(proxy.url, project, token, timeout=10))
        return opened[-1]

    yield connected
    for one in opened:
        one.close()


@pytest.fixture
def client(connect) -> SyncClient:
    return connect()
