"""ZIP archives (XLSX, zipped shapefiles, KMZ) measured before anyone unpacks them.

The sizes that an archive states are not believed: what is read is counted as it comes out, and
nothing is ever written to the disk. An archive within an archive is not opened.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from etl.findings import UnusableFileError
from etl.sources import limits
from etl.sources.limits import megabytes

_CHUNK = 1 << 20
_LOCAL_HEADER = 30


class Archive:
    """An archive within the limits; a context manager.

    Raises
    ------
    UnusableFileError : no archive, locked, with unusual packing, or larger than the limits.
    """

    def __init__(self, path: Path, *, damaged: str, most: int) -> None:
        self.path = path
        self._damaged = damaged
        self._most = most
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
            raise self.broken(type(exc).__name__) from exc
        try:
            self._check()
        except UnusableFileError:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """Names of its entries, folders left out."""
        return [info.filename for info in self._zip.infolist() if not info.is_dir()]

    def broken(self, came: str) -> UnusableFileError:
        """What to raise for an archive that is no whole one."""
        return UnusableFileError(self._damaged, came=came)

    def read(self, name: str, *, most: int | None = None) -> bytes:
        """An entry whole.

        Raises
        ------
        UnusableFileError : damaged, or larger than it says or than `most`.
        """
        info = self._zip.getinfo(name)
        if most is not None and info.file_size > most:
            raise UnusableFileError(
                "archive_too_large", came=f"{name}: {megabytes(info.file_size)}",
                most=megabytes(most),
            )  # fmt: skip
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """An entry bit by bit, ended at the first byte more than it says it has."""
        info = self._zip.getinfo(name)
        came = checksum = 0
        for chunk in self._inflated(info):
            came += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
            if came > info.file_size:
                raise UnusableFileError(
                    "archive_too_large", came=f"{name}: > {megabytes(info.file_size)}",
                    most=megabytes(info.file_size),
                )  # fmt: skip
            yield chunk
        if came < info.file_size:
            raise self.broken("cut off")
        if checksum != info.CRC:
            raise self.broken("checksum")  # a figure of it may be another

    def _inflated(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-15) if info.compress_type == zipfile.ZIP_DEFLATED else None
        for packed in self._packed(info):
            if inflate is None:
                yield packed
                continue
            try:
                piece = inflate.decompress(packed, _CHUNK)
                while piece:
                    yield piece
                    piece = inflate.decompress(inflate.unconsumed_tail, _CHUNK)
            except zlib.error as exc:
                raise self.broken("zlib") from exc
            if inflate.eof:
                return
        if inflate is not None and (rest := inflate.flush()):
            yield rest

    def _packed(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            if info.header_offset < 0:
                raise self.broken("an entry before the file")
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER)
            if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
                raise self.broken("local header")
            name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
            file.seek(name + extra, 1)
            left = info.compress_size
            while left > 0 and (packed := file.read(min(_CHUNK // 16, left))):
                left -= len(packed)
                yield packed

    def _check(self) -> None:
        entries = self._zip.infolist()
        if len(entries) > limits.MAX_ZIP_ENTRIES:
            raise UnusableFileError(
                "archive_too_large", came=f"{len(entries):,} entries",
                most=f"{limits.MAX_ZIP_ENTRIES:,}",
            )  # fmt: skip
        if len({info.filename for info in entries}) < len(entries):
            raise self.broken("an entry twice")
        if any(info.flag_bits & 0x1 for info in entries):
            raise self.broken("password")
        packings = {info.compress_type for info in entries}
        if packings - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise self.broken("packing")
        total = sum(info.file_size for info in entries)
        if total > self._most:
            raise UnusableFileError(
                "archive_too_large", came=megabytes(total), most=megabytes(self._most)
            )
        for info in entries:
            ratio = info.file_size / max(1, info.compress_size)
            if info.file_size > limits.RATIO_FROM_BYTES and ratio > limits.MAX_PACK_RATIO:
                raise UnusableFileError(
                    "archive_too_large", came=f"{megabytes(info.file_size)}, 1 : {ratio:.0f}",
                    most=f"1 : {limits.MAX_PACK_RATIO}",
                )  # fmt: skip
        # Entries that lie on each other share their bytes: so small archives become petabytes.
        if sum(info.compress_size for info in entries) > self.path.stat().st_size:
            raise self.broken("entries overlap")
