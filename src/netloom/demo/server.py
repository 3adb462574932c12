"""
A server: `netloom serve` in a process of its own, on a free port.

    with Server(data=Path("/tmp/workbench"), roots=[Path("/srv/images")]) as server:
        httpx.get(server.url)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from netloom.errors import NetloomError


class Server:
    """One `netloom serve`; what it logs goes to `<data>/server.log`."""

    def __init__(
        self,
        *,
        data: Path,
        roots: Sequence[Path] = (),
        port: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.roots = tuple(roots)
        self.port = port
        self.environment = {**os.environ, **(environment or {})}
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, patience: float = 30) -> Self:
        """Start the server and wait until it answers, at most `patience` seconds."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            # A session of its own: Ctrl-C in the terminal reaches the caller alone, who then
            # decides what becomes of the server.
            self.process = subprocess.Popen(
                self.command(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment,
                start_new_session=True,
            )
        # A server that hangs before it says its address would block the read below.
        alarm = threading.Timer(patience, self.process.kill)
        alarm.start()
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        alarm.cancel()
        self.url = said.rpartition(" ")[2].strip()
        if not self.url.startswith("http"):
            self.process.wait()
            raise NetloomError(f"The server did not start: {self.last_words()}")
        return self

    def command(self) -> list[str]:
        roots = [part for root in self.roots for part in ("--root", str(root))]
        where = ["--port", str(self.port), "--data", str(self.data)]
        return [sys.executable, "-m", "netloom", "serve", *where, *roots]

    def stop(self, *, patience: float = 20) -> None:
        """Ask the server to stop; kill it when it does not within `patience` seconds."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.release()

    def release(self) -> None:
        """Wait for the process to be gone and forget it."""
        if self.process is not None:
            self.process.communicate()
            self.process = None

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def last_words(self) -> str:
        """Return the last line of the log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
