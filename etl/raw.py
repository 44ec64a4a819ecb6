"""Files as they were handed in, kept by the hash of their content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from etl.findings import UnusableFileError
from etl.sources.files import fingerprint, parts_of

_HALF = ".half-"


class RawStore:
    """A folder `<first two>/<sha256>/<name>`; a file in it is whole and never changes.

    Parameters
    ----------
    root : made when the first file is kept.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path | None:
        """The file of that content; None if it was never kept."""
        folder = self.root / sha256[:2] / sha256
        if not folder.is_dir():
            return None
        names = sorted(folder.iterdir())
        # Of a shapefile's parts the one that names the others.
        return next((name for name in names if name.suffix.lower() == ".shp"), names[0])

    def keep(self, path: Path, sha256: str) -> Path:
        """Copy a file with all its parts, if it is not there yet.

        Raises
        ------
        UnusableFileError : the file is no longer what it was when it was read.
        """
        found = self.path(sha256)
        if found is not None:
            return found
        folder = self.root / sha256[:2] / sha256
        half = self.root / f"{_HALF}{os.getpid()}-{sha256}"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True, mode=0o700)
        try:
            for part in parts_of(path):
                copy = half / part.name
                shutil.copyfile(part, copy)
                _flush(copy)
            if fingerprint(half / path.name).sha256 != sha256:
                raise UnusableFileError("file_changing", came=path.name)
            folder.parent.mkdir(exist_ok=True)
            half.replace(folder)
            _flush(folder.parent)
        finally:
            shutil.rmtree(half, ignore_errors=True)
        return folder / path.name

    def sweep(self) -> None:
        """Clear away what a run that was killed has left half copied."""
        for half in self.root.glob(f"{_HALF}*"):
            shutil.rmtree(half, ignore_errors=True)


def _flush(path: Path) -> None:
    """Have the disk hold it before anything speaks of it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
