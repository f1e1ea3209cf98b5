"""What the scripts of this folder have in common: a published likelihood to read, and a file of numbers to write."""

import json
import os
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("HFSCALE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def read_region_a(name: str) -> Any:
    """Read a document of sbottom RegionA."""
    with tarfile.open(DATA / "sbottom-RegionA.tar.gz") as archive:
        member = next(m for m in archive.getmembers() if Path(m.name).name == name)
        file = archive.extractfile(member)
        if file is None:
            raise FileNotFoundError(name)
        return json.load(file)


def write_numbers(file: Path, document: dict[str, Any]) -> None:
    """Write numbers of pyhf with what made them."""
    document["versions"] = {name: version(name) for name in ("pyhf", "scipy", "numpy")}
    file.write_text(json.dumps(dict(sorted(document.items())), indent=1) + "\n")
