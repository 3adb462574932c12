"""
Data roots: the folders from which users may read files by their path on the server.

    DataRoots([Path("/srv/images")]).check(Path("/srv/images/../secret"))  # PathNotAllowed
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netloom.errors import PathNotAllowed


class DataRoots:
    """Confines paths to some folders; links are followed first."""

    def __init__(self, folders: Iterable[Path]) -> None:
        # As written, for showing; and resolved, for comparing.
        self.folders = tuple(folder.expanduser().absolute() for folder in folders)
        self._resolved = tuple(folder.resolve() for folder in self.folders)

    def check(self, path: Path) -> Path:
        """Return the path with links resolved; raise PathNotAllowed outside the roots.

        Whether anything is there is not looked at, so nothing is told about what is outside.
        """
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
            raise PathNotAllowed(f"{str(path)!r} is not a path.") from None
        if not path.is_absolute():
            raise PathNotAllowed(f"{str(path)!r} is not an absolute path.")
        if not any(real.is_relative_to(root) for root in self._resolved):
            raise PathNotAllowed(
                f"{str(path)!r} is outside the folders that may be read.",
                hint=f"Allowed: {', '.join(map(str, self.folders)) or 'none'}.",
            )
        return real
