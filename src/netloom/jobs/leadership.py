"""Leadership: of the schedulers on one store, one works, by a lease that it renews."""

from __future__ import annotations

import secrets
import time

from netloom.jobs.processes import is_alive, is_here, this_process
from netloom.store import Process, Store
from netloom.store.records import Lease

LEASE = "scheduler"
LEASE_SECONDS = 15.0
RENEW_SECONDS = 3.0
_MODEST = "modest-"


class Leadership:
    """One scheduler's claim to be the one."""

    def __init__(self, store: Store, *, modest: bool = False) -> None:
        """A modest one, of a command that has one job to do, makes way for a server."""
        self.held = False
        self._store = store
        self._modest = modest
        self._name = f"{_MODEST if modest else ''}{this_process().pid}-{secrets.token_hex(4)}"
        self._renewed = 0.0

    def hold(self) -> bool:
        """Take the lease or renew it; return whether it is held now."""
        now = time.monotonic()
        if self.held and now - self._renewed < RENEW_SECONDS:
            return True
        if self.held:
            self.held = self._store.renew(LEASE, self._name, LEASE_SECONDS)
        elif self._may_be_had():
            self.held = self._store.acquire(
                LEASE, self._name, LEASE_SECONDS, this_process(), self._may_take
            )
        if self.held:
            self._renewed = now
        return self.held

    def give_up(self) -> None:
        """Let another scheduler take over at once."""
        self.held = False
        self._store.release(LEASE, self._name)

    def _may_be_had(self) -> bool:
        # A look first: it disturbs nobody, and most looks find the lease held.
        lease = self._store.holder(LEASE)
        return lease is None or self._may_take(lease)

    def _may_take(self, lease: Lease) -> bool:
        return is_dead(lease) or (not self._modest and lease.holder.startswith(_MODEST))


def is_led(store: Store) -> bool:
    """Return whether a scheduler that lives holds the lease."""
    lease = store.holder(LEASE)
    return lease is not None and not is_dead(lease)


def is_dead(lease: Lease) -> bool:
    """Return whether the holder of a lease is known to be dead."""
    if not is_here(lease.machine):
        return False  # nobody here can tell; its lease will expire
    return not is_alive(Process(pid=lease.pid, started=lease.pid_started, machine=lease.machine))
