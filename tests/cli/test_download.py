"""`netloom download` on the command line: it tells how far it is, whoever watches."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.datasets.test_download import write_mnist


def command(folder: Path) -> list[str]:
    source = write_mnist(folder / "in")
    return [
        *(sys.executable, "-m", "netloom", "download", "mnist", str(folder / "out")),
        *("--from", str(source)),
    ]


def heard(terminal: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):  # which is how a terminal says that it is closed
        while data := os.read(terminal, 1000):
            yield data


def test_lines_come_where_nobody_watches(tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "mnist: reading   0%"
    assert lines[-2:] == ["mnist: writing 100%", f"mnist is in {tmp_path / 'out'}"]
    assert "\r" not in done.stdout
    assert len(lines) < 25


def test_a_line_moves_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command(tmp_path), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b"".join(heard(ours))
    os.close(ours)
    assert process.returncode == 0
    assert b"\rmnist: reading   0%\r" in said
    assert b"\rmnist: writing   0%\r" in said
    assert said.endswith(f"mnist is in {tmp_path / 'out'}\r\n".encode())
