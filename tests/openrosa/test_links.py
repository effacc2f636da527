"""Links that are slow, cut or crowded, disks that are full: the real server, on real sockets."""

import random
import threading
import time
from collections import defaultdict
from http.client import HTTPException

import pytest
from gunicorn.workers.gthread import ThreadWorker

from sync_server.commands.serve import Server
from sync_server.settings import load
from tests.openrosa import flood
from tests.openrosa.harbour import (
    Form,
    answer_of,
    copied,
    opened,
    posting,
    reset,
    type_of,
    until,
)
from tests.support.promises import promise

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

SLOW_PHONES = 40
FLOOD_OF = {"sqlite": 60, "postgresql": 15}
PHOTO = b"\xff\xd8" + bytes(range(256)) * 400


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def harbour(request, sqlite_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("harbour")
    if request.param == "sqlite":
        url = copied(sqlite_template, folder)
    else:
        cluster = request.getfixturevalue("postgres")
        name = cluster.create_database(request.getfixturevalue("postgres_template"))
        url = cluster.url(name)
    with opened(folder, url, phones=FLOOD_OF[request.param]) as harbour:
        yield harbour
    if request.param == "postgresql":
        cluster.drop_database(name)


@promise("O71")
def test_while_many_bodies_trickle_in_others_are_served(harbour):
    forms = [Form.filled(**{"foto.jpg": PHOTO}) for _ in range(SLOW_PHONES)]
    wires = [posting(harbour.bases[0], form.body()) for form in forms]
    links = [harbour.connect() for _ in forms]
    silent = [harbour.connect() for _ in forms]
    for link, wire in zip(links, wires, strict=True):
        link.sendall(wire[:-30])
    for link in silent:
        link.sendall(b"GET /v1/key/")
    for place in range(-30, -10):
        for link, wire in zip(links, wires, strict=True):
            link.sendall(wire[place : place + 1])
        if place == -20:
            assert harbour.ask("GET", f"{harbour.bases[1]}/formList")[0] == 200
            assert harbour.post(Form.filled(**{"foto.jpg": PHOTO}), phone=1) == 201
        time.sleep(0.05)
    assert {harbour.counts(form) for form in forms} == {(0, 0, 0)}
    for link, wire in zip(links, wires, strict=True):
        link.sendall(wire[-10:])
    assert {answer_of(link) for link in links} == {201}
    assert {harbour.counts(form) for form in forms} == {(1, 1, 1)}
    for link in (*links, *silent):
        link.close()


@promise("O71")
def test_nothing_ends_a_body_that_takes_long_and_threads_are_for_hundreds(tmp_path):
    settings = load({"SIMPUL_HOME": str(tmp_path), "SIMPUL_SECRET_KEY": "of this test"})
    served = Server(settings, host="127.0.0.1", port=8000, workers=1).cfg
    # In this class of worker the timeout is for the loop, which waits for no body.
    assert issubclass(served.worker_class, ThreadWorker)
    assert served.threads >= 300
    assert served.worker_connections > served.threads
    assert served.backlog >= 300


CUTS = {
    "in the head": lambda wire: wire.index(b"Content-Type") + 4,
    "after the head": lambda wire: wire.index(b"\r\n\r\n") + 4,
    "in the XML": lambda wire: wire.index(b"<instanceID>"),
    "between XML and file": lambda wire: wire.index(b"</data>") + 20,
    "in a file": lambda wire: len(wire) - len(PHOTO) // 2,
    "before the last boundary": lambda wire: wire.rindex(b"\r\n--"),
    "in the last boundary": lambda wire: len(wire) - 6,
    "before the answer": len,
}


@promise("O72")
def test_what_was_cut_leaves_nothing_half_and_the_next_try_counts_once(harbour):
    kept = harbour.rows("SELECT count(*) FROM quarantine")
    forms = {}
    for name, place in CUTS.items():
        for end in (reset, lambda link: link.close()):
            form = Form.filled(**{"foto.jpg": PHOTO + name.encode()})
            wire = posting(harbour.bases[0], form.body())
            link = harbour.connect()
            link.sendall(wire[: place(wire)])
            end(link)
            forms[form.child] = form, name
    harbour.served.stop()  # it finishes what it has begun
    for form, name in forms.values():
        counts = harbour.counts(form)
        assert counts == (0, 0, 0) or (name == "before the answer" and counts == (1, 1, 1))
    assert harbour.left_over() == set()
    harbour.served.start()
    for form, _ in forms.values():
        assert harbour.post(form) == 201
        assert harbour.counts(form) == (1, 1, 1)
        assert harbour.stored(form) == (form.xml, form.files)
    assert harbour.rows("SELECT count(*) FROM quarantine") == kept


@promise("O72")
def test_what_a_killed_server_had_begun_to_keep_is_swept_when_it_starts(harbour):
    blobs = harbour.served.home / "blobs"
    blobs.mkdir(exist_ok=True)
    begun, resumable = blobs / "part-x1y2", blobs / "partial" / "1" / "2" / ("0" * 64)
    resumable.parent.mkdir(parents=True)
    for path in (begun, resumable):
        path.write_bytes(b"half of a photo")
    harbour.served.kill()
    harbour.served.start()
    until(lambda: not begun.exists())
    assert resumable.read_bytes() == b"half of a photo"
    resumable.unlink()


@promise("O73")
def test_a_full_disk_is_503_and_what_did_not_fit_is_sent_again(harbour):
    forms = [Form.filled(**{"foto.jpg": PHOTO}), Form.filled(**{"film.mp4": PHOTO * 8})]
    if harbour.served.database_url.startswith("sqlite"):  # the other has a disk of its own
        forms.append(Form.filled())
    before = harbour.left_over()
    assert harbour.ask("GET", f"{harbour.bases[0]}/formList")[0] == 200  # its store is open now
    with harbour.no_room():
        for form in forms:
            body = form.body()
            sort = {"Content-Type": type_of(body)}
            status, said = harbour.ask("POST", f"{harbour.bases[0]}/submission", body, **sort)
            assert status == 503
            assert b"<OpenRosaResponse" in said
            assert harbour.counts(form) == (0, 0, 0)
        assert harbour.ask("GET", f"{harbour.bases[0]}/formList")[0] == 200
    assert harbour.left_over() == before
    for form in forms:
        assert harbour.post(form) == 201
        assert harbour.counts(form) == (1, 1, 1)
        assert harbour.stored(form) == (form.xml, form.files)


@promise("O74")
def test_killed_while_split_forms_come_in_what_was_acknowledged_is_there(harbour):
    chance = random.Random(74)
    forms: list[Form] = []
    taken: dict[str, set[str]] = defaultdict(set)

    def send(seed: int) -> None:
        drawn = random.Random(seed)
        while True:
            names = [f"foto{number}.jpg" for number in range(3)]
            form = Form.filled(**{name: drawn.randbytes(3000) for name in names})
            forms.append(form)
            wanted = [*names, drawn.choice(names)]
            drawn.shuffle(wanted)
            for place, name in enumerate(wanted, 1):
                body = form.body([name], more=place < len(wanted))
                sort = {"Content-Type": type_of(body)}
                try:
                    path = f"{harbour.bases[0]}/submission"
                    assert harbour.ask("POST", path, body, **sort)[0] == 201
                except (OSError, HTTPException):
                    return
                taken[form.child].add(name)

    for _ in range(2):
        begun = len(taken)
        senders = [threading.Thread(target=send, args=(chance.random(),)) for _ in range(3)]
        for one in senders:
            one.start()
        until(lambda begun=begun: len(taken) > begun + 1)
        time.sleep(chance.uniform(0, 0.2))
        harbour.served.kill()
        for one in senders:
            one.join()
        harbour.served.start()
    for form in forms:
        if taken[form.child]:
            xml, files = harbour.stored(form)
            assert xml == form.xml
            assert files.items() <= form.files.items()
            assert files.keys() >= taken[form.child]
    for form in forms:
        assert harbour.post(form) == 201
        assert harbour.counts(form) == (1, 1, 1)
        assert harbour.stored(form) == (form.xml, form.files)
    assert not list((harbour.served.home / "blobs").glob("part-*"))


@promise("O75")
def test_a_flood_of_phones_drains_and_none_is_shown_an_error(harbour):
    assert flood.pour(harbour).shown == []
