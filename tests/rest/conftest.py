"""What every test at the REST door begins with."""

import pytest
from flask.testing import FlaskClient

from tests.support.api import Api, administrator


@pytest.fixture
def admin(client: FlaskClient) -> Api:
    return administrator(client)


@pytest.fixture
def project(admin: Api) -> int:
    """A project whose devices and people may bear a posyandu."""
    made: int = admin.done("POST", "/projects", {"name": "Balita Sehat"})["id"]
    admin.done("POST", f"/projects/{made}/actor-properties", {"name": "posyandu"})
    return made
