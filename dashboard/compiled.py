"""Where compiled loops are kept from one run to the next."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def keep_compiled(folder: Path) -> None:
    """Give numba a place for what it compiles, where it would find none.

    It writes beside the code. An installed package is often not writable, nor is the home of a
    service's account: then compiling would end in an error. Whatever is set already stands.

    Parameters
    ----------
    folder : of the locality; `.xintu/compiled` in it is used, or a folder that goes with the
        process where that cannot be written either.
    """
    if os.environ.get(VARIABLE) or os.access(Path(__file__).parents[1] / "geo", os.W_OK):
        return
    place = folder / ".xintu" / "compiled"
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
    if not os.access(place, os.W_OK):
        place = Path(tempfile.mkdtemp(prefix="xintu-compiled-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.environ[VARIABLE] = str(place)
