"""What a phone is told, in Indonesian first: one short sentence per kind of refusal."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as NoSuchPath

from sync_server.context import context
from sync_server.errors import (
    DraftGone,
    MayNotFill,
    MissingXmlPart,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StoreBusy,
    SyncError,
    TooLarge,
    TooManyTries,
    UnreadableBody,
    UnreadableDraft,
    WrongPassword,
)

_NOT_HERE = ("Tidak ditemukan di server ini.", "Not found on this server.")
_WHO = (
    "Nama pengguna atau kata sandi tidak cocok.",
    "The user name and the password do not fit.",
)
_WORDS: dict[type[Exception], tuple[str, str]] = {
    NotAllowed: (
        "HP ini tidak terdaftar lagi. Minta kartu QR baru kepada petugas.",
        "This phone is not registered any more. Ask for a new QR card.",
    ),
    MayNotFill: (
        "Akun ini tidak punya peran untuk mengisi formulir proyek ini.",
        "This account has no part in the forms of this project.",
    ),
    NotAuthenticated: _WHO,
    WrongPassword: _WHO,
    TooManyTries: (
        "Terlalu banyak kata sandi yang salah. Tunggu sebentar, lalu coba lagi.",
        "Too many wrong passwords. Wait a little, then try again.",
    ),
    DraftGone: (
        "Formulir uji coba ini sudah diterbitkan atau dihapus. Hapus proyek uji coba ini dari HP.",
        "This draft was published or deleted. Delete this test project from the phone.",
    ),
    NotFound: _NOT_HERE,
    NoSuchPath: _NOT_HERE,
    MissingXmlPart: (
        "Kiriman tidak lengkap: isi formulirnya tidak ada. Coba kirim lagi.",
        "The submission came without its form. Please send it again.",
    ),
    UnreadableBody: (
        "Isi formulir tidak terbaca, tetapi sudah disimpan. Beri tahu petugas.",
        "The form could not be read, but it is kept. Please tell your supervisor.",
    ),
    UnreadableDraft: ("Isi formulir uji coba tidak terbaca.", "The draft could not be read."),
    TooLarge: ("Kiriman terlalu besar.", "The submission is too large."),
    RequestEntityTooLarge: ("Kiriman terlalu besar.", "The submission is too large."),
    StoreBusy: (
        "Server sedang sibuk. Data tetap aman di HP; coba lagi sebentar lagi.",
        "The server is busy. Your data is safe on the phone; try again in a moment.",
    ),
}
_OF_STATUS: dict[int, type[Exception]] = {
    401: NotAuthenticated,
    403: MayNotFill,
    404: NotFound,
    413: TooLarge,
    429: TooManyTries,
    503: StoreBusy,
}
_ANY_REFUSAL = ("Permintaan tidak dapat dilayani.", "The request cannot be served.")
_OUR_FAULT = (
    "Ada gangguan di server. Data tetap aman di HP; coba lagi nanti.",
    "Something went wrong on the server. Your data is safe on the phone; try again later.",
)


def say(exc: Exception) -> str:
    """The sentence for a refusal, in the server's language."""
    known = next((_WORDS[kind] for kind in type(exc).__mro__ if kind in _WORDS), None)
    refused = isinstance(exc, SyncError | HTTPException)
    return _chosen(known or (_ANY_REFUSAL if refused else _OUR_FAULT))


def say_status(status: int) -> str:
    """The sentence for a refusal of which only the HTTP status is known."""
    kind = _OF_STATUS.get(status)
    if kind is not None:
        return _chosen(_WORDS[kind])
    return _chosen(_ANY_REFUSAL if status < 500 else _OUR_FAULT)


KEPT_FOR_A_PERSON = (
    "Kiriman tersimpan. Ada yang perlu dicek petugas.",
    "Saved. Something in it needs a supervisor's look.",
)


def kept_for_a_person() -> str:
    """What a phone shows when its form is safe but in quarantine."""
    return _chosen(KEPT_FOR_A_PERSON)


def _chosen(words: tuple[str, str]) -> str:
    return words[0] if context().settings.language == "id" else words[1]
