"""What must be kept aside without touching anything else: poison for the batches of a story."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from conflict.types import Op
from sync_server.fleet.local_list import LocalEntity
from sync_server.intake.arrival import Author, Sent, SentChange, SentSubmission
from sync_server.intake.keeping import raw_change
from tests.scenarios.arrivals import FORM, Form, Item, Told, measured_row
from tests.scenarios.hamlet import Hamlet


@dataclass(frozen=True)
class Poison:
    """Something that cannot be used: with which code it is kept, and after what it must come.

    Without a code nothing is kept: the form stands, and nothing comes of it.
    """

    what: Sent
    author: Author
    code: str | None
    after: Item | None = None

    def sent(self) -> Sent:
        return self.what

    @property
    def raw(self) -> bytes:
        what = self.what
        return what.raw if isinstance(what, SentSubmission) else raw_change(what.change)


def poisoned(hamlet: Hamlet, coming: Sequence[Item], random: Random) -> list[Poison]:
    """Some poison of all the kinds that can be made of what is coming to a hamlet."""
    phone = hamlet.pads[0].author
    found = [
        Poison(SentSubmission(f"<data id='{FORM}'><rt>5".encode()), phone, "bad_xml"),
        Poison(SentSubmission(b"<!DOCTYPE x><data id='x'/>"), phone, "bad_xml"),
    ]
    found += [one for item in coming for one in _made_of(item, random)]
    foreign = hamlet.stranger
    for child in hamlet.born[:2]:
        local = _copy(hamlet, child)
        form = Form(hamlet.new_id("uuid:"), foreign, (measured_row(local, {"rt": "99"}),))
        found.append(Poison(form.sent(), foreign, "out_of_area"))
        found += _not_for_devices(hamlet, child, phone)
    for item in coming:
        if isinstance(item, Form) and {row.id for row in item.rows} <= {*hamlet.born}:
            found += _foreign_edits(hamlet, item)
    return random.sample(found, min(len(found), 24))


def _made_of(item: Item, random: Random) -> Iterator[Poison]:
    if isinstance(item, Told):
        other = replace(item.change, data={**item.change.data, "rt": "99"})
        yield Poison(SentChange(other), item.author, "id_reuse", after=item)
    elif random.random() < 0.5:
        other_xml = item.xml().replace(b"<meta>", b"<rt>99</rt><meta>")
        yield Poison(SentSubmission(other_xml), item.author, "id_reuse", after=item)
    else:
        unknown = item.xml().replace(f"id='{FORM}'".encode(), b"id='lain'")
        yield Poison(SentSubmission(unknown), item.author, "unknown_form")


def _not_for_devices(hamlet: Hamlet, child: str, phone: Author) -> Iterator[Poison]:
    standing = tuple(hamlet.twin.records[child].known)
    change = replace(
        hamlet.change(child, Op.RESOLVE, phone), contenders=standing, data={"rt": "99"}
    )
    for op in (Op.DELETE, Op.RESTORE, Op.RESOLVE):
        told = replace(change, change_id=hamlet.new_id(), op=op)
        yield Poison(SentChange(told), phone, "not_allowed")
    update = replace(change, change_id=hamlet.new_id(), op=Op.UPDATE, list_name="balita")
    yield Poison(SentChange(update), phone, "unknown_list")


def _foreign_edits(hamlet: Hamlet, form: Form) -> Iterator[Poison]:
    """Edits of a form by a phone of another place: of its children, and of no child any more."""
    rows = [measured_row(_copy(hamlet, row.id), {"rt": "99"}) for row in form.rows]
    edit = replace(
        form,
        instance=hamlet.new_id("uuid:"),
        author=hamlet.stranger,
        edits=form.instance,
        rows=tuple(rows),
        spoiled=False,
    )
    nobody = replace(
        edit,
        instance=hamlet.new_id("uuid:"),
        rows=tuple(replace(row, update=False) for row in rows),
    )
    yield Poison(edit.sent(), hamlet.stranger, "out_of_area")
    yield Poison(nobody.sent(), hamlet.stranger, None)


def _copy(hamlet: Hamlet, child: str) -> LocalEntity:
    """A child as somebody has it who copied the list from a phone of the place."""
    served = hamlet.twin.records[child].served
    return LocalEntity(
        id=child,
        label="Siti",
        version=served,
        trunk_version=served,
        branch_id=hamlet.new_id(),
        offline=False,
    )


def mixed(items: Sequence[Item], poisons: Sequence[Poison], random: Random) -> list[Item | Poison]:
    """Items with poison strewn among them, in the order given."""
    found: list[Item | Poison] = [*items]
    for poison in poisons:
        first = 0 if poison.after is None else found.index(poison.after) + 1
        found.insert(random.randint(first, len(found)), poison)
    return found
