import shutil
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.openrosa.asking import Posyandu, set_up
from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock


@pytest.fixture
def village(app: Flask, clock: FrozenClock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def phone(village: Village) -> Phone:
    return village.phone("a")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def posyandu(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Posyandu]:
    home = tmp_path_factory.mktemp("rules")
    if request.param == "sqlite":
        url = f"sqlite:///{home / 'simpul.db'}"
        shutil.copy(request.getfixturevalue("sqlite_template"), home / "simpul.db")
        yield from set_up(home, url)
        return
    lender = request.getfixturevalue("postgres_lender")
    name = lender.lend()
    yield from set_up(home, request.getfixturevalue("postgres").url(name))
    lender.take_back(name)
