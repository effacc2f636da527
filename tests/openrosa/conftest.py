import pytest
from flask import Flask

from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock


@pytest.fixture
def village(app: Flask, clock: FrozenClock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def phone(village: Village) -> Phone:
    return village.phone("a")
