"""
Store: what is kept. Rows in a database, files in the data folder.

    store = open_store(Settings(data="/srv/netloom"))
    rows, total = store.jobs(kind="model", text="lenet", limit=20)

Each method is one short transaction; the rows it returns are detached and can be read
anywhere.
"""

from __future__ import annotations

from netloom.settings import Settings
from netloom.store.briefs import Brief, Briefs
from netloom.store.curves import Curve, Curves
from netloom.store.database import Database, is_passing
from netloom.store.events import Ending, Events
from netloom.store.files import DataFolder
from netloom.store.history import History
from netloom.store.jobs import Jobs
from netloom.store.leases import Leases
from netloom.store.listing import SORTS, Listing
from netloom.store.logs import Logs
from netloom.store.models import Models
from netloom.store.part import Fence
from netloom.store.queue import Queue
from netloom.store.records import Event, Job, Model, Resource, Snapshot, Step
from netloom.store.resources import Resources, summary
from netloom.store.snapshots import Snapshots
from netloom.store.status import Status
from netloom.store.steps import Process, Steps
from netloom.store.summaries import CurveSummary, Summaries, SummariesByName
from netloom.store.users import Users

__all__ = [
    "SORTS",
    "Brief",
    "Curve",
    "CurveSummary",
    "DataFolder",
    "Ending",
    "Event",
    "Fence",
    "Job",
    "Model",
    "Process",
    "Resource",
    "Snapshot",
    "Status",
    "Step",
    "Store",
    "SummariesByName",
    "is_passing",
    "open_store",
    "summary",
]


class Store(
    Users,
    Jobs,
    Listing,
    Briefs,
    History,
    Steps,
    Queue,
    Curves,
    Summaries,
    Snapshots,
    Models,
    Events,
    Logs,
    Leases,
    Resources,
):
    """Everything that is kept, each part in a module of its own."""

    def rewind(self, job_id: str, iteration: int, *, fence: Fence | None = None) -> list[str]:
        """Drop points and snapshots after an iteration; return the snapshots' file names."""
        self.rewind_points(job_id, iteration, fence=fence)
        return self.rewind_snapshots(job_id, iteration, fence=fence)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()


def open_store(settings: Settings) -> Store:
    """Open the store of an installation; create and migrate what is missing."""
    files = DataFolder(settings.data)
    files.create()
    database = Database(settings.database_url)
    database.migrate(files)
    return Store(database, files, settings)
