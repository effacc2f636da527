"""Forms that come in parts, here and there: every file goes up once, and then there is rest."""

import hashlib
import uuid

import pytest
from sqlalchemy import select

from sync_server.db import read_transaction
from sync_server.models.hubs import OwedBlob
from sync_server.models.records import SubmissionAttachment
from sync_server.stores.upsert import table_of

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
SHA = hashlib.sha256(b"the other").hexdigest()


@pytest.fixture
def phone(centre):
    return centre.phone("A")


@pytest.fixture
def paired(hub, phone):
    hub.pair(posyandu="melati")
    return hub


def names(app) -> set[str]:
    with app.app_context(), read_transaction() as connection:
        return set(connection.execute(select(table_of(SubmissionAttachment).c.name)).scalars())


@pytest.mark.parametrize(
    ("first", "second"), [("hub", "hub"), ("centre", "hub"), ("hub", "centre")]
)
def test_a_part_that_comes_later_is_relayed_and_nothing_goes_round(
    paired, phone, centre, first, second
):
    at = {"hub": paired.phone(phone), "centre": phone}
    xml = phone.register(str(uuid.uuid4()), posyandu="melati")
    assert at[first].post(xml, **{"a.jpg": b"the one"}).status_code == 201
    paired.relay()
    centre.pass_time()
    assert at[second].post(xml, **{"b.jpg": b"the other"}).status_code == 201
    centre.pass_time()
    paired.relay()
    assert names(centre.app) == names(paired.app) == {"a.jpg", "b.jpg"}
    assert centre.app.extensions["simpul"].blobs.size(SHA) == len(b"the other")
    with paired.app.app_context(), read_transaction() as connection:
        assert connection.execute(select(table_of(OwedBlob).c.sha256)).all() == []
    paired.relay()  # what it fetched of its own is known
    for _ in range(2):
        centre.pass_time()
        done = paired.relay()
        assert (done.sent, done.fetched, done.blobs) == (0, 0, 0)
