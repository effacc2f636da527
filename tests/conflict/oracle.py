"""The law of docs/merge.md read once more, by one who saw every screen and counts no numbers.

It shares no code with `conflict/`. `tests.conflict.witness` says what its facts hold.
"""

from collections import defaultdict, namedtuple

from tests.conflict.witness import Seen, day, measure

Wrote = namedtuple("Wrote", "value counts replaces observed_on")
Stands = namedtuple("Stands", "when id value stamp day observed_on decided")


def reading(kind, writes):
    """The table of section 3: of the writes standing, the one shown and those asked about."""
    best, differ = writes, len({one.value for one in writes}) > 1
    asked = writes if differ and kind in ("review", "first") else []
    if kind == "first":
        early = min(writes, key=lambda one: (not one.value, one.stamp, one.when))
        best = [one for one in writes if one.decided] or [early]
    elif kind == "latest":
        newest = max((one.day for one in writes if one.day), default=0)
        wrong, best = [w for w in writes if not w.day], [w for w in writes if w.day == newest]
        differ = len({measure(one.value, kind) for one in best}) > 1
        asked = wrong + best if differ or wrong else []
    elif kind == "union":
        best = [one for one in writes if one.value == "1"] or writes
    elif kind in ("max", "min"):
        numbers = [n for one in writes if (n := measure(one.value, kind)) != one.value]
        end = (max if kind == "max" else min)(numbers, default=None)
        best = [one for one in writes if measure(one.value, kind) == end] or writes
    return best[-1] if best else None, {one.id for one in asked}


class Oracle:
    def __init__(self, facts):
        self.facts, self.edits, self.found = {one.id: one for one in facts}, defaultdict(list), {}
        for fact in (one for one in facts if one.mends):
            self.edits[fact.mends].append(fact)
        void = {("resolve", fact.of) for fact in facts if fact.op == "reopen"}
        past = {one.id for one in facts if (one.op, one.id) in void or self.edits[one.form]}
        self.counted = [one for one in facts if one.id not in past]

    def last_edits(self, fact):
        return [to for one in self.edits[fact.form] for to in self.last_edits(one) or [one]]

    def screen(self, fact):
        """What the list had shown, and over it what the phone's own forms had typed since."""
        cells = dict(fact.shown)
        for mate in (self.facts[cid] for cid in fact.mine):
            for name, one in self.wrote(mate).items():
                seen = cells.get(name, Seen())
                left = (*(cid for cid in seen.standing if cid not in one.replaces), mate.id)
                typed = Seen(one.value, mate.id, one.observed_on, left)
                cells[name] = typed if one.counts else seen._replace(value=one.value)
            cells.update({on: Seen(text) for on, text in mate.dates.items()})
        return cells

    def wrote(self, fact):
        if fact.id not in self.found:
            cells = self.screen(fact.first)
            self.found[fact.id] = {name: self.decide(fact, name, cells) for name in fact.typed}
        return self.found[fact.id]

    def decide(self, fact, name, cells):
        """Whether a value was a write, and what it replaced; if not, what its author leant on."""
        (kind, on), text, seen = fact.rule(name), fact.typed[name], cells.get(name, Seen())
        brought, shown_on = fact.dates.get(on), day(seen.observed_on)
        if fact.op == "resolve":
            last = max((stamp for _, stamp in fact.listed(name)), default=fact.stamp)[:10]
            last = max((on for on, stamp in fact.listed(name) if day(on, stamp)), default=last)
            return Wrote(text, True, fact.lists, (brought or last) if on else None)
        born = (on and (brought or seen.observed_on or cells.get(on, Seen()).value)) or None
        moved = text and brought and (day(brought) or brought) != (shown_on or seen.observed_on)
        equal = measure(text, kind) == measure(seen.value or "0" * ("/" in name), kind)
        quiet = name in fact.hidden or kind in ("latest", "first", "max", "min")
        one = (seen.source,) if seen.source else ()
        if (quiet and name in fact.blank) or (equal and not moved):
            return Wrote(text, False, one, seen.observed_on)
        newer = (own := day(born, fact.first.stamp)) and own >= (shown_on or own)
        shown = {"review": one, "first": (), "latest": one if newer else ()}
        return Wrote(text, True, shown.get(kind, seen.standing), born)

    def meant(self, name, ids):
        """All that goes with `ids`: what their authors leant on, and edits that say the same."""
        found = set(ids)
        for fact in (self.facts[cid] for cid in ids if cid in self.facts):
            one = self.wrote(fact).get(name, Wrote("", False, (), None))
            found |= set() if one.counts else self.meant(name, one.replaces)
            for heir in self.last_edits(fact) if one.counts else ():
                other = self.wrote(heir).get(name, one._replace(counts=False))
                found |= {heir.id} if other.counts and other[::3] == one[::3] else set()
        return found

    def answer(self, rule):
        """What the record shows, what stands, the questions, the deletes, status and version."""
        each = [(f, n, one) for f in self.counted for n, one in self.wrote(f).items() if one.counts]
        gone = {(n, to) for f, n, one in each for to in self.meant(n, one.replaces) - {f.id}}
        standing = defaultdict(list)
        for fact, name, one in each:
            if (name, fact.id) not in gone:
                on, of = one.observed_on, fact.first
                write = (fact.id, one.value, of.stamp, day(on, of.stamp), on, fact.op == "resolve")
                standing[name].append(Stands((of.order_time, fact.id), *write))
        ended = {cid for fact in self.counted for cid in fact.ends}
        deletes = [one for one in self.counted if one.removes is not None and one.id not in ended]
        pairs = {pair for delete in deletes for pair in delete.removes}
        covered = {(name, to) for name, cid in pairs for to in self.meant(name, [cid])}
        deletes = {one.id for one in deletes}
        ids = {name: {one.id for one in ones} for name, ones in standing.items()}
        alive = {cid for name, some in ids.items() for cid in some if (name, cid) not in covered}
        read = {name: reading(rule(name)[0], sorted(ones)) for name, ones in standing.items()}
        asked = {name: asked for name, (_, asked) in read.items() if asked}
        asked.update({"delete": deletes | alive} if deletes and alive else {})
        status = "active" if not deletes else "disputed" if alive else "deleted"
        values = {name: one.value if one else "" for name, (one, _) in read.items()}
        dated = [(one.observed_on or "", rule(name)[1]) for name, (one, _) in read.items() if one]
        values.update({name: on for on, name in sorted(dated)})
        version = sum(fact.op not in ("delete", "restore") for fact in self.facts.values())
        return values, ids, asked, deletes, status, version
