"""How figures read on a page: the filters of the templates."""

from __future__ import annotations

import base64
import time

from markupsafe import Markup

MINUTE, HOUR, DAY = 60, 3600, 86400


def moment(when: float) -> Markup:
    """Return a time of today as "14:05", an earlier one as "3 Feb 2026"; the whole as tooltip."""
    local = time.localtime(when)
    today = time.localtime()[:3] == local[:3]
    shown = time.strftime("%H:%M", local) if today else day(when)
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    full = time.strftime("%Y-%m-%d %H:%M:%S", local)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, full, shown)


def day(when: float) -> str:
    """Return a date as "3 Feb 2026"."""
    local = time.localtime(when)
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{local.tm_mday} {months[local.tm_mon - 1]} {local.tm_year}"


def clock(when: float) -> str:
    """Return the time of day with seconds."""
    return time.strftime("%H:%M:%S", time.localtime(when))


def duration(seconds: float) -> str:
    """Return a span in its two largest units: "2 h 5 min", "41 s"."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def figure(value: float) -> str:
    """Return a measured value with four digits that count: "0.03249", "12,346"."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def percent(value: float) -> str:
    """Return a share given in percent."""
    return f"{value:.2f} %"


def count(value: int) -> str:
    """Return a whole number with thousands separated."""
    return f"{value:,}"


def size(value: float) -> str:
    """Return a number of bytes: "3.4 MB"."""
    units = ("B", "kB", "MB", "GB", "TB")
    for unit in units:
        if value < 1000 or unit == units[-1]:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def data_url(image: bytes) -> str:
    """Return a PNG or JPEG file as an address that holds it."""
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


FILTERS = {
    "moment": moment,
    "day": day,
    "clock": clock,
    "duration": duration,
    "figure": figure,
    "percent": percent,
    "count": count,
    "size": size,
}
