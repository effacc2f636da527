"""Fixtures for every room. They are few; data comes from plain functions in `tests/support/`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page

from tests.support.browser import launched
from tests.support.clock import FrozenClock
from tests.support.extras import require
from tests.support.postgres import Cluster
from tests.support.serving import Served

# No deadline: two cores are shared by two workers and a PostgreSQL.
settings.register_profile("simpul", deadline=None, print_blob=True)
settings.register_profile("nightly", parent=settings.get_profile("simpul"), max_examples=2000)
settings.load_profile("simpul")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """This process's own PostgreSQL, started when the first test asks for it."""
    cluster = Cluster(require("postgres"))
    yield cluster
    cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Which database this test runs on; whoever asks for it runs on both."""
    return str(request.param)


@pytest.fixture
def empty_database_url(
    engine_name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    name = cluster.create_database()
    yield cluster.url(name)
    cluster.drop_database(name)


@pytest.fixture
def serve(empty_database_url: str, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """`serve(workers=2, SIMPUL_X="y")`: the real server, initialised and listening.

    A test that kills it may `start()` it again; what is still running at the end is stopped.
    """
    running: list[Served] = []

    def start(*, workers: int = 1, **environ: str) -> Served:
        server = Served(tmp_path / f"home{len(running)}", empty_database_url, **environ)
        running.append(server)
        server.initialise()
        server.start(workers=workers)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """The real server with one worker, on SQLite and on PostgreSQL."""
    return serve()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launched(require("chromium")) as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh browser page as wide as a cadre's phone, in Indonesian."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, locale="id-ID")
    yield context.new_page()
    context.close()
