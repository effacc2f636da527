"""Plays a drawing on the real engine, in every order and by every route that it leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, permutations

from conflict.fold import outcomes
from conflict.settle import received_value
from conflict.types import Change, Op, Review
from tests.conflict.phones import Phone, instant
from tests.conflict.village import Server, declare
from tests.docs.drawings import DATE, Drawing, DrawingError, Form, Step, items


def play(drawing: Drawing) -> int:
    """Play a drawing in every way it leaves open; how many ways there were.

    Errors    `AssertionError` when a step says otherwise than the engine,
              `DrawingError` when what is drawn cannot happen.
    """
    told = 0
    coming = [f.name for f in drawing.forms if f.parent and f.name not in drawing.late]
    for order in permutations(coming):
        for by_hub in _routes(drawing):
            if Telling(drawing, order, by_hub).tell():
                told += 1
    if not told:
        raise DrawingError(f"{drawing.place}: in no order does everybody see what is drawn")
    return told


def _routes(drawing: Drawing) -> Iterator[tuple[str, ...]]:
    """Whose phones have the hub for their server: nobody's, some or all; or as it is drawn."""
    cadres = sorted({form.author for form in drawing.forms if form.parent} - {"bidan"})
    if any(step.kind == "meet" for step in drawing.steps):
        cadres = []
    for size in range(len(cadres) + 1):
        yield from combinations(cadres, size)


@dataclass
class Telling:
    """One telling: the forms come in `order`; the phones of `by_hub` fetch and send at the hub."""

    drawing: Drawing
    order: tuple[str, ...]
    by_hub: tuple[str, ...] = ()
    phones: dict[str, Phone] = field(default_factory=dict)
    filled: dict[str, Change] = field(default_factory=dict)
    apart: bool = False
    decision: Change | None = None

    def __post_init__(self) -> None:
        policies = declare(**self.drawing.policies)
        self.centre = Server(policies, node="centre")
        self.hub = Server(policies, node="hub")
        self.hub.seconds = 600  # it comes to know the register after the centre

    def tell(self) -> bool:
        """Whether it could happen: every author was shown what the drawing says."""
        for form in self.drawing.forms:
            if form.parent is None:
                self._register(form)
        self._fill()
        for name in self.order:
            if not self._arrives(self.drawing.form(name)):
                return False
            self.hub.receive(self.centre)
            self._fill()
        if len(self.filled) < len(self.drawing.forms):
            return False
        self._meet()
        for step in self.drawing.steps:
            getattr(self, f"_{step.kind}")(step)
        self._meet()
        for child in self.drawing.children:
            assert not self.centre.waiting(child), f"{self.drawing.place}: a form waits at the end"
        return True

    # the tree

    def _register(self, form: Form) -> None:
        create = Change(
            change_id=form.change_id,
            list_name="anak",
            entity=form.name,
            op=Op.CREATE,
            label=form.name,
            data=self._data(form),
            client_time=instant(form.day) if form.day else None,
            author="puskesmas",
        )
        self.filled[form.name] = create
        self.centre.take(create)
        self.hub.receive(self.centre)

    def _data(self, form: Form) -> dict[str, str]:
        """What a form sends: of one that measures, the day too."""
        measures = any(name in form.data for name in self._measured())
        return {**form.data, DATE: form.day} if measures and form.day else form.data

    def _measured(self) -> list[str]:
        return [n for n, kind in self.drawing.policies.items() if kind.startswith("latest")]

    def _arrives(self, form: Form) -> bool:
        if form.author == "bidan":
            if not self._is_shown(form):
                return False
            decided = self.centre.delete if form.deletes else self.centre.patch
            self.filled[form.name] = decided(form.child, **form.data)
            return True
        if form.name not in self.filled:
            return False
        self._server(form).take(self.filled[form.name])
        return True

    def _server(self, form: Form) -> Server:
        return self.hub if form.author in self.by_hub else self.centre

    def _fill(self) -> None:
        """Let everybody fill in what they may by now: the list shows what they are drawn under."""
        moved = True
        while moved:
            moved = False
            for form in self.drawing.forms:
                if form.name not in self.filled and self._is_next(form) and self._sits(form):
                    moved = True

    def _is_next(self, form: Form) -> bool:
        own = [one.name for one in self.drawing.forms if one.author == form.author]
        return form.author != "bidan" and own[: own.index(form.name)] == [
            name for name in own if name in self.filled
        ]

    def _sits(self, form: Form) -> bool:
        """Fill one form in, if its author is shown now what it hangs from."""
        phone = self.phones.setdefault(form.author, Phone(form.author))
        above, data = form.parent, self._data(form)
        assert above is not None
        original = self.drawing.form(form.instead_of) if form.instead_of else None
        own = original is not None and original.parent == above
        if not own and above.author != form.author:
            if not self._is_shown(form):
                return False
            self._fetch(phone, form)
        if original is not None:
            if original.data.keys() != form.data.keys():
                raise DrawingError(f"{self.drawing.place}: {form.name} is not the form it mends")
            change = phone.edit(self.filled[original.name], form.child, day=form.day, **data)
        else:
            change = phone.fill(form.child, day=form.day, **data)
        if change.change_id != form.change_id:
            raise DrawingError(f"{self.drawing.place}: {form.name} is not the form of that number")
        self.filled[form.name] = change
        return True

    def _fetch(self, phone: Phone, form: Form) -> None:
        """Bring one row of a phone's list up to date, a fresh branch with it."""
        fresh = Phone(phone.name, branches=phone.branches).refresh(self._server(form))
        phone.branches = fresh.branches
        phone.rows[form.child] = fresh.rows[form.child]

    def _is_shown(self, form: Form) -> bool:
        """Whether its author's server has what a form hangs from, and no more of that child."""
        drawn = {one.change_id for one in self.drawing.forms}
        above = {one.change_id for one in form.lineage() if one.name not in self.drawing.late}
        return self._server(form).record(form.child).known.keys() & drawn == above

    # the steps below

    def _meet(self, step: Step | None = None) -> None:
        self.centre.receive(self.hub)
        self.hub.receive(self.centre)
        self.apart = False

    def _comes(self, step: Step) -> None:
        self.apart = self.apart or step.server is not None
        form = self.drawing.form(step.subject or "")
        server = self.hub if step.server == "hub" else self._server(form)
        server.take(self.filled[form.name])
        if not self.apart:
            self._meet()

    def _decides(self, step: Step) -> None:
        child = self.drawing.children[0]
        if step.subject == "keeps":
            self.decision = self.centre.settle_delete("active", child)
        elif step.subject == "settles":
            (said,) = items(step.rest)
            self.decision = self.centre.resolve(said.field, said.value, child)
        else:
            assert self.decision is not None, f"{step.place}: nothing was settled"
            self.centre.reopen(self.decision)
        self._meet()

    def _shows(self, step: Step) -> None:
        wanted = items(step.rest)

        def told(server: Server, child: str) -> str:
            return ", ".join(_shown(server, child, one.field, bool(one.day)) for one in wanted)

        self._compare(step, ", ".join(_item(o.field, o.value, o.day) for o in wanted), told)

    def _asks(self, step: Step) -> None:
        wanted = ", ".join(sorted(_question(part) for part in step.rest.split(", ")))

        def told(server: Server, child: str) -> str:
            asked = (_asked(server, one) for one in server.reviews(child))
            return ", ".join(sorted(asked)) or "nothing"

        self._compare(step, wanted, told)

    def _status(self, step: Step) -> None:
        self._compare(step, step.rest, lambda server, child: str(server.status(child)))

    def _waits(self, step: Step) -> None:
        names = [] if step.rest == "nothing" else step.rest.split(", ")
        wanted = sorted(self.drawing.form(name).change_id for name in names)
        self._compare(step, str(wanted), lambda server, child: str(sorted(server.waiting(child))))

    def _history(self, step: Step) -> None:
        for part in step.rest.split(", "):
            left, _, word = part.rpartition(" ")
            name, _, about = left.rpartition(" ")
            if about not in self.drawing.policies:
                name, about = left, ""
            form = self.drawing.form(name)
            for server in (self.centre, self.hub):
                words = _words(server, form, about)
                self._say(words == {word}, step, f"{left} is {', '.join(sorted(words))}", server)

    def _compare(self, step: Step, wanted: str, told: Callable[[Server, str], str]) -> None:
        servers = {"centre": [self.centre], "hub": [self.hub]}
        children = self.drawing.children
        if step.subject in children:
            children = [step.subject]
        elif step.kind == "shows" and len(children) > 1:
            raise DrawingError(f"{step.place}: of which child?")
        for server in servers.get(step.subject or "", [self.centre, self.hub]):
            for child in children:
                found = told(server, child)
                self._say(found == wanted, step, found, server)

    def _say(self, holds: bool, step: Step, found: str, server: Server) -> None:
        came = ", ".join(
            f"{name} (by the hub)" if name.split(" ")[0] in self.by_hub else name
            for name in self.order
        )
        assert holds, (
            f"{step.place}: drawn is {step.text!r}, but found is {found!r} "
            f"at the {server.node}, when the forms came as: {came or 'drawn'}"
        )


def _item(name: str, value: str, day: str | None) -> str:
    return f"{name} {value or 'blank'}" + (f" ({day})" if day else "")


def _shown(server: Server, child: str, name: str, with_day: bool) -> str:
    standing = server.record(child).state.fields.get(name)
    write = standing.shown_write() if standing else None
    return _item(name, server.value(name, child), write.observed_on if write and with_day else None)


def _question(text: str) -> str:
    """ "RT 07 or 06" with its values in order."""
    if text in ("nothing", "keep or delete"):
        return text
    name, _, values = text.partition(" ")
    return f"{name} {' or '.join(sorted(values.split(' or ')))}"


def _asked(server: Server, review: Review) -> str:
    if review.kind == "delete":
        return "keep or delete"
    known = {cid: one for record in server.records.values() for cid, one in record.known.items()}
    values = [received_value(known[cid].change, review.field) for cid in review.contenders]
    return f"{review.field} {' or '.join(sorted(value or 'blank' for value in values))}"


def _words(server: Server, form: Form, about: str) -> set[str]:
    """What a history page says of a form: of one field, or of all it names."""
    record = server.record(form.child)
    contending = {one.field: one.contenders for one in server.reviews(form.child)}
    told = outcomes(record.known[form.change_id], record.state, contending, server.policies)
    return {
        one.outcome
        for one in told
        if one.name not in (DATE, "label") and about in ("", one.name.split("/")[0])
    }
