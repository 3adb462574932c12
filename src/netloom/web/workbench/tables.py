"""
Tables: which page of a table is asked for, in which order.

What the address does not say is taken from the cookie `layout`, which a page writes when its
reader sorts or groups a table or opens a tab, so that it is found again as it was left.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def asked_for(request: Request) -> dict[str, str]:
    """Return what the address says of tab and tables, filled up from what was remembered."""
    cookie = unquote(request.cookies.get("layout", "")[:LONGEST_LAYOUT])
    return {**dict(parse_qsl(cookie)), **dict(request.query_params)}


def table(request: Request, site: Site, kind: str, user: str, *, shown: bool = True) -> Table:
    """Return the page of a table that is asked for; what cannot be read is left aside.

    A table that is not shown has its figures but no rows.
    """
    name = f"{kind}s"
    own = len(name) + 1
    given = {
        key[own:]: value for key, value in asked_for(request).items() if key.startswith(f"{name}_")
    }
    status = given.get("status", "")
    status = status if len(status) == 1 and status in "DAE" else ""
    text = given.get("text", "").replace("\0", "").strip()
    sort = _sort(given.get("sort", "")) or "submitted"
    then = _sort(given.get("then", ""))
    then = "" if then == sort else then
    descending, then_descending = given.get("order") != "asc", given.get("then_order") != "asc"
    grouped = given.get("grouped") == "1"
    limit = max(1, _number(given, "limit", PAGE, LONGEST_PAGE))
    offset = _number(given, "offset", 0, 10**9)
    jobs, total = site.store.jobs(
        kind=kind,
        status=status or None,
        text=text,
        sort=SORT_NAMES.get(sort, sort),
        descending=descending,
        then=(SORT_NAMES.get(then, then), then_descending) if then else None,
        by_group=grouped,
        offset=offset,
        limit=limit if shown else 0,
        running=False,
    )
    rows = job_rows(site.store, jobs, user) if shown else ()
    counts = {}
    if grouped and rows:
        counts = site.store.count_groups(kind, status=status or None, text=text, running=False)
    return Table(
        name=name,
        rows=rows,
        total=total,
        offset=offset,
        limit=limit,
        sort=sort,
        descending=descending,
        then=then,
        then_descending=then_descending,
        grouped=grouped,
        groups=_bars(rows, counts) if grouped else (GroupBar(name="", jobs=0, rows=rows),),
        text=text,
        status=status,
        columns=tuple(sorted({column for row in rows for column in row.outputs})),
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
