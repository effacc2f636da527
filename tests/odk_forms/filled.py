"""Forms of a child and of a house, and submissions of them."""

from odk_forms.convert import to_xform
from odk_forms.instance import read
from odk_forms.xform import read as read_form

SITI = "0b2c5f0a-9a0e-4a57-8f0e-0d6a3c1e2b4d"
BUDI = "1c3d6f0a-9a0e-4a57-8f0e-0d6a3c1e2b4d"
BRANCH = "77777777-9a0e-4a57-8f0e-0d6a3c1e2b4d"


def form(*sheets: str):
    table = "\n".join(("| settings |", "| | form_id | form_title |", "| | f | F |", *sheets))
    return read_form(to_xform(table.encode(), "f.md", validate=False).xml)


QUESTIONS = """
| survey |
|        | type        | name    | label | save_to |
|        | end         | selesai |       |         |
|        | text        | anak    | Anak  |         |
|        | text        | nama    | Nama  | nama    |
|        | decimal     | bb      | Berat | bb      |
|        | image       | foto    | Foto  |         |
|        | audit       | audit   |       |         |
"""
UPSERT = form(
    QUESTIONS,
    "| entities |",
    "| | list_name | label | entity_id | create_if | update_if |",
    "| | anak | ${nama} | ${anak} | ${anak} = '' | ${anak} != '' |",
)
CREATE = form(QUESTIONS, "| entities |", "| | list_name | label |", "| | anak | ${nama} |")
UPDATE = form(QUESTIONS, "| entities |", "| | list_name | entity_id |", "| | anak | ${anak} |")
HOUSE = form(
    """
    | survey |
    |        | type         | name   | label  | save_to      |
    |        | text         | alamat | Alamat | rumah#alamat |
    |        | begin_repeat | anak   | Anak   |              |
    |        | text         | nama   | Nama   | anak#nama    |
    |        | begin_group  | dalam  | Dalam  |              |
    |        | image        | foto   | Foto   |              |
    |        | text         | nik    | NIK    | anak#nik     |
    |        | end_group    |        |        |              |
    |        | end_repeat   |        |        |              |
    | entities |
    |        | list_name | label     |
    |        | rumah     | ${alamat} |
    |        | anak      | ${nama}   |
    """
)


def entity(attributes: str, *, label: str | None = "Siti", dataset: str = "anak") -> str:
    inside = "" if label is None else f"<label>{label}</label>"
    return f'<entity dataset="{dataset}" {attributes}>{inside}</entity>'


def submission(meta: str, answers: str = "<nama>Siti</nama><bb>9.1</bb>"):
    instance_id = "<instanceID>uuid:i1</instanceID>"
    return read(f'<data id="f">{answers}<meta>{meta}{instance_id}</meta></data>'.encode())


def house(*children: str, mother: str = "") -> str:
    mother = mother or entity(f'create="1" id="{BRANCH}"', dataset="rumah", label="Melati 5")
    return f"""<data id="f"><alamat>Melati 5</alamat>{"".join(children)}
      <meta>{mother}<instanceID>uuid:i1</instanceID></meta></data>"""


def a_child(entity_id: str, name: str, nik: str) -> str:
    return f"""<anak><nama>{name}</nama><dalam><foto>{name}.jpg</foto><nik>{nik}</nik></dalam>
      <meta>{entity(f'create="1" id="{entity_id}"', label=name)}</meta></anak>"""
