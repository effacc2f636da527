"""A server comes back from a backup: phones that are ahead of it bring back what was lost."""

import re
import uuid

import pytest

from sync_server.accounts import devices, people
from tests.support.api import administrator
from tests.support.backups import back_up, close, put_back
from tests.support.promises import promise
from tests.sync.test_push import batch, update

pytestmark = pytest.mark.scenario

# Settling asks the same of both engines; where only it is told about, one will do.
on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"])


@pytest.fixture
def lose(village, clock, tmp_path, empty_database_url):
    """`take()` keeps the village as it is now; `lose()` makes it of that again, days later."""
    file, old = tmp_path / "village.zip", village.app

    class Lose:
        def take(self) -> None:
            back_up(village.app, file)

        def __call__(self) -> None:
            clock.pass_days(3)
            village.app = put_back(file, tmp_path / "again", clock, empty_database_url)
            village.client = village.app.test_client()

    yield Lose()
    if village.app is not old:
        close(village.app)


@pytest.fixture
def child() -> str:
    return str(uuid.uuid4())


def hash_of_list(phone) -> str:
    manifest = phone.get("forms/ukur/manifest").text
    found = re.search(r"anak\.csv</filename>\s*<hash>md5:(\w+)", manifest)
    assert found, manifest
    return found[1]


def later(clock, hours=1):
    clock.pass_seconds(hours * 3600)
    return clock


def numbers(village, child):
    record = village.record(child)
    return record.version, record.version_offset


def test_what_phones_sent_since_the_backup_comes_back_and_nothing_is_asked(village, lose, child):
    ani, budi = village.phone("Ani"), village.phone("Budi")
    for phone in (ani, budi):
        phone.sync()
    sent = [ani.register(child, nama="Siti", posyandu="melati", rt="05")]
    ani.send(*sent)
    budi.sync()
    lose.take()
    first = ani.measure(child, bb="8.0", tgl="2026-10-01")
    second = ani.measure(child, bb="8.4", tgl="2026-11-01", rt="06")
    village.pass_time()
    other = budi.measure(child, tb="71", tgl="2026-11-02")
    born_since = str(uuid.uuid4())
    birth = budi.register(born_since, label="Adi", nama="Adi", posyandu="melati")
    sent += [first, second, other, birth]
    ani.send(first, second)
    budi.send(other, birth)
    before = village.shown(child), village.shown(born_since)

    lose()
    assert numbers(village, child) == (1, 4_322_000)
    assert "bb" not in {n for n, v in village.shown(child).items() if v}
    ani.send(second, first)
    budi.send(birth, other)
    assert (village.shown(child), village.shown(born_since)) == before
    assert village.reviews(child) == village.quarantine() == []
    assert numbers(village, child) == (4, 4_322_000)
    for again in sent:
        ani.send(again)
    assert numbers(village, child) == (4, 4_322_000)
    assert (village.shown(child), village.shown(born_since)) == before
    assert not any(change.waiting for change in village.changes(child))


@on_one_engine
def test_a_form_filled_before_the_loss_is_settled_by_what_its_author_was_shown(
    village, lose, child
):
    ani, budi = village.phone("Ani"), village.phone("Budi")
    for phone in (ani, budi):
        phone.sync()
    ani.send(ani.register(child, nama="Siti", posyandu="melati", rt="05"))
    for phone in (ani, budi):
        phone.sync()
    old = budi.measure(child, rt="05", bb="8.1", tgl="2026-11-03")  # 05 as on the screen
    asking = ani.measure(child, nama="Siti A.")
    ani.send(ani.measure(child, rt="06"), asking)
    lose.take()
    lose()
    budi.send(old)
    assert village.shown(child)["rt"] == "06"
    assert village.shown(child)["bb"] == "8.1"
    assert village.reviews(child) == []
    tuti = village.phone("Tuti")
    tuti.sync()
    tuti.send(tuti.measure(child, nama="Siti Aminah"))
    assert village.shown(child)["nama"] == "Siti Aminah"
    assert village.reviews(child) == []


@on_one_engine
def test_over_a_number_that_was_lost_equal_values_are_no_question_and_others_are_one(
    village, lose, child
):
    """Nobody knows any more what stood at that number: a value is asked about, never lost."""
    ani, budi = village.phone("Ani"), village.phone("Budi")
    ani.sync()
    ani.send(ani.register(child, nama="Siti", posyandu="melati", rt="05"))
    lose.take()
    first = ani.measure(child, rt="06")
    ani.send(first)
    budi.sync()
    same = budi.measure(child, rt="06", tb="70", tgl="2026-11-02")
    lose()
    budi.send(same)
    ani.send(first)
    assert village.shown(child)["rt"] == "06"
    assert village.reviews(child) == []
    budi.send(budi.measure(child, rt="07"))
    assert village.asked(child) == {"rt": {"06", "07"}}


def test_every_phone_fetches_its_list_anew_and_turns_to_what_is_here(village, lose, child):
    ani, mawar = village.phone("Ani"), village.phone("Mawar", "mawar")
    ani.sync()
    ani.send(ani.register(child, nama="Siti", posyandu="melati", rt="05"))
    lose.take()
    ani.send(ani.measure(child, rt="06"))
    ani.sync()
    hashes = {hash_of_list(ani), hash_of_list(mawar)}
    assert ani.anak.entities[child].version == 2

    lose()
    assert not hashes & {hash_of_list(ani), hash_of_list(mawar)}
    ani.sync()
    assert ani.anak.entities[child].version == 4_321_001
    assert ani.screen(child)["rt"] == "05"
    ani.send(ani.measure(child, rt="08"))
    assert village.shown(child)["rt"] == "08"
    assert village.reviews(child) == []


@on_one_engine
def test_the_same_backup_put_back_twice_serves_no_number_twice(village, lose, child, tmp_path):
    ani = village.phone("Ani")
    ani.sync()
    ani.send(ani.register(child, nama="Siti", posyandu="melati"))
    lose.take()
    lose()
    once = numbers(village, child), hash_of_list(ani)
    for rt in ("06", "07", "08"):  # between the two, under numbers of the first
        village.clock.pass_seconds(60)
        ani.sync()
        ani.send(ani.measure(child, rt=rt))
    ani.sync()
    again = put_back(tmp_path / "village.zip", tmp_path / "third", later(village.clock, 1 / 60))
    village.app, village.client, lost = again, again.test_client(), village.app
    close(lost)
    (version, offset), list_hash = numbers(village, child), hash_of_list(ani)
    assert version == 1
    assert offset + version > ani.anak.entities[child].version
    assert list_hash != once[1]


@promise("P31", "P108")
def test_a_record_born_since_the_backup_is_never_shown_under_a_number_it_had(village, lose, child):
    ani, budi = village.phone("Ani"), village.phone("Budi")
    lose.take()
    budi.sync()
    birth = budi.register(child, nama="Siti", posyandu="melati", rt="05")
    budi.send(birth)
    ani.sync()
    told = ani.measure(child, rt="06", bb="8.0", tgl="2026-10-01")
    ani.send(told)
    for phone in (ani, budi):
        phone.sync()
    late = budi.measure(child, rt="07")
    before = ani.anak.entities[child].version

    lose()
    budi.send(birth)
    assert numbers(village, child) == (1, 4_321_000)
    ani.sync()
    assert ani.anak.entities[child].version == 4_321_001 > before
    assert ani.screen(child)["rt"] == "05"
    for again in (told, late):
        budi.send(again)
    assert (village.shown(child)["rt"], village.reviews(child)) == ("07", [])
    ani.sync()
    ani.send(ani.measure(child, rt="08"))
    assert (village.shown(child)["rt"], village.reviews(child)) == ("08", [])
    manager = administrator(village.client)
    sync = f"/projects/{village.project.id}/sync"
    for rt in ("09", "10"):
        version = manager.done("GET", f"{sync}/entities/{child}")["version"]
        answer = manager.done("POST", f"{sync}/push", batch(update(child, version, rt=rt)))
        assert [one["status"] for one in answer["results"]] == ["applied"]
    assert village.reviews(child) == []
    stale = manager.done("POST", f"{sync}/push", batch(update(child, 1, rt="05", nama="Siti A")))
    outcomes = {one["name"]: one["outcome"] for one in stale["results"][0]["fields"]}
    assert outcomes == {"rt": "unchanged", "nama": "written"}


@on_one_engine
def test_a_program_names_the_version_it_was_told_before_and_after_a_restore(village, lose, child):
    village.phone("Ani").send(village.phone("Budi").register(child, posyandu="melati", rt="05"))
    lose.take()
    lose()
    manager = administrator(village.client)
    sync = f"/projects/{village.project.id}/sync"
    for base, rt in enumerate(("06", "07", "08"), start=1):
        assert manager.done("GET", f"{sync}/entities/{child}")["version"] == base
        manager.done("POST", f"{sync}/push", batch(update(child, base, rt=rt)))
    branch = {"branchId": str(uuid.uuid4()), "trunkVersion": 4}
    for base, rt in ((4, "09"), (5, "10")):
        item = update(child, base, rt=rt) | branch
        (result,) = manager.done("POST", f"{sync}/push", batch(item))["results"]
        assert result["status"] == "applied"
    assert (village.shown(child)["rt"], village.reviews(child)) == ("10", [])


def test_it_is_the_same_node_in_another_life_and_knows_its_devices(village, lose):
    ani = village.phone("Ani")
    with village.app.app_context():
        node, epoch = people.current_node()
    lose.take()
    lose()
    with village.app.app_context():
        assert people.current_node()[0] == node
        assert people.current_node()[1] != epoch
        key = village.app.extensions["simpul"].settings.secret_key
        token = devices.reveal_token(village.project.id, ani.actor_id, secret_key=key)
        assert token == ani.token
    later = village.phone("Later")  # numbered after those there are, on both engines
    assert later.actor_id > ani.actor_id
