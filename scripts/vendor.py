"""
Vendored assets: small browser files that the pages and the browser tests use as they are.

Fetches the pinned packages with `npm pack`, takes out the files named below with their
licences, and writes a VERSIONS file beside them. To move to a newer version, change it here
and run

    python scripts/vendor.py
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "src/netloom/web/static/vendor"
TESTS = ROOT / "tests/browser/vendor"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package of the npm registry, and what is taken from it."""

    name: str
    version: str
    licence: str
    files: dict[str, str]  # path inside the package -> file name here
    folder: Path


PACKAGES = (
    Package(
        name="htmx.org",
        version="2.0.11",  # 4.x renames events and attributes; move on purpose only
        licence="0BSD",
        files={"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
        folder=PAGES,
    ),
    Package(
        name="htmx-ext-sse",
        version="2.2.4",
        licence="0BSD",
        files={"dist/sse.min.js": "htmx-sse.min.js", "LICENSE": "htmx-sse.LICENSE"},
        folder=PAGES,
    ),
    Package(
        name="uplot",
        version="1.6.32",
        licence="MIT",
        files={
            "dist/uPlot.iife.min.js": "uplot.min.js",
            "dist/uPlot.min.css": "uplot.min.css",
            "LICENSE": "uplot.LICENSE",
        },
        folder=PAGES,
    ),
    Package(
        name="axe-core",
        version="4.14.1",
        licence="MPL-2.0",
        files={"axe.min.js": "axe.min.js", "LICENSE": "axe.LICENSE"},
        folder=TESTS,
    ),
)


def main() -> None:
    for folder in dict.fromkeys(package.folder for package in PACKAGES):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for package in PACKAGES:
        fetch(package)
        print(f"{package.name} {package.version} -> {package.folder.relative_to(ROOT)}")


def fetch(package: Package) -> None:
    """Put the files of a package into its folder and note them in VERSIONS."""
    with tempfile.TemporaryDirectory() as work:
        archive = pack(package, Path(work))
        with tarfile.open(archive) as members:
            for source, target in package.files.items():
                data = members.extractfile(f"package/{source}")
                if data is None:
                    raise SystemExit(f"error: {package.name} has no file {source}")
                (package.folder / target).write_bytes(text := data.read())
                note(package, target, text)


def pack(package: Package, folder: Path) -> Path:
    """Download the package's archive into `folder` and return its path."""
    subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return next(folder.glob("*.tgz"))


def note(package: Package, target: str, data: bytes) -> None:
    """Add one line to VERSIONS: package, version, licence, file, SHA-256."""
    digest = hashlib.sha256(data).hexdigest()
    with (package.folder / "VERSIONS").open("a") as lines:
        lines.write(f"{package.name} {package.version} {package.licence} {target} {digest}\n")


if __name__ == "__main__":
    main()
