"""The language of a page, and what is said in it: translations, times, sizes.

Texts are English in the code. Their translations are read from `.po` files when the app
starts: there is no compiled file to forget.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale, gettext
from markupsafe import Markup

from sync_server.clock import moment
from sync_server.context import context

LANGUAGES: Mapping[str, str] = {"id": "Bahasa Indonesia", "en": "English"}
SOURCE = "en"
LANGUAGE_COOKIE = "simpul_lang"
_JUST_NOW = timedelta(minutes=2)
CATALOGUES = Path(__file__).parent.parent / "translations"


def register(app: Flask) -> None:
    """Let pages speak the languages there are, Indonesian first."""
    settings = app.extensions["simpul"].settings
    babel = Babel()
    babel.init_app(
        app,
        default_locale=settings.language,
        default_timezone=settings.timezone,
        locale_selector=language,
    )
    babel.domain_instance = Catalogues()
    app.jinja_env.filters.update(when=when, lately=lately, day=day, ago=ago, size=size, span=span)


def language() -> str:
    """The language of this request: asked for, chosen before, the person's, the server's."""
    person = g.get("person")
    wanted = (
        request.args.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        person.language if person else None,
    )
    return next((one for one in wanted if one in LANGUAGES), None) or context().settings.language


class Catalogues(Domain):  # type: ignore[misc]
    """Translations read from `.po` files, once for a process."""

    def get_translations(self) -> NullTranslations:
        return catalogue(str(get_locale() or SOURCE))


@cache
def catalogue(wanted: str) -> NullTranslations:
    """The translations into one language; what has none is said as in the code."""
    path = CATALOGUES / wanted / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as source:
        messages = read_po(source, locale=wanted)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


def _local(instant: str) -> datetime:
    return moment(instant).astimezone(ZoneInfo(context().settings.timezone))


def when(instant: str | None) -> Markup:
    """An instant as people read it here: "21 Nov 2026 10.00"."""
    return Markup("–") if instant is None else _timed(instant, _exactly(instant))


def lately(instant: str | None) -> Markup:
    """An instant as people say it: "hari ini 10.00", "kemarin 18.40", "19 Nov 2026 08.15"."""
    if instant is None:
        return Markup("–")
    today = _local(context().clock.now().isoformat()).date()
    days = (today - _local(instant).date()).days
    time = _exactly(instant, "")
    said = {0: gettext("today %(time)s", time=time), 1: gettext("yesterday %(time)s", time=time)}
    return _timed(instant, said.get(days) or _exactly(instant))


def _exactly(instant: str, date: str = "d MMM y ") -> str:
    pattern = date + ("HH.mm" if language() == "id" else "HH:mm")
    return str(format_datetime(_local(instant), pattern, locale=language()))


def _timed(instant: str, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(instant, text)


def day(text: str | None) -> Markup:
    """A date as people read it: "21 Nov 2026"; what is no date, as it is."""
    if not text:
        return Markup("–")
    try:
        date = datetime.fromisoformat(text[:10]).date()
    except ValueError:
        return Markup("{}").format(text)
    said = format_date(date, "d MMM y", locale=language())
    return Markup('<time datetime="{}">{}</time>').format(text[:10], said)


def ago(instant: str | None) -> Markup:
    """How long since an instant, with the instant itself to hover over."""
    if instant is None:
        return Markup("–")
    past = moment(instant) - context().clock.now()
    text = gettext("just now")
    if past <= -timedelta(days=1):  # counted in days: "3 weeks" hides how late somebody is
        text = format_timedelta(
            past, "day", threshold=10_000, add_direction=True, locale=language()
        )
    elif past < -_JUST_NOW:
        text = format_timedelta(past, add_direction=True, locale=language())
    text = text.replace(" yang lalu", " lalu")  # CLDR's Indonesian is long for a table
    exact = format_datetime(_local(instant), "d MMM y HH.mm", locale=language())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(instant, exact, text)


def span(seconds: int) -> str:
    """A time as people count it: "2 hari"."""
    return format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=language())


def size(count: int) -> str:
    """Bytes as people count them: "1,2 MB"."""
    if count < 1000:
        return f"{count} B"
    number, unit = (count / 1000, "kB") if count < 1_000_000 else (count / 1_000_000, "MB")
    text = f"{number:.0f}" if number >= 100 else f"{number:.1f}"
    return f"{text.replace('.', ',') if language() == 'id' else text} {unit}"
