"""The main job, with the form engine of ODK Collect: filled on a phone, seen by the supervisor."""

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import requests

from odk_forms import packs
from tests.javarosa.phone import Phone

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

TODAY = datetime.now(UTC).astimezone(timezone(timedelta(hours=7))).date()  # the phone is in Java
BORN = TODAY.replace(day=1) - timedelta(days=500)


@pytest.fixture
def phone(served, tmp_path, javarosa):
    """A phone of posyandu Melati, in a project that the commands made from the pack."""
    pack = packs.load("posyandu")
    melati = pack.lists["posyandu"].sample[0]
    register = tmp_path / "posyandu.csv"
    names = list(melati.data)
    register.write_text(
        ",".join(["label", *names]) + "\n" + ",".join([melati.label, *melati.data.values()]) + "\n"
    )
    served.command("project", "create", "Sumedang")
    served.command("pack", "install", "posyandu")
    served.command("import", "posyandu", str(register), "--yes")
    area = f"posyandu={melati.data['kode']}"
    made = served.command(
        "device", "create", "Bu Tuti", "--property", area, "--url", served.url, "--json"
    )
    return Phone(json.loads(made)["url"], javarosa)


@pytest.fixture
def api(served):
    """Ask the REST API as the administrator: api("datasets/anak/entities")."""
    login = {"email": served.admin_email, "password": served.admin_password}
    token = requests.post(f"{served.url}/v1/sessions", json=login).json()["token"]

    def get(path: str):
        answer = requests.get(
            f"{served.url}/v1/projects/1/{path}", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def test_a_child_registered_and_measured_is_on_the_supervisors_page(served, phone, page):
    phone.sync()
    registered = phone.register("Siti", BORN)
    phone.send(registered.xml)
    phone.sync()
    child = registered.entities[0].id
    phone.send(phone.measure(child, TODAY, bb_kg="9.1").xml)

    page.goto(f"{served.url}/login")
    page.get_by_label("Email").fill(served.admin_email)
    page.get_by_label("Kata sandi").fill(served.admin_password)
    page.get_by_role("button", name="Masuk").click()
    page.goto(f"{served.url}/projects/1/records/{child}")
    text = page.inner_text("main")
    for told in ("Siti", "9.1", "Pengukuran balita", "Bu Tuti", str(TODAY.year)):
        assert told in text


def test_without_a_signal_every_order_of_arrival_ends_the_same(phone, api):
    phone.sync()
    ends = []
    for number, order in enumerate(itertools.permutations(range(3))):
        born = phone.register(f"Anak {number}", BORN + timedelta(days=number))
        child = born.entities[0].id
        first = phone.measure(child, TODAY, bb_kg="9.1", tb_cm="74.5")
        second = phone.measure(child, TODAY, bb_kg="9.4")
        assert [block.base_version for f in (first, second) for block in f.entities] == ["1", "2"]
        chain = [born.xml, first.xml, second.xml]
        for place in order:
            phone.send(chain[place])
        record = api(f"datasets/anak/entities/{child}")["currentVersion"]
        shown = {name: record["data"].get(name) for name in ("bb_terakhir", "tb_terakhir")}
        ends.append((record["version"], shown))
        history = api(f"sync/entities/{child}/history")
        assert [one["status"] for one in history["changes"]].count("waiting") == 0
    assert ends == [(3, {"bb_terakhir": "9.4", "tb_terakhir": "74.5"})] * 6
    assert api("sync/reviews?state=open")["reviews"] == []
    phone.sync()
    assert {one.version for one in phone.lists["anak"].entities.values()} == {3}
