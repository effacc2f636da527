"""The date that a `latest` follows: another property of its list, and one with a plain policy."""

import pytest

from conflict.policy import Policy
from sync_server.errors import BadForm, BadValue
from sync_server.publishing import lists
from tests.publish.desk import weighing

NO_DATES = ["latest(bb)", "latest(nik)", "union", "derived"]


@pytest.fixture
def stood(desk):
    """A list whose weights follow a date."""
    desk.publish(weighing(bb="latest(tgl)"))
    return desk


def set_policy(desk, name, policy):
    lists.set_policy(desk.project_id, "anak", name, policy, by=None, clock=desk.clock)


def add_property(desk, name, policy="review"):
    options = {"policy": policy, "by": None, "clock": desk.clock}
    lists.add_property(desk.project_id, "anak", name, **options)


def add_missing(desk, **declared):
    wanted = {"anak": {name: (Policy.parse(text), True) for name, text in declared.items()}}
    lists.add_missing(desk.project_id, wanted, by=None, clock=desk.clock)


def refused(desk, table, **options):
    before = desk.info()
    with pytest.raises(BadForm) as caught:
        desk.publish(table, **options)
    assert desk.info() == before
    return caught.value.details["messages"]


@pytest.mark.parametrize("date", ["nik", "zz", "TGL", "label", "bb"])
def test_a_date_is_another_plain_property_of_the_list(stood, date):
    """`nik` cannot follow itself, nor what is not there, nor what follows a date itself."""
    before = stood.info()

    with pytest.raises(BadValue, match=f"'{date}'|its own date") as caught:
        set_policy(stood, "nik", f"latest({date})")

    assert caught.value.details == {"field": "policy", "value": f"latest({date})"}
    assert stood.info() == before


@pytest.mark.parametrize("policy", NO_DATES)
def test_a_date_stays_plain_while_something_follows_it(stood, policy):
    with pytest.raises(BadValue, match="cannot follow the date"):
        set_policy(stood, "tgl", policy)

    set_policy(stood, "tgl", "last")
    set_policy(stood, "bb", "review")
    set_policy(stood, "tgl", policy)
    assert str(stood.info().policies.of("tgl")) == policy


@pytest.mark.parametrize("date", ["rt", "zz", "bb"])
def test_a_property_is_not_added_with_a_date_that_is_none(stood, date):
    with pytest.raises(BadValue):
        add_property(stood, "rt", f"latest({date})")
    with pytest.raises(BadValue):
        add_missing(stood, rt=f"latest({date})")

    assert "rt" not in stood.info().properties


def test_properties_added_together_may_follow_each_other_one_way(stood):
    with pytest.raises(BadValue):
        add_missing(stood, tb="latest(tgl_tb)", tgl_tb="latest(tb)")

    add_missing(stood, tb="latest(tgl_tb)", tgl_tb="review", lila="latest(tgl)")
    add_property(stood, "lk", "latest(tgl)")

    assert stood.info().policies.dates == {"tgl", "tgl_tb"}


def test_what_is_typed_into_a_property_that_was_refused_itself_as_a_date_stays(stood):
    add_property(stood, "rt")
    with pytest.raises(BadValue):
        set_policy(stood, "rt", "latest(rt)")

    stood.create(1, rt="03")

    assert stood.record(1).data["rt"] == "03"


@pytest.mark.parametrize("date", ["zz", "label", "TGL"])
def test_a_form_names_a_date_that_its_list_has(desk, date):
    with pytest.raises(BadForm) as caught:
        desk.publish(weighing(bb=f"latest({date})"))

    error, warning = caught.value.details["messages"]
    assert (error["cell"], error["severity"]) == ("survey!E3", "error")
    assert f"'{date}'" in error["text"]
    assert warning["severity"] == "warning"


def test_a_form_may_follow_a_date_that_only_its_list_has(desk):
    desk.publish(weighing())
    add_property(desk, "tgl_lain")

    form = weighing("2", form_id="lain", bb="latest(tgl_lain)")
    desk.publish(form, confirm_policies=True)

    assert desk.info().policies.dates == {"tgl_lain"}


def test_a_form_cannot_follow_what_its_list_has_no_plain_policy_for(stood):
    more = "| | text | rt | RT | rt | latest(bb) | |\n"

    message, *_ = refused(stood, weighing("2", bb="", more=more))

    assert message["cell"] == "survey!E5"
    assert "'rt' cannot follow the date 'bb'" in message["text"]


@pytest.mark.parametrize("policy", ["union", "derived", "latest(nik)"])
def test_a_form_cannot_make_more_of_a_date_that_its_list_follows(stood, policy):
    table = weighing("2", bb="").replace("| tgl     |      ", f"| tgl     | {policy}")

    message, *_ = refused(stood, table, confirm_policies=True)

    assert message["cell"] == "survey!E2"
    assert "'bb' cannot follow the date 'tgl'" in message["text"]
