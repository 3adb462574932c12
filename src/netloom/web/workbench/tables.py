"""
Tables: which page of a table is asked for, in which order.

What the address does not say is taken from the cookie `layout`, which a page writes when its
reader sorts or groups a table or opens a tab, so that it is found again as it was left.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request

from netloom.store import SORTS
from netloom.web.site import Site
from netloom.web.workbench.parts import GroupBar, JobRow, Table
from netloom.web.workbench.rows import job_rows

PAGE = 50  # rows of a table
LONGEST_PAGE = 500
LONGEST_LAYOUT = 2000  # characters of the cookie
SORT_NAMES = {"submitted": "created"}
STATUSES = ("D", "A", "E")


def asked_for(request: Request) -> dict[str, str]:
    """Return what the address says of tab and tables, filled up from what was remembered."""
    cookie = unquote(request.cookies.get("layout", "")[:LONGEST_LAYOUT])
    return {**dict(parse_qsl(cookie)), **dict(request.query_params)}


@dataclass(frozen=True)
class _Asked:
    """What of a table is asked for; what could not be read has its default."""

    text: str
    status: str  # a letter, or ""
    sort: str
    then: str  # the second key, or ""
    descending: bool
    then_descending: bool
    grouped: bool
    offset: int
    limit: int

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        status, then = given.get("status", ""), _sort(given.get("then", ""))
        sort = _sort(given.get("sort", "")) or "submitted"
        return cls(
            text=given.get("text", "").replace("\0", "").strip(),
            status=status if status in STATUSES else "",
            sort=sort,
            then="" if then == sort else then,
            descending=given.get("order") != "asc",
            then_descending=given.get("then_order") != "asc",
            grouped=given.get("grouped") == "1",
            offset=_number(given, "offset", 0, 10**9),
            limit=max(1, _number(given, "limit", PAGE, LONGEST_PAGE)),
        )

    @property
    def filters(self) -> dict[str, Any]:
        """What the store is asked to leave out."""
        return {"status": self.status or None, "text": self.text, "running": False}

    @property
    def order(self) -> dict[str, Any]:
        """In which order the store is asked for the jobs."""
        return {
            "sort": SORT_NAMES.get(self.sort, self.sort),
            "descending": self.descending,
            "then": (SORT_NAMES.get(self.then, self.then), self.then_descending)
            if self.then
            else None,
            "by_group": self.grouped,
        }


def table(request: Request, site: Site, kind: str, user: str, *, shown: bool = True) -> Table:
    """Return the page of a table that is asked for; what cannot be read is left aside.

    A table that is not shown has its figures but no rows.
    """
    name = f"{kind}s"
    start = f"{name}_"
    values = asked_for(request).items()
    asked = _Asked.read({k.removeprefix(start): v for k, v in values if k.startswith(start)})
    limit = asked.limit if shown else 0
    jobs, total = site.store.jobs(
        kind=kind, **asked.filters, **asked.order, offset=asked.offset, limit=limit
    )
    rows = job_rows(site.store, jobs, user) if shown else ()
    counts = site.store.count_groups(kind, **asked.filters) if asked.grouped and rows else {}
    return Table(
        name=name,
        rows=rows,
        total=total,
        groups=_bars(rows, counts) if asked.grouped else (GroupBar(name="", jobs=0, rows=rows),),
        columns=tuple(sorted({column for row in rows for column in row.outputs})),
        **dataclasses.asdict(asked),
    )


def _sort(word: str) -> str:
    return word if SORT_NAMES.get(word, word) in SORTS else ""


def _number(given: Mapping[str, str], word: str, default: int, most: int) -> int:
    text = given.get(word, "")
    return min(int(text), most) if text.isdecimal() and len(text) < 10 else default


def _bars(rows: tuple[JobRow, ...], counts: Mapping[str, int]) -> tuple[GroupBar, ...]:
    """Return the rows by their groups, in the order in which these come."""
    names = dict.fromkeys(row.group for row in rows)
    return tuple(
        GroupBar(
            name=name,
            jobs=counts.get(name, 0),
            rows=tuple(row for row in rows if row.group == name),
        )
        for name in names
    )
