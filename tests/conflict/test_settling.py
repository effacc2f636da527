"""Which received values are writes, and what each replaces: merge.md, section 2."""

import pytest

from conflict.policy import LABEL
from conflict.settle import settle
from conflict.types import Change, Op, Seen, View
from tests.conflict.village import POLICIES, Phone, Server, born, declare, instant, phones

JUNE, AUGUST, OCTOBER, NEXT_YEAR = "2026-06-05", "2026-08-07", "2026-10-02", "2027-11-05"


def settled(name, value, seen=None, *, policies=POLICIES, from_form=True, shown=None, **data):
    """One property of an update, settled on a view where `seen` stood for it."""
    view = View({**({name: seen} if seen else {}), **(shown or {})})
    change = Change(
        change_id="X",
        list_name="anak",
        entity="e",
        op=Op.UPDATE,
        data={name: value, **data},
        from_form=from_form,
        base_version=1,
    )
    found = settle(change, view, policies, received_at=instant("2026-11-01"))
    return found.properties[name]


def saw(value, on=None, standing=("S",)):
    return Seen(value, standing[-1] if standing else None, on, standing)


@pytest.mark.parametrize(
    ("name", "shown", "sent", "write"),
    [
        pytest.param("rt", "5", "5", False, id="review-the-same-text"),
        pytest.param("rt", "5", "05", True, id="review-5-and-05"),
        pytest.param("rt", "5", "", True, id="review-blanked"),
        pytest.param("rt", "", "", False, id="review-still-blank"),
        pytest.param("catatan", "sehat", "", True, id="last-blanked"),
        pytest.param("catatan", "9.1", "9.10", True, id="last-is-text"),
        pytest.param("nik", "3201", "", False, id="first-blank-says-nothing"),
        pytest.param("nik", "1", "01", True, id="first-is-text"),
        pytest.param("lila", "9.1", "9.10", False, id="max-the-same-number"),
        pytest.param("lila", "9.1", "", False, id="max-blank-says-nothing"),
        pytest.param("lila", "9.1", "8", True, id="max-a-smaller-one-is-an-edit"),
        pytest.param("usia", "6", "6.0", False, id="min-the-same-number"),
        pytest.param("usia", "6", "", False, id="min-blank-says-nothing"),
        pytest.param("bb", "9.1", "9.10", False, id="latest-the-same-number"),
        pytest.param("bb", "9.1", "9,1", True, id="latest-a-comma-is-other-text"),
        pytest.param("bb", "9.1", "", False, id="latest-blank-says-nothing"),
    ],
)
def test_a_value_is_a_write_unless_it_is_what_was_shown(name, shown, sent, write):
    found = settled(name, sent, saw(shown, AUGUST))
    assert found.write is write
    if not write:
        assert found.replaces == ("S",)  # to replace this value is to replace what was shown


@pytest.mark.parametrize("name", ["nik", "lila", "usia", "bb", "rt"])
def test_a_blank_of_a_program_is_an_edit(name):
    assert settled(name, "", saw("9", AUGUST), from_form=False).write


@pytest.mark.parametrize(
    ("name", "sent", "write"),
    [("nik", "", False), ("nik", "3201", True), ("ktp", "", False), ("ktp", "1", True)],
)
def test_a_form_that_blanks_what_is_kept_off_phones_says_nothing(name, sent, write):
    policies = declare(nik="review", ktp="last", kept_off_phones=["nik", "ktp"])
    server = born(Server(policies), nik="3201", ktp="1")
    (a,) = phones(server, "A")
    assert name not in a.rows["anak-siti"].data
    a.fill(**{name: sent})
    a.send(server)
    found = server.record().known["A1"].properties[name]
    assert (found.write, found.replaces) == (write, ())


def test_a_form_that_blanks_a_union_kept_off_phones_takes_nothing_out():
    policies = declare(imunisasi="union", kept_off_phones=["imunisasi"])
    server = born(Server(policies), imunisasi="bcg")
    (a,) = phones(server, "A")
    assert "imunisasi" not in a.rows["anak-siti"].data
    a.fill(imunisasi="")
    a.fill(imunisasi="dpt")
    a.fill(imunisasi="")
    a.send(server)
    assert server.value("imunisasi") == "bcg dpt"


@pytest.mark.parametrize(
    ("shown", "sent", "date", "write", "replaces", "observed_on"),
    [
        pytest.param(saw("9", AUGUST), "9", OCTOBER, True, ("S",), OCTOBER, id="same-newer-date"),
        pytest.param(saw("9", AUGUST), "8", JUNE, True, (), JUNE, id="older-replaces-nothing"),
        pytest.param(saw("9", AUGUST), "9", JUNE, True, (), JUNE, id="same-older-date"),
        pytest.param(saw("9", AUGUST), "9.5", AUGUST, True, ("S",), AUGUST, id="same-date"),
        pytest.param(saw("9", AUGUST), "9.0", AUGUST, False, ("S",), AUGUST, id="unchanged"),
        pytest.param(saw("9", AUGUST), "98", NEXT_YEAR, True, (), NEXT_YEAR, id="invalid-date"),
        pytest.param(saw("9", AUGUST), "9", NEXT_YEAR, True, (), NEXT_YEAR, id="same-invalid"),
        pytest.param(saw("9", AUGUST), "9.5", None, True, ("S",), AUGUST, id="no-date-bears-shown"),
        pytest.param(saw("9", AUGUST), "9", None, False, ("S",), AUGUST, id="no-date-unchanged"),
        pytest.param(saw("9", AUGUST), "9.5", "", True, ("S",), AUGUST, id="blank-date-is-none"),
        pytest.param(None, "9.5", None, True, (), None, id="first-and-no-date"),
        pytest.param(None, "9.5", JUNE, True, (), JUNE, id="first"),
        pytest.param(None, "", JUNE, False, (), None, id="date-without-a-value"),
        pytest.param(
            saw("9", AUGUST),
            "9",
            AUGUST + "T07:00:00+07:00",
            False,
            ("S",),
            AUGUST,
            id="another-spelling-of-the-day",
        ),
    ],
)
def test_a_measured_value_is_an_observation_of_a_day(
    shown, sent, date, write, replaces, observed_on
):
    brought = {} if date is None else {"tgl": date}
    found = settled("bb", sent, shown, **brought)
    assert (found.write, found.replaces, found.observed_on) == (write, replaces, observed_on)


def test_the_date_shown_is_that_of_the_same_property_and_else_the_date_propertys():
    october = {"tgl": Seen(OCTOBER)}
    assert settled("tb", "80", saw("80", JUNE), shown=october, tgl=OCTOBER).write
    assert settled("tb", "81", saw("80", JUNE), shown=october).observed_on == JUNE
    assert settled("tb", "81", None, shown=october).observed_on == OCTOBER


def test_height_of_the_same_day_counts_though_weight_brought_its_date_before():
    #  tb 80 of June ── A: bb 9 of October ── B: tb 80 of October ── C, late: tb 79 of August
    server = born(Server(), tb="80", tgl=JUNE)
    a, late = phones(server, "AC")
    a.fill(bb="9", tgl=OCTOBER)
    a.send(server)
    b = Phone("B").refresh(server)
    assert b.rows["anak-siti"].data["tgl"] == OCTOBER
    b.fill(tb="80", tgl=OCTOBER)
    b.send(server)
    late.fill(tb="79", tgl=AUGUST)
    late.send(server)
    assert server.value("tb") == "80"
    assert not server.questions()


@pytest.mark.parametrize(
    ("name", "replaces"),
    [
        ("rt", ("S2",)),
        ("nik", ()),
        ("bb", ("S2",)),
        ("catatan", ("S1", "S2")),
        ("lila", ("S1", "S2")),
        ("usia", ("S1", "S2")),
    ],
)
def test_what_a_write_replaces_of_two_that_stood(name, replaces):
    assert settled(name, "7", saw("8", AUGUST, ("S1", "S2"))).replaces == replaces


def test_each_option_of_a_union_is_touched_alone():
    shown = {"imunisasi/bcg": saw("1", None, ("S1", "S2")), "imunisasi/dpt": saw("0")}
    change = Change(
        change_id="X", list_name="anak", entity="e", op=Op.UPDATE, data={"imunisasi": "polio  dpt"}
    )
    found = settle(change, View(shown), POLICIES, received_at=instant("2026-11-01")).properties
    assert {name: (one.write, one.replaces) for name, one in found.items()} == {
        "imunisasi/polio": (True, ()),
        "imunisasi/dpt": (True, ("S",)),
        "imunisasi/bcg": (True, ("S1", "S2")),
    }


def test_a_label_is_a_property_like_any_other_and_the_last_one_is_shown():
    server = born(Server())
    for name in ("Siti A.", "Siti Aminah"):
        update = Change(
            change_id=name,
            list_name="anak",
            entity="anak-siti",
            op=Op.UPDATE,
            label=name,
            base_version=1,
        )
        server.take(update)
    assert server.value(LABEL) == "Siti Aminah"
    assert {w.value for w in server.record().state.fields[LABEL].writes} == {
        "Siti A.",
        "Siti Aminah",
    }
    assert not server.questions()


def test_a_property_absent_from_the_form_is_untouched():
    server = born(Server(), rt="05", rw="01")
    (a,) = phones(server, "A")
    a.fill(rw="02")
    a.send(server)
    assert set(server.record().known["A1"].properties) == {"rw"}
    assert (server.value("rt"), server.value("rw")) == ("05", "02")


@pytest.mark.parametrize(
    ("client", "order"),
    [
        (None, "2026-11-01"),
        ("2015-01-01", "2015-01-01"),
        ("2035-01-01", "2026-11-01"),
    ],
)
def test_a_clock_ahead_orders_nothing(client, order):
    change = Change(
        change_id="X",
        list_name="anak",
        entity="e",
        op=Op.CREATE,
        client_time=instant(client) if client else None,
    )
    found = settle(change, View(), POLICIES, received_at=instant("2026-11-01"))
    assert found.order_time == instant(order)
