"""Fixtures for every room. They are few; data comes from plain functions in `tests/support/`."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from playwright.sync_api import Browser, Page

from tests.support.browser import launched
from tests.support.clock import FrozenClock
from tests.support.extras import require
from tests.support.lending import Lender
from tests.support.postgres import Cluster
from tests.support.serving import Served

# No deadline: two cores are shared by two workers and a PostgreSQL.
settings.register_profile("simpul", deadline=None, print_blob=True)
settings.register_profile("nightly", parent=settings.get_profile("simpul"), max_examples=2000)
settings.load_profile("simpul")


SECRET_KEY = "a secret of this test and no other"


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


@pytest.fixture(scope="session")
def initialise() -> Iterator[Callable[[Path, str], None]]:
    """`initialise(home, database_url)`: what `simpul init` does, in this process.

    From here on apps are made and passwords hashed as cheaply as may be.
    """
    # Not at the top: the pure rooms' tests run at every save and should not wait for the server.
    from tests.support import installing  # noqa: PLC0415
    from tests.support.thrift import thrift  # noqa: PLC0415

    with thrift():
        yield partial(installing.initialise, secret_key=SECRET_KEY)


@pytest.fixture(scope="session")
def sqlite_template(
    initialise: Callable[[Path, str], None], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A database file as `simpul init` leaves it."""
    home = tmp_path_factory.mktemp("template") / "home"
    path = home / "simpul.db"
    initialise(home, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(
    initialise: Callable[[Path, str], None],
    postgres: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The name of a PostgreSQL database as `simpul init` leaves it."""
    name = postgres.create_database()
    initialise(tmp_path_factory.mktemp("template") / "home", postgres.url(name))
    return name


@pytest.fixture(scope="session")
def postgres_lender(postgres: Cluster, postgres_template: str) -> Lender:
    """Databases like the template, each for one test at a time."""
    return Lender(postgres, postgres_template)


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with all tables and the first administrator in it."""
    if engine_name == "sqlite":
        path = tmp_path / "simpul.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    lender: Lender = request.getfixturevalue("postgres_lender")
    name = lender.lend()
    yield cluster.url(name)
    lender.take_back(name)


@pytest.fixture
def app(database_url: str, clock: FrozenClock, tmp_path: Path) -> Iterator[Flask]:
    """The application in this process, on a database of its own, at the frozen clock's time."""
    # Not at the top: the pure rooms' tests run at every save and should not wait for the server.
    from sync_server.app import create_app  # noqa: PLC0415
    from sync_server.db import db  # noqa: PLC0415
    from sync_server.settings import load  # noqa: PLC0415

    environ = {
        "SIMPUL_HOME": str(tmp_path / "home"),
        "SIMPUL_DATABASE_URL": database_url,
        "SIMPUL_SECRET_KEY": SECRET_KEY,
    }
    app = create_app(load(environ), clock=clock)
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """`serve(workers=2, SIMPUL_X="y")`: the real server, listening on a store that is set up.

    A test that kills it may `start()` it again; what is still running at the end is stopped.
    """
    running: list[Served] = []

    def start(*, workers: int = 1, **environ: str) -> Served:
        home = tmp_path / f"home{len(running)}"
        home.mkdir(exist_ok=True)
        server = Served(home, database_url, SIMPUL_SECRET_KEY=SECRET_KEY, **environ)
        running.append(server)
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


@pytest.fixture(scope="session")
def javarosa() -> Iterator[object]:
    """One JavaRosa for all tests of a process: a JVM starts for longer than it fills a form."""
    from tests.javarosa import JavaRosa  # noqa: PLC0415 - the pure rooms need no form engine

    with JavaRosa() as engine:
        yield engine


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh browser page as wide as a cadre's phone, in Indonesian."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, locale="id-ID")
    yield context.new_page()
    context.close()
