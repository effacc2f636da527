"""One JavaRosa for all tests of this folder: starting a JVM takes longer than filling a form."""

from collections.abc import Iterator

import pytest

from tests.javarosa import JavaRosa


@pytest.fixture(scope="session")
def javarosa() -> Iterator[JavaRosa]:
    with JavaRosa() as engine:
        yield engine
