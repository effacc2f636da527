"""What happens in the field, each thing once: so that every page of the demo has something true."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from odk_forms.convert import to_xform
from sync_server.demo import names
from sync_server.demo.children import Child, child
from sync_server.demo.program import Program
from sync_server.demo.regency import Habit, Post
from sync_server.demo.story import Story
from sync_server.demo.telling import Worker, measure, on, register, send
from sync_server.fleet.phone import WIB
from sync_server.publishing.register import run_import

_CENSUS = """
| settings |
|          | form_title       | form_id          | version |
|          | Sensus ibu hamil | sensus_ibu_hamil | 3       |
| survey   |
|          | type    | name   | label           |
|          | start   | start  |
|          | end     | end    |
|          | text    | rt     | RT              |
|          | integer | jumlah | Jumlah bumil    |
"""
_AS_MOST_DO = 1.2


def arrange(story: Story) -> None:
    """Let all of it happen in its time."""
    melati, mawar, anggrek, kenanga = story.regency.posts
    weighed_twice, asked_about, moving = _of_the_first_day(story, melati)[:3]
    _weighed_at_two_tables(story, melati, story.last, weighed_twice)
    _weighed_at_two_tables(story, melati, story.last - 1, asked_about)
    _midwife_decides(story, melati, story.last - 1, asked_about)
    _moves_away(story, melati, story.last - 2, moving)
    _deleted_while_measured(story, mawar, _of_the_first_day(story, mawar)[0])
    _born_without_a_signal(story, anggrek)
    _sent_again(story, kenanga)
    _form_of_another_server(story, anggrek)
    _visited_at_home(story, anggrek)
    today = story.until.astimezone(WIB).date()
    registry = partial(_register_disagrees, story, mawar)
    story.timeline.at(on(today, 10) - timedelta(days=3), registry)


def _of_the_first_day(story: Story, post: Post) -> list[Child]:
    """Children registered at the first session, who grow as most do."""
    here = story.children[post]
    return [one for one in here if one.first_session == 0 and abs(one.line) < _AS_MOST_DO]


def _weighed_at_two_tables(story: Story, post: Post, session: int, some: Child) -> None:
    """Two cadres weigh one child on one morning, and neither has a signal to see it."""
    story.attends.add((id(some), session))

    def weigh() -> None:
        known = [one for one in story.workers[post] if one.knows(some)]
        other = next(one for one in known if not _filled_by(one, some))
        found = some.history[-1]
        slip = f"{float(found.weight) + 0.8:.1f}"
        at = story.clock.now() + timedelta(hours=2.6)
        measure(other, some, at, replace(found, weight=slip, head="", arm=""))

    story.after_session.setdefault((post, session), []).append(weigh)


def _filled_by(worker: Worker, some: Child) -> bool:
    return any(form.entity == some.entity for form in worker.phone.outbox)


def _midwife_decides(story: Story, post: Post, session: int, some: Child) -> None:
    """She asks the mother, and takes the weight that came first."""

    def decide() -> None:
        midwife = Program(story.url, story.regency.midwife)
        reviews = f"/v1/projects/{story.regency.project_id}/sync/reviews"
        asked = midwife.request("GET", f"{reviews}?state=open&list=anak")["reviews"]
        review = next(one for one in asked if one["entity"] == some.entity)
        first = min(review["contenders"], key=lambda one: str(one["receivedAt"]))
        decision = {
            "contenders": [one["changeId"] for one in review["contenders"]],
            "choose": first["changeId"],
            "note": "Sudah ditanyakan kepada ibunya, sesuai KMS.",
        }
        midwife.request("POST", f"{reviews}/{review['id']}/resolve", decision)

    story.timeline.at(on(story.days[post][session], 10) + timedelta(days=2), decide)


def _moves_away(story: Story, post: Post, session: int, some: Child) -> None:
    """A neighbour tells the cadres that a family has moved."""

    def hear() -> None:
        worker = next(one for one in story.workers[post] if one.knows(some))
        if not _filled_by(worker, some):
            measure(worker, some, story.clock.now() + timedelta(hours=2.8), None, gone="pindah")
            story.gone.add(some.entity)

    story.after_session.setdefault((post, session), []).append(hear)


def _deleted_while_measured(story: Story, post: Post, some: Child) -> None:
    """The midwife deletes a child as a double at noon; a phone without a signal has weighed it."""
    story.attends.add((id(some), story.last))

    def delete() -> None:
        midwife = Program(story.url, story.regency.midwife)
        path = f"/v1/projects/{story.regency.project_id}/datasets/anak/entities/{some.entity}"
        midwife.request("DELETE", path)

    story.timeline.at(on(story.days[post][story.last], 12), delete)


def _born_without_a_signal(story: Story, post: Post) -> None:
    """Registered, measured, measured again at home: sent days later, the last form first."""
    worker, day = story.workers[post][-1], story.days[post][story.last]
    born = day - timedelta(days=12)
    baby = child(born, day, story.last, names.MOTHERS[-1], story.rng)
    baby.nama = f"Bayi Ny. {baby.nama_ibu.split()[0]}"
    back = on(day, 16) + timedelta(days=3)
    story.away[worker.cadre.actor_id] = (on(day, 12), back)

    def at_the_session() -> None:
        at = story.clock.now() + timedelta(hours=2.7)
        register(worker, baby, at)
        measure(worker, baby, at + timedelta(minutes=4), baby.measure(day, story.rng))
        story.children[post].append(baby)

    def at_home() -> None:
        found = baby.measure(story.clock.now().astimezone(WIB).date(), story.rng)
        measure(worker, baby, story.clock.now(), found)

    def send_backwards() -> None:
        chain = [form for form in worker.phone.outbox if form.entity == baby.entity]
        story.forms += send(story.timeline, worker, story.rng, chain[::-1])
        story.send(worker)

    story.after_session.setdefault((post, story.last), []).append(at_the_session)
    story.timeline.at(on(day, 9) + timedelta(days=2), at_home)
    story.timeline.at(back, send_backwards)


def _sent_again(story: Story, post: Post) -> None:
    """One answer is lost on the way, so the form is sent again; another is sent twice at once."""
    worker = story.workers[post][0]

    def send_badly() -> None:
        lost, twice = worker.phone.outbox[:2]
        worker.phone.send([lost], answers_lost=True)
        worker.phone.send([twice], times=2)
        story.forms += 1  # the lost one counts when it is sent again in the evening

    story.timeline.at(on(story.days[post][story.last], 16), send_badly)


def _form_of_another_server(story: Story, post: Post) -> None:
    """A form left on the phone by a pilot nobody here published."""
    worker = story.workers[post][0]
    xml = to_xform(_CENSUS.encode(), "sensus.md", validate=False).xml

    def send_stray() -> None:
        form_id = worker.phone.install(xml)
        worker.phone.fill(form_id, {"rt": "03", "jumlah": "4"})
        story.send(worker)

    story.timeline.at(on(story.days[post][story.last], 19) + timedelta(days=1), send_stray)


def _visited_at_home(story: Story, post: Post) -> None:
    """The cadre whose phone does not fetch the new form still sends with the old one."""
    worker = next(one for one in story.workers[post] if one.cadre.habit is Habit.STALE)

    def visit() -> None:
        now: datetime = story.clock.now()
        known = [one for one in story.children[post] if one.entity and worker.knows(one)]
        some = next((one for one in known if not _came_lately(story, post, one)), known[0])
        measure(worker, some, now, some.measure(now.astimezone(WIB).date(), story.rng))
        story.send(worker)

    story.timeline.at(on(story.until.astimezone(WIB).date(), 16) - timedelta(days=1), visit)


def _came_lately(story: Story, post: Post, some: Child) -> bool:
    known = next(one for one in story.workers[post] if one.knows(some))
    held = known.phone.lists["anak"].entities[some.entity].properties
    return held.get("tgl_ukur", "") >= story.days[post][story.last].isoformat()


def _register_disagrees(story: Story, post: Post) -> None:
    """The civil registry's file fills in three ids, and has another for a fourth child."""
    here = [one for one in _of_the_first_day(story, post)[1:] if one.entity not in story.gone]
    with_nik = next(one for one in here if one.nik)
    without = [one for one in here if not one.nik][:3]
    swapped = with_nik.nik[:-2] + with_nik.nik[-1] + with_nik.nik[-2]
    other = swapped if swapped != with_nik.nik else f"{with_nik.nik[:-4]}0199"
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "label", "nik"])
    writer.writerow([with_nik.entity, with_nik.label, other])
    for number, one in enumerate(without, start=1):
        day = one.tgl_lahir.day + (40 if one.jk == "P" else 0)
        found = f"999901{day:02d}{one.tgl_lahir:%m%y}{number:04d}"
        writer.writerow([one.entity, one.label, found])
    run_import(
        story.regency.project_id,
        "anak",
        out.getvalue().encode(),
        by=story.regency.admin.actor_id,
        clock=story.clock,
    )
