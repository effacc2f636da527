"""Settings for ODK Collect, and the QR code that carries them onto a phone.

Source: openrosa.md section 7. Importing wipes every setting of the project on the
phone, so all that we mean is always in the code, and nothing else: a cheap camera
reads about 1.5 kB.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Mapping
from typing import Any

import segno

_LOCKED = {
    "change_server": False,
    "form_update_mode": False,
    "periodic_form_updates_check": False,
    "change_autosend": False,
}
"""What only the admin password opens: a phone whose sync was turned off is a silent one."""


def settings(
    *,
    server_url: str,
    project_name: str,
    color: str,
    icon: str,
    username: str = "",
    admin_password: str | None = None,
) -> dict[str, Any]:
    """Collect's settings for one device. `server_url` must stay the same for life.

    Collect tells projects apart by the exact pair of server_url and username. Its
    code for Indonesian is "in".
    """
    general: dict[str, Any] = {
        "server_url": server_url,
        "form_update_mode": "match_exactly",
        "periodic_form_updates_check": "every_fifteen_minutes",
        "autosend": "wifi_and_cellular",
        "app_language": "in",
        "image_size": "small",
    }
    if username:
        general["username"] = username
    admin: dict[str, Any] = {}
    if admin_password:
        admin = {**_LOCKED, "admin_pw": admin_password}
    return {
        "general": general,
        "admin": admin,
        "project": {"name": project_name, "icon": icon, "color": color},
    }


def qr_text(wanted: Mapping[str, Any]) -> str:
    """The text of the QR code: base64 of zlib of compact JSON; the same for the same settings."""
    plain = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(plain.encode(), 9)).decode("ascii")


def qr_svg(text: str, *, whole_file: bool = False) -> str:
    """The code as an `<svg>` to put into a page, or as a file of its own."""
    if not whole_file:
        return str(_code(text).svg_inline(scale=4, border=4, light="white", omitsize=True))
    buffer = io.BytesIO()
    _code(text).save(buffer, kind="svg", scale=4, border=4, light="white")
    return buffer.getvalue().decode()


def qr_png(text: str) -> bytes:
    """The code as a PNG, black on white, for printing."""
    buffer = io.BytesIO()
    _code(text).save(buffer, kind="png", scale=8, border=4)
    return buffer.getvalue()


def _code(text: str) -> segno.QRCode:
    # The lowest level of error correction makes the fewest dots, and cards are clean.
    return segno.make(text, error="l", micro=False)
