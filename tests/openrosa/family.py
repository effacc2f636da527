"""One visit to a family: a house, its mother, and every child of it an entity of its own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cache

from sync_server.publishing import publish
from tests.publish.desk import checked
from tests.scenarios.posyandu import Village

VISIT = """
| settings |
| | form_id  | form_title | version |
| | keluarga | Keluarga   | 1       |
| survey |
| | type         | name   | label  | save_to      |
| | text         | alamat | Alamat | rumah#alamat |
| | begin_group  | ibu    | Ibu    |              |
| | text         | nama_ibu | Nama | ibu#nama     |
| | end_group    |        |        |              |
| | begin_repeat | anak   | Anak   |              |
| | text         | nama   | Nama   | anak#nama    |
| | begin_group  | ukur   | Ukur   |              |
| | text         | rt     | RT     | anak#rt      |
| | text         | di     | Di     | anak#posyandu |
| | end_group    |        |        |              |
| | select_one_from_file anak.csv | dipilih | Yang mana | |
| | end_repeat   |        |        |              |
| entities |
| | list_name | label     | entity_id  | create_if       | update_if       |
| | rumah     | ${alamat} |            |                 |                 |
| | ibu       | ${nama_ibu} |            |                 |                 |
| | anak      | ${nama}   | coalesce(${dipilih}, uuid()) | ${dipilih} = '' | ${dipilih} != '' |
"""


@cache
def _form() -> publish.Checked:
    return checked(VISIT)


def publish_visit(village: Village) -> None:
    with village.app.app_context():
        publish.publish_checked(village.project.id, _form(), by=village.admin, clock=village.clock)


def visit(house: str, mother: str, children: Sequence[str]) -> bytes:
    """A filled form; `children` are repeats made by `child`."""
    return (
        "<data id='keluarga' version='1'><alamat>Melati 5</alamat>"
        f"<ibu><nama_ibu>Ani</nama_ibu><meta>{block('ibu', mother, CREATE, 'Ani')}</meta></ibu>"
        f"{''.join(children)}<meta>{block('rumah', house, CREATE, 'Melati 5')}"
        f"<instanceID>uuid:{uuid.uuid4()}</instanceID></meta></data>"
    ).encode()


CREATE = "create='1' update='0' baseVersion='' trunkVersion='' branchId=''"


def child(entity: str, asked: str = CREATE, /, **values: str) -> str:
    """One repeat. What is not given is not in the XML."""

    def node(name: str) -> str:
        return f"<{name}>{values[name]}</{name}>" if name in values else ""

    label = values.get("nama", "")
    return (
        f"<anak>{node('nama')}<ukur>{node('rt')}{node('di')}</ukur>"
        f"<meta>{block('anak', entity, asked, label)}</meta></anak>"
    )


def block(dataset: str, entity: str, asked: str, label: str) -> str:
    return f"<entity dataset='{dataset}' id='{entity}' {asked}><label>{label}</label></entity>"
