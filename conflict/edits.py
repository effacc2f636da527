"""Edits of a submission: which changes of a record take the place of which.

Collect gives an edited form a new instanceID and names the old one as `deprecatedID`. Its
changes stand on the base and bear the times of the first original: `docs/merge.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

from conflict.settle import received_value
from conflict.types import Change, Op, SettledChange


class Edits:
    """The edits among the changes of one record; `coming` is one that is being taken in.

    Submissions that name each other in a circle are nobody's edits: each stands by itself.
    """

    def __init__(self, known: Mapping[str, SettledChange], *, coming: Change | None = None) -> None:
        named = {
            one.change.submission: one.change.deprecates
            for one in known.values()
            if one.change.deprecates
        }
        if coming is not None and coming.deprecates:
            named[coming.submission] = coming.deprecates
        circling = _in_circles(named)
        self._originals = {edit: of for edit, of in named.items() if edit not in circling}
        self.deprecated = frozenset(self._originals.values())
        self._changes: dict[str, list[SettledChange]] = {}
        for one in known.values() if named else ():
            self._changes.setdefault(one.change.submission, []).append(one)

    def is_edit(self, change: Change) -> bool:
        return change.submission in self._originals

    def original_of(self, change: Change) -> SettledChange | None:
        """The change of this record that an edit takes the place of, when it is here."""
        of = self._originals.get(change.submission)
        mine = self._changes.get(of, ()) if of is not None else ()
        return min(mine, key=_base_and_id, default=None)

    def root_of(self, one: SettledChange) -> SettledChange:
        """The first original of an edit of an edit; of what is no edit, itself."""
        while (original := self.original_of(one.change)) is not None:
            one = original
        return one

    def superseded(self) -> Iterator[SettledChange]:
        """The changes whose place others have taken."""
        for submission in self.deprecated:
            yield from self._changes.get(submission, ())

    def heirs(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Of each superseded change, per property, the writes that say the same in its place."""
        last = self._last_edits()
        return {
            one.change.change_id: _heirs_of(one, last[one.change.submission])
            for one in self.superseded()
        }

    def _last_edits(self) -> dict[str, list[SettledChange]]:
        """The changes that stand in the place of each submission, edits of its edits among them."""
        found: dict[str, list[SettledChange]] = {of: [] for of in self.deprecated}
        for edit in self._originals.keys() - self.deprecated:
            of: str | None = self._originals[edit]
            while of is not None:
                found[of].extend(self._changes.get(edit, ()))
                of = self._originals.get(of)
        return found


def _heirs_of(one: SettledChange, heirs: Sequence[SettledChange]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, settled in one.properties.items():
        value = received_value(one.change, name)
        same = tuple(
            sorted(
                heir.change.change_id
                for heir in heirs
                if (says := heir.properties.get(name)) is not None
                and says.write
                and says.observed_on == settled.observed_on
                and received_value(heir.change, name) == value
            )
        )
        if settled.write and same:
            found[name] = same
    return found


def _in_circles(named: Mapping[str, str]) -> set[str]:
    """The submissions that name themselves by way of what they name."""
    circling: set[str] = set()
    passed: set[str] = set()
    for edit in named:
        path, at = [], edit
        while at in named and at not in passed:
            passed.add(at)
            path.append(at)
            at = named[at]
        if at in path:
            circling.update(path[path.index(at) :])
    return circling


def _base_and_id(one: SettledChange) -> tuple[int, str]:
    return one.change.base_version or 0, one.change.change_id


def withdrawals(
    originals: Iterable[Change],
    *,
    edit: str,
    of: str,
    named: Iterable[str],
    project: str,
    author: str,
) -> tuple[Change, ...]:
    """For each change of an original whose record its edit no longer names, one without values.

    Shapes    `edit` and `of` are the submissions, `named` the entities of the edit. The ids
              follow from the submission and the change withdrawn, so that every server
              makes the same ones.
    """
    kept = set(named)
    return tuple(
        Change(
            change_id=str(uuid5(UUID(project), f"{edit}\n{original.change_id}")),
            list_name=original.list_name,
            entity=original.entity,
            op=Op.UPDATE,
            author=author,
            from_form=True,
            submission=edit,
            deprecates=of,
        )
        for original in originals
        if original.entity not in kept and not is_withdrawal(original)
    )


def is_withdrawal(change: Change) -> bool:
    """Whether a change only takes back what the original of its submission wrote.

    A form's own update always names a base.
    """
    return bool(change.deprecates) and change.op is Op.UPDATE and change.base_version is None
