"""Where a store may lie."""

from pathlib import Path

from hfscale.errors import StoreError
from hfscale.plan.paths import is_url


def store_folder(place: str | Path) -> Path:
    """Return the absolute path of the folder of a store.

    Raises:
        StoreError: The place is a URL.
    """
    if is_url(place):
        raise StoreError(
            f"the store {place} is a URL, and stores are folders of a file system",
            remedy="give a folder; workers that do not share its file system return their results with --gather"
            " (gather=True, 'gather: true' under 'run')",
        )
    return Path(place).absolute()
