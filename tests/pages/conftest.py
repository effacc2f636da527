import pytest
from flask import Flask

from tests.pages.visitor import Visitor, administrator
from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock

CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"
OTHER = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e02"


@pytest.fixture
def village(app: Flask, clock: FrozenClock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def admin(village: Village) -> Visitor:
    return administrator(village.app)


@pytest.fixture
def euis(village: Village) -> Phone:
    """A phone of Melati that registered a child there."""
    phone = village.phone("Euis")
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati", rt="05"))
    village.pass_time()
    return phone


@pytest.fixture
def disputed(village: Village, euis: Phone) -> str:
    """A child weighed by two phones on one day: 8.1 by Euis, and later 9.0 by Neneng."""
    neneng = village.phone("Neneng")
    euis.sync()
    neneng.sync()
    euis.send(euis.measure(CHILD, bb="8.1", tgl="2026-11-20"))
    village.pass_time()
    neneng.send(neneng.measure(CHILD, bb="9.0", tgl="2026-11-20"))
    village.pass_time()
    return CHILD
