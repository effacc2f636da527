"""A person who is bound to no area, on a phone: every row of a list, and a hash of them all."""

import uuid

import pytest

from sync_server.accounts import people
from sync_server.intake.arrival import Author
from sync_server.intake.entities import delete_entity
from sync_server.intake.leaving import hide
from tests.support.promises import promise
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

PASSWORD = "kader-rajin-2026"


@pytest.fixture
def person(village):
    """`person(email)` asks at the phones' door with a password; the administrator, by default."""

    def person(email=ADMIN_EMAIL, password=ADMIN_PASSWORD):
        base = f"/v1/projects/{village.project.id}"

        def get(path, **headers):
            url = f"{base}/{path}"
            return village.client.get(
                url, auth=(email, password), base_url="https://localhost", headers=headers
            )

        return get

    return person


@pytest.fixture
def viewer(village, person):
    """Somebody who looks after one posyandu alone."""
    with village.app.app_context():
        actor = people.create_user("bidan@example.org", PASSWORD, clock=village.clock)
        people.assign(
            actor,
            "viewer",
            village.project.id,
            properties={"posyandu": "melati"},
            clock=village.clock,
        )
    return person("bidan@example.org", PASSWORD)


def rows(get):
    text = get("forms/ukur/attachments/anak.csv").text
    return [line.split(",")[1] for line in text.splitlines()[1:]]


def register(phone, label, **values):
    child = str(uuid.uuid4())
    phone.send(phone.register(child, label, **values))
    return child


@promise("O19", "O31")
def test_who_is_bound_to_no_area_has_every_row_and_is_told_of_each_change(village, person, viewer):
    admin, melati, mawar = person(), village.phone("a"), village.phone("b", posyandu="mawar")
    siti = register(melati, "Siti", posyandu="melati")
    seen = [admin("forms/ukur/manifest").headers["ETag"]]
    tag = admin("forms/ukur/attachments/anak.csv").headers["ETag"]

    def altered():
        seen.append(admin("forms/ukur/manifest").headers["ETag"])
        same = admin("forms/ukur/manifest", **{"If-None-Match": seen[-1]})
        return (seen[-1] in seen[:-1], same.status_code)

    dewi = register(mawar, "Dewi", posyandu="mawar")
    assert altered() == (False, 304)
    register(mawar, "Tanpa", nama="Tanpa")
    assert altered() == (False, 304)
    assert sorted(rows(admin)) == ["Dewi", "Siti", "Tanpa"]
    assert rows(viewer) == ["Siti"]
    assert rows(melati.get) == ["Siti"]

    mawar.sync()
    mawar.send(mawar.measure(dewi, bb="9.1", tgl="2026-11-02"))
    assert altered() == (False, 304)
    with village.app.app_context():
        author = Author(village.admin, may_decide=True)
        delete_entity(village.project, "anak", dewi, author=author, clock=village.clock)
    assert altered() == (False, 304)
    assert sorted(rows(admin)) == ["Siti", "Tanpa"]
    assert altered() == (True, 304)
    now = admin("forms/ukur/attachments/anak.csv", **{"If-None-Match": tag})
    assert (now.status_code, now.headers["ETag"] != tag) == (200, True)

    unknown = str(uuid.uuid4())
    told = admin(f"datasets/anak/integrity?id={siti},{dewi},{unknown}").text
    assert (told.count("<entity "), told.count("true")) == (2, 1)
    assert admin("datasets/anak/integrity").text.count("<entity ") == 2
    assert viewer(f"datasets/anak/integrity?id={dewi}").text.count("<entity ") == 0


@promise("O19")
def test_what_left_the_area_of_a_hub_is_gone_for_everybody_there(village, person):
    admin, phone = person(), village.phone("a")
    siti, _ = (register(phone, name, posyandu="melati") for name in ("Siti", "Dewi"))
    before = admin("forms/ukur/attachments/anak.csv").headers["ETag"]
    with village.app.app_context():
        hide(village.project, [siti], clock=village.clock)
    assert rows(admin) == ["Dewi"]
    assert admin("forms/ukur/attachments/anak.csv").headers["ETag"] != before
    assert admin(f"datasets/anak/integrity?id={siti}").text.count("<entity ") == 0
