"""A form with every type of question, and one that shows again all that was answered there."""

from __future__ import annotations

from functools import cache

from sync_server.publishing import publish
from tests.publish.desk import checked

EVERY_TYPE = """
| settings |
| | form_id | form_title | version | instance_name |
| | semua   | Semua      | 1       | concat('Semua ', ${nama}) |
| choices |
| | list_name | name | label |
| | rasa      | asin | Asin  |
| | rasa      | asam | Asam  |
| | rasa      | pahit | Pahit |
| survey |
| | type | name | label | save_to | calculation | relevant | appearance | parameters | default | \
repeat_count |
| | start | mulai | | mulai | | | | | |
| | end | selesai | | selesai | | | | | |
| | today | hari | | hari | | | | | |
| | deviceid | hp | | hp | | | | | |
| | username | pengguna | | pengguna | | | | | |
| | phonenumber | telepon | | telepon | | | | | |
| | email | surel | | surel | | | | | |
| | audit | audit | | | | | | | |
| | background-audio | rekaman | | | | | | | |
| | csv-external | harga | | | | | | | |
| | text | nama | Nama | nama | | | | | |
| | text | catatan | Catatan | catatan | | | multiline | | |
| | text | panjang | Panjang | panjang | | | | | |
| | text | angka | Angka | angka | | | numbers | | |
| | integer | bulat | Bulat | bulat | | | | | |
| | decimal | desimal | Desimal | ukuran.desimal | | | | | |
| | range | rentang | Rentang | rentang | | | | start=0 end=10 step=0.5 | |
| | select_one rasa | satu | Satu | satu | | | | | |
| | select_multiple rasa | banyak | Banyak | banyak | | | | | |
| | select_one rasa or_other | lain | Lain | lain | | | | | |
| | select_one_from_file semua_hal.csv | dari | Dari | dari | | | | | |
| | select_multiple_from_file semua_hal.csv | dari_banyak | Dari | dari_banyak | | | | | |
| | rank rasa | urut | Urut | urut | | | | | |
| | date | tanggal | Tanggal | tanggal | | | | | |
| | date | bulan | Bulan | bulan | | | month-year | | |
| | time | jam | Jam | jam | | | | | |
| | dateTime | saat | Saat | saat | | | | | |
| | geopoint | titik | Titik | titik | | | | | |
| | geotrace | jalan | Jalan | jalan | | | | | |
| | geoshape | luas | Luas | luas | | | | | |
| | barcode | kode | Kode | kode | | | | | |
| | acknowledge | setuju | Setuju | setuju | | | | | |
| | image | foto | Foto | foto | | | | | |
| | image | tanda | Tanda | tanda | | | signature | | |
| | audio | suara | Suara | suara | | | | | |
| | video | film | Film | film | | | | | |
| | file | berkas | Berkas | berkas | | | | | |
| | note | pesan | Baca: ${nama} | | | | | | |
| | calculate | hitung | | hitung | ${bulat} * 2 | | | | |
| | calculate | rupiah | | rupiah | instance('harga')/root/item[kode='susu']/rp | | | | |
| | hidden | diam | | diam | | | | | rahasia |
| | text | tak_ada | Tak ada | tak_ada | | ${bulat} = 0 | | | |
| | begin_group | kelompok | Kelompok | | | | field-list | | |
| | begin_group | dalam | Dalam | | | | | | |
| | text | terdalam | Terdalam | terdalam | | | | | |
| | end_group | | | | | | | | |
| | end_group | | | | | | | | |
| | begin_group | tertutup | Tertutup | | | ${bulat} = 0 | | | |
| | text | tersembunyi | Tersembunyi | tersembunyi | | | | | |
| | end_group | | | | | | | | |
| | begin_repeat | ulang | Ulang | | | | | | |
| | text | isi | Isi | | | | | | |
| | end_repeat | | | | | | | | |
| | calculate | semua_isi | | semua_isi | join(' ', ${isi}) | | | | |
| | begin_repeat | hitungan | Hitungan | | | | | | 2 |
| | integer | nomor | Nomor | | | | | | |
| | end_repeat | | | | | | | | |
| | calculate | jumlah | | jumlah | sum(${nomor}) | | | | |
| entities |
| | list_name | label |
| | semua_hal | ${nama} |
"""


PRICES = b"kode,rp\nteh,5000\nsusu,12500\n"


@cache
def every_type() -> publish.Checked:
    """As it is published in earnest, ODK Validate and all: once for the tests of a process."""
    return publish.check(EVERY_TYPE.encode(), "semua.md")


@cache
def shown_again() -> publish.Checked:
    """Every property of the list, calculated from the phone's copy and saved once more."""
    [binding] = every_type().definition.entities
    rows = "".join(
        f"| | calculate | f{number} | | {name} | instance('semua_hal')/root/item"
        f"[name=${{hal}}]/{name} |\n"
        for number, name in enumerate(binding.saves)
    )
    return checked(
        "| settings |\n| | form_id | form_title | version |\n| | ubah | Ubah | 1 |\n"
        "| survey |\n| | type | name | label | save_to | calculation |\n"
        f"| | select_one_from_file semua_hal.csv | hal | Hal | | |\n{rows}"
        "| entities |\n| | list_name | label | entity_id | create_if | update_if |\n"
        "| | semua_hal | if(${hal} = '', concat('Baru ', today()), '') | coalesce(${hal}, uuid()) "
        "| ${hal} = '' | ${hal} != '' |\n"
    )
