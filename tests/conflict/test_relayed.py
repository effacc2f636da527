"""A hub and a centre that number one record each in its own way, over random forms."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from conflict.taking import receive
from tests.conflict.phones import Phone
from tests.conflict.stories import POLICIES, VALID_DATES, filled
from tests.conflict.test_laws import PARTS, quick
from tests.conflict.village import CHILD, Server, born

forms_about = [st.lists(filled(part), min_size=1, max_size=4) for part in PARTS]


def fill(phone: Phone, forms) -> Phone:
    for (typed, dated), day in zip(forms, VALID_DATES * 2, strict=False):
        phone.fill(**({**typed, "tgl": day} if dated else typed))
    return phone


def visited(server: Server, name: str, forms) -> None:
    """Somebody with signal, whose forms raise the number that this server shows."""
    phone = Phone(name)
    for one in forms:
        fill(phone.refresh(server), [one]).send(server)


def relay(one: Server, other: Server) -> None:
    """Send what the other has not been sent before, as it was settled here until now."""
    here, there = one.record(), other.record()
    for cid in [cid for cid in here.known if cid not in there.known]:
        receive(there, here.known[cid], POLICIES)


@quick
@given(*forms_about, st.randoms(use_true_random=False))
def test_l13_what_its_first_server_found_stands_wherever_a_change_goes(one, other, random: Random):
    #  centre  v1 ── B1 ── B2 … ─── A2 as it waits there ── A1: A2 is settled on the hub's view
    #  hub     v1 ── C1 … ──── A2 waiting ── A1
    #  A              ╰── is shown the hub's list, fills A1, A2, …
    centre = born(Server(POLICIES), rt="5", rw="01", bb="9", tgl="2026-06-05", imunisasi="bcg")
    hub = centre.hub("desa")
    hub.seconds += 30
    visited(centre, "B", [*one, *other])
    visited(hub, "C", random.sample(other, random.randint(1, len(other))))
    phone = fill(Phone("A").refresh(hub), one)
    for form in random.sample(phone.outbox, len(phone.outbox)):
        hub.take(form)
        if random.random() < 0.6:
            relay(hub, centre)
    relay(hub, centre)
    for form in phone.outbox:
        there, here = (s.record().known[form.change_id] for s in (hub, centre))
        assert (here.properties, here.waiting) == (there.properties, False)
    hub.receive(centre)
    assert hub.record().state == centre.record().state
    assert centre.version(CHILD) == len(centre.record().known)
