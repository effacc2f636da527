"""Small forms for phones under test."""

VISIT = """
| settings |
|          | form_title | form_id | version |
|          | Kunjungan  | visit   | 1       |
| entities |
|          | list_name | label   | entity_id | create_if    | update_if     |
|          | anak      | ${nama} | ${anak}   | ${anak} = '' | ${anak} != '' |
| survey   |
|          | type                          | name   | label  | relevant       | save_to |
|          | start                         | mulai  |
|          | end                           | akhir  |
|          | today                         | hari   |
|          | deviceid                      | hp     |
|          | select_one_from_file anak.csv | anak   | Anak   |                |         |
|          | text                          | nama   | Nama   |                | nama    |
|          | begin_group                   | ukur   | Ukur   | ${nama} != 'x' |         |
|          | decimal                       | berat  | Berat  |                | berat   |
|          | decimal                       | tinggi | Tinggi | ${berat} > 0   | tinggi  |
|          | image                         | foto   | Foto   |                |         |
|          | end_group                     |        |
"""
