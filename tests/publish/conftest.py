from collections.abc import Iterator

import pytest
from flask import Flask

from tests.publish.desk import Desk
from tests.support.clock import FrozenClock


@pytest.fixture
def desk(app: Flask, clock: FrozenClock) -> Iterator[Desk]:
    with app.app_context():
        yield Desk(clock)
