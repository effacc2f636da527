"""Settings as Collect reads them out of a QR code."""

import base64
import json
import zlib

import pytest

from odk_forms.collect import qr_png, qr_svg, qr_text, settings


def some(**changed: str | None):
    values = {
        "server_url": "https://s.example/v1/key/" + "t" * 64 + "/projects/3",
        "project_name": "Posyandu Melati",
        "color": "#2b6cb0",
        "icon": "P",
    }
    return settings(**{**values, **changed})


def test_a_device_is_told_all_that_we_mean():
    wanted = some()

    assert wanted == {
        "general": {
            "server_url": "https://s.example/v1/key/" + "t" * 64 + "/projects/3",
            "form_update_mode": "match_exactly",
            "periodic_form_updates_check": "every_fifteen_minutes",
            "autosend": "wifi_and_cellular",
            "app_language": "in",
            "image_size": "small",
        },
        "admin": {},
        "project": {"name": "Posyandu Melati", "icon": "P", "color": "#2b6cb0"},
    }


def test_a_password_locks_what_would_silence_a_phone():
    admin = some(admin_password="rahasia")["admin"]

    assert admin == {
        "change_server": False,
        "form_update_mode": False,
        "periodic_form_updates_check": False,
        "change_autosend": False,
        "admin_pw": "rahasia",
    }


@pytest.mark.parametrize(("username", "there"), [("", False), ("kader", True)])
def test_a_username_only_when_there_is_one(username, there):
    assert ("username" in some(username=username)["general"]) is there


def test_the_code_is_base64_of_zlib_of_json():
    wanted = some(project_name="Posyandu Mawar 🌹")
    text = qr_text(wanted)

    assert json.loads(zlib.decompress(base64.b64decode(text, validate=True))) == wanted
    assert qr_text(wanted) == text
    assert len(text) < 1000


def test_the_largest_code_is_still_read_by_a_cheap_camera():
    wanted = some(
        server_url="https://sinkronisasi.dinkes.kabupaten-panjang.go.id/v1/key/"
        + "".join(chr(33 + 7 * n % 90) for n in range(64))
        + "/projects/1234567890",
        project_name="Posyandu Anggrek Bulan II Kelurahan Sukamaju Kecamatan Sukasari",
        admin_password="kata-sandi-petugas-puskesmas",
    )
    assert len(qr_text(wanted)) < 1500


def test_pictures_of_the_code():
    text = qr_text(some())

    assert qr_svg(text).startswith("<svg")
    assert qr_svg(text, whole_file=True).startswith("<?xml")
    assert qr_png(text).startswith(b"\x89PNG")
