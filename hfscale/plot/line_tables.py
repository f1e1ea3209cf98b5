"""Contour lines as a table."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from hfscale.errors import InputError
from hfscale.plot.outlines import Lines


def write_lines(named: Mapping[str, Lines], path: Path) -> None:
    """Write lines as CSV with columns line, segment, x and y, one row per vertex.

    Numbers are written so that they read back exactly.

    Args:
        named: Name -> its pieces, which are numbered from 0.
        path: The file.

    Raises:
        InputError: The file cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["line", "segment", "x", "y"])
    for name, lines in named.items():
        for segment, line in enumerate(lines):
            table.writerows([name, segment, repr(x), repr(y)] for x, y in line.tolist())
    try:
        Path(path).write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
