"""Installing a form pack into a project: its lists, who sees what of them, its forms."""

from __future__ import annotations

from dataclasses import dataclass

from conflict.areas import Rule
from odk_forms.packs import Pack, PackList
from sync_server.accounts.devices import add_actor_property
from sync_server.clock import Clock
from sync_server.db import read_transaction
from sync_server.publishing.lists import Declared, add_missing, set_access_filter
from sync_server.publishing.publish import Published, publish
from sync_server.stores.lists import load_lists
from sync_server.stores.projects import list_actor_properties


@dataclass(frozen=True, slots=True)
class Installed:
    """What installing a pack did; all of it empty, and its forms unchanged, the second time."""

    actor_properties: tuple[str, ...]
    lists: tuple[str, ...]
    filters: tuple[str, ...]
    forms: tuple[Published, ...]


def install_pack(project_id: int, pack: Pack, *, by: int | None, clock: Clock) -> Installed:
    """Put a pack into a project. Running it again adds what is missing and changes nothing else.

    A policy or an access filter that was chosen in the project stays as it was chosen.
    Errors    those of publishing a form.
    """
    with read_transaction() as connection:
        borne = list_actor_properties(connection, project_id)
    new = tuple(name for name in pack.actor_properties if name not in borne)
    for name in new:
        add_actor_property(project_id, name, by=by, clock=clock)
    wanted = {name: _declared(one) for name, one in pack.lists.items()}
    altered = add_missing(project_id, wanted, by=by, clock=clock)
    filters = _filter(project_id, pack, by=by, clock=clock)
    forms = tuple(
        publish(project_id, text.encode(), name, by=by, clock=clock)
        for name, text in pack.forms.items()
    )
    return Installed(new, altered, filters, forms)


def _declared(wanted: PackList) -> Declared:
    return {one.name: (one.policy, one.phone) for one in wanted.properties}


def _filter(project_id: int, pack: Pack, *, by: int | None, clock: Clock) -> tuple[str, ...]:
    """Give the lists that have none their access filters; the lists that got one."""
    with read_transaction() as connection:
        lists = load_lists(connection, project_id)
    unfiltered = tuple(n for n, one in pack.lists.items() if one.access and not lists[n].rules)
    for name in unfiltered:
        access = pack.lists[name].access
        rules = [Rule(one.property_name, one.actor_property) for one in access]
        set_access_filter(project_id, name, rules, by=by, clock=clock)
    return unfiltered
