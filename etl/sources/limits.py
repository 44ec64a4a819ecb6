"""How large a file may be before anything is made of it, and why so large.

Each limit is checked before a parser sees the file. They are set where honest files end: a whole
country's villages for ten years pass, what was built to fill the memory does not.
"""

from __future__ import annotations

from pathlib import Path

from etl.findings import UnusableFileError

_MIB = 1 << 20

# Five million rows of a hundred characters are half of it; parsing takes about four times as much.
MAX_TEXT_BYTES = 1024 * _MIB
# A row of 12 774 areas with a figure of ten digits each is 140 kB; 500 MB in one line are no row.
MAX_LINE_BYTES = 4 * _MIB
# As many columns as Excel has. A week by village of a whole province fits.
MAX_COLUMNS = 16_384
# Five million rows and as many blank ones between them; a file of nothing but line ends has more.
MAX_TEXT_LINES = 10_000_000
# What pandas is given at a time is so many rows that they hold no more than this.
CHUNK_BYTES = 64 * _MIB

# A full sheet of 1 048 576 rows × 16 columns is 60 to 200 MB as it lies on the disk.
MAX_WORKBOOK_BYTES = 512 * _MIB
# XLS holds 65 536 rows × 256 columns at the most; full of text that is below it.
MAX_XLS_BYTES = 256 * _MIB
# The same sheet unpacked: a cell of XML is about 40 bytes, 16 million of them 700 MB.
MAX_UNPACKED_BYTES = 2048 * _MIB
# XML of figures packs 8 to 40 times; 150 is reached by no sheet, 1 000 by zeros. Small parts that
# are one sentence over and over are let be.
MAX_PACK_RATIO = 150
RATIO_FROM_BYTES = 64 * _MIB
# A workbook with hundreds of sheets and pictures has some thousand parts.
MAX_ZIP_ENTRIES = 10_000
# Every row of a sheet × columns A to Z; the reader lays out the whole rectangle at 24 bytes a cell.
MAX_SHEET_CELLS = 30_000_000
# A cell holds 32 767 characters at the most, each escaped as "&quot;" at the worst.
MAX_CELL_BYTES = _MIB
# All merged regions of a column together cannot be longer than the sheet.
MAX_SHEET_ROWS = 1_048_576

# 12 774 small areas with full detail are 60 MB of GeoJSON; a province is ten of them.
MAX_VECTOR_BYTES = 1024 * _MIB
# An archive with a shapefile is held in memory as a whole.
MAX_VECTOR_UNPACKED_BYTES = 1024 * _MIB
# GDAL reads KML as one tree, at about ten times its size.
MAX_KML_BYTES = 256 * _MIB
# A folder in a folder: people stop at five. Coordinates of a GeometryCollection stand at ten.
MAX_NESTING = 64
# The finest grid of a large city is a hundred thousand cells.
MAX_FEATURES = 2_000_000

# Five years of weekly figures by measure of every village of a prefecture.
MAX_QUERY_ROWS = 5_000_000
MAX_QUERY_COLUMNS = 1_024
# A view over a year of records may take minutes; a query without its join never ends.
QUERY_SECONDS = 300
CONNECT_SECONDS = 15


def check_size(path: Path, most: int) -> None:
    """Refuse a file larger than `most` bytes, before it is opened.

    Raises
    ------
    UnusableFileError : rule `file_too_large`.
    """
    try:
        size = path.stat().st_size
    except OSError:
        return  # whoever opens it says why that is not possible
    if size > most:
        raise UnusableFileError("file_too_large", came=megabytes(size), most=megabytes(most))


def megabytes(size: int) -> str:
    """A size as a person reads it.

    Examples
    --------
    >>> megabytes(3_000_000), megabytes(3000)
    ('2.9 MB', '3 kB')
    """
    return f"{size / _MIB:,.1f} MB" if size >= _MIB else f"{-(-size // 1024)} kB"
