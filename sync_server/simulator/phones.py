"""A phone of the fleet at work: it asks for news, fills forms without a signal, sends them."""

from __future__ import annotations

import csv
import hashlib
import io
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from odk_forms.definition import FormDefinition
from odk_forms.packs import PackList
from sync_server.client import Outbox
from sync_server.fleet.documents import SyncFailed
from sync_server.fleet.phone import Phone
from sync_server.fleet.sending import Filled
from sync_server.fleet.wire import NoSignal
from sync_server.simulator.book import Book, Typed
from sync_server.simulator.faults import Luck, SpoiltClient, SpoiltWire
from sync_server.simulator.plan import Newcomer, PhonePlan, PhoneWeek, Visit, chance

_A_YEAR = timedelta(days=365)


class Handset:
    """One phone; `address` is that of its card, `area` its village, `main` the list it writes."""

    def __init__(
        self,
        plan: PhonePlan,
        main: PackList,
        *,
        place: tuple[str, int, str],
        area: str,
        book: Book,
        seed: int,
        loss: float,
        folder: Path,
    ) -> None:
        url, project_id, token = place
        self.plan, self.main, self.area, self.book = plan, main, area, book
        self._rng = chance(seed, "hand", plan.number)
        self._luck = Luck(chance(seed, "line", plan.number), loss, book)
        self.phone = Phone(
            f"{url}/v1/key/{token}/projects/{project_id}",
            f"collect:sim{plan.number:05d}",
            clock_off=plan.years_off * _A_YEAR,
            line=partial(SpoiltWire, luck=self._luck, look=self._look),
        )
        self._place = place
        self._folder = folder

    @property
    def traffic(self) -> int:
        """What went over the air, both ways."""
        return self.phone.wire.bytes_up + self.phone.wire.bytes_down

    def work(self, week: int) -> None:
        """One week of the plan."""
        mine = self.plan.weeks[week]
        if mine.syncs or week == 0 or not self.phone.definitions():
            self.sync()
        if not self._ready():
            return
        for newcomer in mine.newcomers:
            self._register(newcomer, 7 * (len(self.plan.weeks) - 1 - week))
        for visit in mine.visits:
            self._visit(visit)
        if mine.strange:
            self._fill_strange(mine.strange)
        if mine.order:
            self._send(mine)

    def sync(self) -> bool:
        """Ask for news; whether all of it came."""
        try:
            self.phone.sync()
        except (NoSignal, SyncFailed):
            return False
        return True

    def finish(self) -> int:
        """Send all that waits over a line that is well again; how many forms went."""
        self._luck.heal()
        if not self._ready():
            self.sync()
        waiting = len(self.phone.outbox)
        self._send_by_post(sorted(self.phone.outbox, key=lambda one: one.finished))
        return waiting - len(self.phone.outbox)

    def idle(self) -> None:
        """Ask twice: the second time there can be no news."""
        self.phone.sync()
        came = self.phone.sync()
        self.book.idled(
            self.plan.number,
            self.area,
            self.phone.lists[self.main.name].entities,
            (f"phone {self.plan.number}: {one}" for one in (*came.forms, *came.lists)),
        )

    def close(self) -> None:
        self.phone.close()

    def _ready(self) -> bool:
        """Whether the phone has the forms, and the list they are about."""
        return bool(self._form(creates=True) and self.main.name in self.phone.lists)

    def _look(self, content: bytes) -> None:
        """Whose rows came, and which columns: of the list that has an access filter."""
        filters = [rule.property_name for rule in self.main.access]
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        if not rows or not {*filters} <= rows[0].keys():
            return
        foreign = [row["name"] for row in rows if any(row[f] != self.area for f in filters)]
        kept_off = [one.name for one in self.main.properties if not one.phone]
        self.book.looked(len(rows), foreign, [name for name in kept_off if name in rows[0]])

    def _form(self, *, creates: bool) -> FormDefinition | None:
        for form in self.phone.definitions():
            for one in form.entities:
                fits = one.may_create if creates else one.may_update and not one.may_create
                if one.list_name == self.main.name and fits:
                    return form
        return None

    def _register(self, newcomer: Newcomer, days_ago: int) -> None:
        form = self._form(creates=True)
        if form is None:
            return
        belongs = {rule.property_name: self.area for rule in self.main.access}
        values = {**newcomer.typed, **belongs}
        self._fill(form, newcomer.entity, values, days_ago, label=newcomer.label)

    def _visit(self, visit: Visit) -> None:
        form = self._form(creates=False)
        known = sorted(self.phone.lists[self.main.name].entities)
        if form is None or not known:
            return
        entity = known[int(visit.pick * len(known))]
        shown = self.phone.lists[self.main.name].entities[entity].properties
        day = (self.phone.now() - timedelta(days=visit.days_ago)).date().isoformat()
        dates = {
            one.policy.date_property: day
            for one in self.main.properties
            if one.policy.date_property and one.name in visit.typed
        }
        unions = {
            one.name: " ".join(filter(None, (shown.get(one.name, ""), visit.typed[one.name])))
            for one in self.main.properties
            if one.policy.kind == "union" and one.name in visit.typed
        }
        values = {**visit.typed, **unions, **dates}
        self._fill(form, entity, values, visit.days_ago, photo=visit.photo)

    def _fill(
        self,
        form: FormDefinition,
        entity: str,
        values: dict[str, str],
        days_ago: int,
        *,
        label: str | None = None,
        photo: int = 0,
    ) -> None:
        saves = next(one.saves for one in form.entities if one.list_name == self.main.name)
        said = {
            name: as_typed(form, saves[name], text)
            for name, text in values.items()
            if name in saves
        }
        answers: dict[str, str | None] = {saves[name]: text for name, text in said.items()}
        files = {}
        question = next((one.path for one in form.fields if one.binary), None)
        if photo and question is not None:
            name = f"{self.plan.number}-{len(self.book.files)}.jpg"
            files = {name: self._rng.randbytes(photo)}
            answers[question] = name
        known = self.phone.lists[self.main.name].entities.get(entity)
        shown = dict(known.properties) if known else None
        filled = self.phone.fill(
            form.xml_form_id,
            answers,
            entity=entity,
            label=label,
            at=self._when(days_ago),
            files=files,
        )
        self.book.wrote(Typed(filled.instance_id, entity, said, shown), filled.xml)

    def _fill_strange(self, instance_id: str) -> None:
        """A form of another programme, which somebody put on the phone by hand."""
        xml = (
            f"<data id='of_another_programme' version='1'><answer>{self.plan.number}</answer>"
            f"<meta><instanceID>{instance_id}</instanceID></meta></data>"
        ).encode()
        now, name = self.phone.now(), f"strange-{self.plan.number}.xml"
        self.phone.outbox.append(
            Filled("of_another_programme", instance_id, None, xml, name, finished=now)
        )
        self.book.wrote(Typed(instance_id, "", {}, None), xml)

    def _when(self, days_ago: int) -> datetime:
        return self.phone.now() - self.plan.years_off * _A_YEAR - timedelta(days=days_ago)

    def _send(self, week: PhoneWeek) -> None:
        waiting = sorted(self.phone.outbox, key=lambda one: one.finished)
        if week.order == "backwards":
            waiting.reverse()
        elif week.order == "mixed":
            self._rng.shuffle(waiting)
        if week.by_batch:
            self._send_by_batch(waiting)
        else:
            self._send_by_post(waiting)

    def _send_by_post(self, waiting: Sequence[Filled]) -> None:
        for delivery in self.phone.send(waiting):
            if delivery.taken:
                self._taken(delivery.form)

    def _send_by_batch(self, waiting: Sequence[Filled]) -> None:
        """The same forms by another door: a program on the phone sends them as batches."""
        url, project_id, token = self._place
        by_id = {one.instance_id: one for one in waiting if not one.files}
        taken: list[Filled] = []

        def note(results: Sequence[Mapping[str, Any]]) -> None:
            told = [str(one["instanceId"]) for one in results if one["status"] != "rejected"]
            taken.extend(by_id[one] for one in told if one in by_id)

        client = SpoiltClient(url, project_id, token, luck=self._luck, results=note)
        path = self._folder / f"phone-{self.plan.number}.db"
        with client, Outbox(path) as outbox:
            for one in by_id.values():
                said = {"kind": "submission", "xmlFormId": one.xml_form_id, "xml": one.xml.decode()}
                outbox.add({**said, "deviceId": self.phone.device_id})
            outbox.drain(client)
        path.unlink()
        for one in taken:
            self._taken(one)
        self.phone.outbox = [one for one in self.phone.outbox if one not in taken]

    def _taken(self, form: Filled) -> None:
        self.book.acknowledge([form.instance_id], f"phone {self.plan.number}")
        for content in form.files.values():
            self.book.attached(hashlib.sha256(content).hexdigest(), len(content))


def as_typed(form: FormDefinition, path: str, text: str) -> str:
    """A text as the question at `path` takes it: a number or a date that stands for it."""
    kind = form.field_at[path].type
    number = zlib.crc32(text.encode())
    if kind in ("int", "integer"):
        return str(number % 12 + 1)
    if kind == "decimal" and not text.replace(".", "").isdecimal():
        return f"{number % 90 / 10 + 1:.1f}"
    if kind == "date" and not text[:4].isdecimal():
        return (date(2023, 1, 1) + timedelta(days=number % 1000)).isoformat()
    return text
