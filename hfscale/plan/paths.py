"""Paths as a campaign file writes them: plain, ``ARCHIVE::MEMBER``, or several JSON patches joined by commas."""

import re
from pathlib import Path

MEMBER_SEPARATOR = "::"
PATCH_SEPARATOR = ","
_ADDRESS = re.compile(r".*://.*|[^/\\]+:\d+|gateway")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def resolve_source(source: str, folder: Path) -> str:
    """Make a path absolute that is relative to ``folder``; a member inside an archive is left as it is."""
    archive, separator, member = source.partition(MEMBER_SEPARATOR)
    return f"{folder / archive}{separator}{member}"


def resolve_sources(sources: str, folder: Path) -> str:
    """Make every path absolute in a list like ``a.json,b.json``, the patches that make one signal point."""
    return PATCH_SEPARATOR.join(resolve_source(source.strip(), folder) for source in sources.split(PATCH_SEPARATOR))


def is_url(place: str | Path) -> bool:
    """Say whether a place is written as a URL; a `Path` that was made of one has lost a slash."""
    return _URL.match(str(place)) is not None


def resolve_store(store: str, folder: Path) -> str:
    """Make the path of a store absolute that is relative to ``folder``; a URL is left as it is."""
    return store if is_url(store) else str(folder / store)


def is_scheduler_file(scheduler: str) -> bool:
    """Say whether a Dask scheduler is given by the file that it wrote.

    Others are ``[PROTOCOL://]HOST:PORT``, and ``gateway`` for a cluster that a Dask Gateway is to start.
    """
    return _ADDRESS.fullmatch(scheduler) is None
