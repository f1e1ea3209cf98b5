"""Writing figures: PDF, PNG and SVG, equal files from equal figures; and what contours can be written as."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from hfscale.errors import InputError
from hfscale.plot.web.page import PAGE_SUFFIXES, check_page_file, is_page

# What would make two equal figures differ as files is left out.
_METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PDF, PNG or SVG, by the suffix of the path; equal figures give equal files.

    Raises:
        InputError: Another suffix, or the file cannot be written.
    """
    path = Path(path)
    check_figure_file(path)
    content = figure_bytes(figure, path.suffix)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def figure_bytes(figure: Figure, suffix: str) -> bytes:
    """Return what the file of a figure with this suffix holds."""
    settings: Any = {"svg.hashsalt": "hfscale", "svg.fonttype": "path", "pdf.fonttype": 42}
    content = io.BytesIO()
    with matplotlib.rc_context(settings):
        figure.savefig(content, format=suffix.lower()[1:], dpi=200, metadata=_METADATA[suffix.lower()])
    return content.getvalue()


def check_contour_file(path: Path) -> None:
    """Check, before anything is computed or written, that a contour can be written to the path: a figure or a page.

    Raises:
        InputError: The suffix is that of no known format, the folder does not exist, or a folder is there.
    """
    if is_page(path):
        check_page_file(path)
    elif path.suffix.lower() in _METADATA:
        check_figure_file(path)
    else:
        known = ", ".join([*_METADATA, PAGE_SUFFIXES[0]])
        raise InputError(f"cannot draw a contour as {path.name!r}", remedy=f"end the name in one of {known}")


def check_figure_file(path: Path) -> None:
    """Check, before anything is computed or written, that a figure can be written to the path.

    Raises:
        InputError: The suffix is that of no known format, the folder does not exist, or a folder is there.
    """
    if path.suffix.lower() not in _METADATA:
        raise InputError(
            f"cannot draw a figure as {path.name!r}", remedy=f"end the name in one of {', '.join(_METADATA)}"
        )
    if not path.absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: its folder does not exist", remedy="make the folder first")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder", remedy="give another name for the figure")


def with_names(path: Path, names: Sequence[str]) -> Path:
    """Return the file of one of several figures: the names are put before the suffix of the path.

    Args:
        path: What was asked for.
        names: What tells the figure from the others; what is no letter, digit, dot, hyphen or underscore becomes a
            hyphen.
    """
    parts = [re.sub(r"[^\w.-]+", "-", name) for name in names]
    return path.with_name(f"{'_'.join([path.stem, *parts])}{path.suffix}")
