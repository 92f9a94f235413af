# SPDX-License-Identifier: Apache-2.0
"""Times as people read them: in the city's own zone, with its name; UTC beside it where law turns on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements.language.words import SPOKEN

CITY_ZONE = ZoneInfo("America/New_York")

_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
}
# No line ends inside "a. m.".
_HALVES = {"en": ("AM", "PM"), "es": ("a.\N{NO-BREAK SPACE}m.", "p.\N{NO-BREAK SPACE}m.")}
_UNITS = {
    "en": {
        "y": ("year", "years"),
        "d": ("day", "days"),
        "h": ("h", "h"),
        "m": ("min", "min"),
        "s": ("s", "s"),
    },
    "es": {"y": ("año", "años"), "d": ("día", "días"), "h": ("h", "h"), "m": ("min", "min"), "s": ("s", "s")},
}


def day(value: date, lang: str = "en") -> str:
    """`Nov 21, 2026`, or `21 de noviembre de 2026`."""
    return SPOKEN[lang].day(value) if lang == "es" else short_day(value, lang)


def short_day(value: date, lang: str) -> str:
    """`Nov 21, 2026`, or `21 nov 2026`: where there is no room."""
    month = _MONTHS[lang][value.month - 1]
    return f"{value.day} {month} {value.year}" if lang == "es" else f"{month} {value.day}, {value.year}"


def local(value: datetime, lang: str = "en", *, seconds: bool = False) -> str:
    """`Nov 21, 2026, 8:14 PM EST`: the city's wall clock, always with the zone's name."""
    here = value.astimezone(CITY_ZONE)
    return f"{day(here.date(), lang)}, {clock(here, lang, seconds=seconds)}"


def utc(value: datetime) -> str:
    """`2026-11-22 01:14:00 UTC`."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine(value: datetime) -> str:
    """RFC 3339 in UTC, for `<time datetime>`."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def span(value: timedelta, lang: str = "en") -> str:
    """A length of time as one would say it: `31 h 12 min`, `12 days 4 h`, `365 days`, `8 years`.

    The sign is dropped. `openpars.js` counts down in the same words.
    """
    left = abs(int(value.total_seconds()))
    days = left // 86_400
    parts: tuple[tuple[str, int], ...]
    if days >= 731:
        parts = (("y", days * 4 // 1461),)
    elif days >= 60:
        parts = (("d", days),)
    elif days >= 3:
        parts = (("d", days), ("h", left // 3600 % 24))
    elif left >= 3600:
        parts = (("h", left // 3600), ("m", left // 60 % 60))
    elif left >= 60:
        parts = (("m", left // 60), ("s", left % 60))
    else:
        parts = (("s", left),)
    shown = [(unit, n) for place, (unit, n) in enumerate(parts) if n or not place]
    return " ".join(f"{n} {_UNITS[lang][unit][0 if n == 1 else 1]}" for unit, n in shown)


def age(born: date, at: date) -> int:
    """Whole years."""
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def clock(value: datetime, lang: str, *, seconds: bool) -> str:
    """The time of day of an instant in its own zone, with its name: `8:14 PM EST`, `8:14 p. m. EST`."""
    hour = value.hour % 12 or 12
    tail = f":{value.second:02d}" if seconds else ""
    half = _HALVES[lang][value.hour >= 12]
    return f"{hour}:{value.minute:02d}{tail} {half} {value.tzname()}"
