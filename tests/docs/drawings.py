"""The notation of the drawings in `docs/merge.md`: a tree of forms, then what happens below it.

    policy            RT review
    Siti              RT 05
    ├── Ani 1         RT 06 (2 Oct)         ← what follows an arrow is for people
    └── Budi          RT 07 (3 Oct)
    shows             RT 07
    asks              RT 06 or 07

A line of the tree hangs from what its author was shown. A step below is one of: shows, asks,
history, waits, status, a decision of the bidan, a form that comes late, two servers that meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = "```"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DATE = "date"
"""The property that a `latest` names; a form that measures brings its day in brackets."""

_BRANCH = re.compile(r"((?:│   |    )*)(├──|└──) (.*)")
_WHO = re.compile(
    r"(?P<name>[A-Z]\w*(?: \d)?|bidan)"
    r"(?:, instead of (?P<instead>[A-Z]\w*(?: \d)?)|(?P<deletes> deletes))?"
)
_ITEM = re.compile(r"(?P<field>\S+) (?P<value>[^()]+?)(?: \((?P<day>[^()]+)\))?")
_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2})(?: (\d{4}))?")
_STEPS = {
    "shows": re.compile(r"(?:(?P<subject>\w+) )?shows?"),
    "asks": re.compile(r"(?:(?P<subject>\w+) )?asks?"),
    "history": re.compile(r"history"),
    "waits": re.compile(r"waits"),
    "status": re.compile(r"status"),
    "decides": re.compile(r"bidan (?P<subject>settles|keeps|reopens)"),
    "comes": re.compile(r"(?P<subject>[A-Z]\w*(?: \d)?) comes(?: to the (?P<server>hub|centre))?"),
    "meet": re.compile(r"hub and centre meet"),
}


class DrawingError(ValueError):
    """A drawing that cannot be read, or that tells of what cannot happen."""


@dataclass(frozen=True)
class Item:
    """One property: "weight 9.1 (5 Jun)". `blank` is written out and reads as ""."""

    field: str
    value: str
    day: str | None = None


@dataclass(frozen=True)
class Form:
    """A line of the tree. `parent` is the line it hangs from, None for a child on the register."""

    name: str
    child: str
    parent: Form | None
    instead_of: str | None
    deletes: bool
    items: tuple[Item, ...]

    @property
    def change_id(self) -> str:
        """As the village tells it: "Ani 1" and a sole "Ani" are Ani1."""
        if self.parent is None:
            return self.name
        return self.name.replace(" ", "") if self.name[-1].isdigit() else f"{self.name}1"

    @property
    def author(self) -> str:
        return self.name.split(" ")[0]

    @property
    def data(self) -> dict[str, str]:
        return {item.field: item.value for item in self.items}

    @property
    def day(self) -> str:
        return self.items[-1].day or "" if self.items else ""

    def lineage(self) -> Iterator[Form]:
        """What its author was shown, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent


@dataclass(frozen=True)
class Step:
    """A line below the tree, with its place on the page."""

    place: str
    text: str
    kind: str
    subject: str | None
    rest: str
    server: str | None = None


@dataclass(frozen=True)
class Drawing:
    """A drawing, read. `place` is the page and the line where it starts."""

    place: str
    policies: dict[str, str]
    forms: tuple[Form, ...]
    steps: tuple[Step, ...]

    @property
    def children(self) -> list[str]:
        return [form.name for form in self.forms if form.parent is None]

    @property
    def late(self) -> set[str]:
        """The forms that come only where a step says so."""
        return {step.subject for step in self.steps if step.kind == "comes" and step.subject}

    def form(self, name: str) -> Form:
        for one in self.forms:
            if one.name == name:
                return one
        raise DrawingError(f"{self.place}: the tree has no {name!r}")


def drawings_of(page: Path, root: Path) -> list[Drawing]:
    """Every block of a page that is fenced as a history."""
    found: list[Drawing] = []
    block: list[tuple[int, str]] | None = None
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if text.strip() == f"{FENCE}history":
            block = []
        elif text.startswith(FENCE) and block is not None:
            found.append(read(block, str(page.relative_to(root))))
            block = None
        elif block is not None:
            block.append((number, text))
    if block is not None:
        raise DrawingError(f"{page.name}: a drawing has no end")
    return found


def read(block: list[tuple[int, str]], page: str = "drawing") -> Drawing:
    """Read the lines of one drawing, each with its number on the page."""
    policies: dict[str, str] = {}
    forms: list[Form] = []
    depths: list[int] = []
    steps: list[Step] = []
    for number, whole in block:
        place = f"{page}, line {number}"
        text = whole.partition("←")[0].rstrip()
        try:
            step = _step(text, place)
            if text.startswith("policy "):
                policies |= _policies(text)
            elif step is not None:
                steps.append(step)
            elif steps:
                raise DrawingError("below the tree this says nothing known")
            else:
                depth, form = _form(text, forms, depths)
                forms.append(form)
                depths.append(depth)
        except DrawingError as trouble:
            raise DrawingError(f"{place}: {trouble}: {text!r}") from None
    drawing = Drawing(f"{page}, line {block[0][0]}", policies, tuple(forms), tuple(steps))
    _check(drawing, depths, [text for _, text in block])
    return drawing


def _policies(text: str) -> dict[str, str]:
    kinds = {item.field: item.value for item in items(_columns(text)[1])}
    return {name: f"latest({DATE})" if kind == "latest" else kind for name, kind in kinds.items()}


def _columns(text: str) -> tuple[str, str]:
    left, _, right = re.sub(r" {2,}", "\t", text.strip()).partition("\t")
    return left, right.replace("\t", " ")


def _form(text: str, above: list[Form], depths: list[int]) -> tuple[int, Form]:
    branch = _BRANCH.fullmatch(text)
    depth = len(branch[1]) // 4 + 1 if branch else 0
    left, right = _columns(branch[3] if branch else text)
    who = _WHO.fullmatch(left)
    if who is None:
        raise DrawingError("neither a line of the tree nor a step")
    parent = _hangs_from(depth, above, depths)
    said = items(right) if right else ()
    if any(item.day for item in said[:-1]):
        raise DrawingError("a form has one date, at its end")
    form = Form(
        name=who["name"],
        child=parent.child if parent else who["name"],
        parent=parent,
        instead_of=who["instead"],
        deletes=bool(who["deletes"]),
        items=said,
    )
    if form.change_id in {one.change_id for one in above}:
        raise DrawingError("this name is taken")
    return depth, form


def _hangs_from(depth: int, above: list[Form], depths: list[int]) -> Form | None:
    if depth == 0:
        return None
    for form, other in zip(reversed(above), reversed(depths), strict=True):
        if other == depth - 1:
            return form
        if other < depth - 1:
            break
    raise DrawingError("this hangs from nothing")


def _step(text: str, place: str) -> Step | None:
    left, right = _columns(text)
    for kind, pattern in _STEPS.items():
        match = pattern.fullmatch(left)
        if match is not None and not _BRANCH.match(text):
            parts = match.groupdict()
            return Step(place, text, kind, parts.get("subject"), right, parts.get("server"))
    return None


def items(text: str) -> tuple[Item, ...]:
    """Read "weight 9.1 (5 Jun), RT blank"."""
    found = []
    for part in text.split(", "):
        match = _ITEM.fullmatch(part)
        if match is None:
            raise DrawingError(f"{part!r} names no field with a value")
        value = "" if match["value"] == "blank" else match["value"]
        found.append(Item(match["field"], value, _iso(match["day"]) if match["day"] else None))
    return tuple(found)


def _iso(text: str) -> str:
    match = _DAY.fullmatch(text)
    if match is None or match[2] not in MONTHS:
        raise DrawingError(f"{text!r} is no day")
    return f"{match[3] or 2026}-{MONTHS.index(match[2]) + 1:02d}-{int(match[1]):02d}"


def _check(drawing: Drawing, depths: list[int], block: list[str]) -> None:
    """What a reader takes for granted: lines drawn well, policies said, an answer given."""
    fields = {item.field for form in drawing.forms for item in form.items}
    if not drawing.forms or fields != drawing.policies.keys():
        raise DrawingError(f"{drawing.place}: the policies said are not those of the fields")
    kinds = {step.kind for step in drawing.steps}
    if not {"shows", "asks"} <= kinds:
        raise DrawingError(f"{drawing.place}: a drawing says what is shown and what is asked")
    drawn = [text for text in block if not text.startswith("policy ")]
    for at, (depth, text) in enumerate(zip(depths, drawn, strict=False)):
        if not text.startswith(_rails(depths, at, depth)):
            raise DrawingError(f"{drawing.place}: a line of the tree leads astray: {text!r}")


def _rails(depths: list[int], at: int, depth: int) -> str:
    """What a line of this depth starts with, as the lines below it have it."""

    def goes_on(level: int) -> bool:
        below = next((other for other in depths[at + 1 :] if other <= level), 0)
        return below == level

    if depth == 0:
        return ""
    rails = ["│   " if goes_on(level) else "    " for level in range(1, depth)]
    return "".join(rails) + ("├── " if goes_on(depth) else "└── ")
