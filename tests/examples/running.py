"""Where notebooks of the examples are run: in a folder of their own, beside what they read."""

import shutil
from pathlib import Path

from tests.examples.pairing import EXAMPLES
from tests.program import ROOT


def copy_examples(folder: Path) -> Path:
    """Make the surroundings of the examples in a folder, and return where they find themselves in it."""
    place = folder / "examples"
    place.mkdir()
    (folder / "pipelines").symlink_to(ROOT / "pipelines")
    for table in EXAMPLES.glob("*.csv"):
        shutil.copy(table, place)
    return place
