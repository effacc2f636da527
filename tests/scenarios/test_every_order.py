"""One child, six posts without a signal: in whatever order they come, the end is one and the same.

`make test` sends some of the 720 orders, with one or another form mended; the nightly run sends
every one with each.
"""

import csv
import io
import uuid

import pytest
from hypothesis import settings

from tests.scenarios.chain import (
    MENDED,
    Chain,
    end_of,
    orders,
    orders_of_forms,
    send,
    send_all,
)
from tests.support.promises import promise

pytestmark = pytest.mark.scenario

NIGHTLY = settings.default.max_examples > 1000
EVERY = 720


@pytest.fixture
def phone(village):
    phone = village.phone("A")
    phone.sync()
    return phone


def filled(phone, edited: str) -> Chain:
    return Chain.filled(phone, str(uuid.uuid4()), edited)


def listed(phone) -> dict[str, tuple[int, list[str]]]:
    """What the list of a phone shows of each child: its version, and the rest."""
    answer = phone.get("forms/ukur/attachments/anak.csv")
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))[1:]
    return {name: (int(version), [label, *rest]) for name, label, version, *rest in rows}


@promise("O62", "O63")
@pytest.mark.parametrize("edited", MENDED)
def test_every_order_of_an_offline_chain_ends_in_the_same_record(
    village, phone, engine_name, edited
):
    size = 120 if NIGHTLY else 6 if engine_name == "sqlite" else 2
    ends = {}
    for order in orders(size):
        one = filled(phone, edited)
        send(phone, one, order)
        ends[order] = end_of(village, one)
    plain = next(iter(ends.values()))
    assert (plain["version"], plain["waiting"], plain["asked"]) == (5, 0, ())
    for name, value in MENDED[edited].items():
        assert plain["shown"][name] in {(value, "edit"), ("9.4", "third")}
    assert {name for name, _ in plain["files"]["first"]} == {"timbangan.jpg", "kms.jpg"}
    for order, end in ends.items():
        assert end == plain, order
    assert village.quarantine() == []


@promise("O34", "O62", "O63")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("edited", MENDED if NIGHTLY else ["second"])
def test_and_on_the_way_a_phone_never_sees_two_things_under_one_number(village, phone, edited):
    wanted = orders(EVERY) if NIGHTLY else orders_of_forms()
    sent = [(filled(phone, edited), order) for order in wanted]
    seen = {}
    for _ in send_all(village, phone, sent):
        now = listed(phone)
        for child, (version, shown) in now.items():
            before, had = seen.get(child, (0, []))
            assert version > before or (version, shown) == (before, had), child
        assert seen.keys() <= now.keys()
        seen = now
    plain = end_of(village, sent[0][0])
    for one, order in sent:
        assert end_of(village, one) == plain, order
    assert village.quarantine() == []
