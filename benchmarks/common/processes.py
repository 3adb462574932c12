"""
Contenders, each in a process of its own and, where it needs other libraries, with them.

A benchmark that is called with `--one NAME` runs that contender alone and prints what it
returns; `measure` calls it so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def parser_for(script: str, venv: str) -> argparse.ArgumentParser:
    """Return a parser of what the benchmarks on MNIST have in common."""
    parser = argparse.ArgumentParser(description=script.strip().splitlines()[0])
    mnist, other = os.environ.get("NETLOOM_MNIST"), ROOT / "build" / venv
    parser.add_argument("--mnist", type=Path, default=mnist, help="folder of the four IDX files")
    parser.add_argument("--venv", type=Path, default=other, help="where other libraries are")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser


def measure(
    script: Path,
    name: str,
    python: Path,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
) -> Any:
    """Run one contender of a script in a fresh process; return what it printed."""
    command = [str(python), str(script), "--one", name, *map(str, arguments)]
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def python_with(modules: Sequence[str], folder: Path, install: Sequence[str]) -> Path | None:
    """
    Return the interpreter of an environment that has some modules.

    Where it has not, it is made by `pip install` with the given arguments; None when that fails.
    """
    python = folder / "bin/python"
    check = [str(python), "-c", "import " + ", ".join(modules)]
    if python.exists() and not subprocess.run(check, capture_output=True, check=False).returncode:
        return python
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", *install],
    ):
        if subprocess.run(command, check=False).returncode:
            print(f"{' and '.join(modules)} cannot be installed: left out.")
            return None
    return python
