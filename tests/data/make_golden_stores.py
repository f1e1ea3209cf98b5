"""Make the golden stores: tiny ones, as versions of this package wrote them, for the test that they stay readable.

Usage: python -m tests.data.make_golden_stores NAME [COMMIT]

The stores of NAME go to tests/data/golden/NAME.tar.xz, written by the code of COMMIT, by default that of the checkout.
They were made with

    early     afb2e6b, before toys had a POI axis in their plan, and without effective_events and signal_yield
    manifest  the commit that added this script; the first with manifests

The stores of the first three kinds lack the marker of one task, as if they had been interrupted.
"""

import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.program import ROOT, make_search

GOLDEN = Path(__file__).parent / "golden"
# The name of the machine would be no use to anybody.
PROGRAM = """
import platform, socket
platform.node = socket.gethostname = lambda: "golden"
from hfscale.cli.main import main
main()
"""
FILES = ("BkgOnly.json", "patchset.json", "--points", "s_400_*", "--task-points", "2", "--executor", "local")
TOYS = ("--calctype", "toybased", "--ntoys", "8", "--task-toys", "4", "--seed", "3")
STORES = {
    "cls": ("cls", *FILES),
    "limit": ("limit", *FILES),
    "toys": ("cls", *FILES, *TOYS),
    "finished": ("cls", *FILES, *TOYS),
}


def main() -> None:
    """Make the stores of one name."""
    name, *commit = sys.argv[1:]
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        code = _code_of(commit[0], work) if commit else ROOT
        make_search(work)
        for store, command in STORES.items():
            subprocess.run(
                [sys.executable, "-c", PROGRAM, *command, "-o", f"{store}.zarr", "-q"],
                cwd=work,
                env={**os.environ, "PYTHONPATH": str(code), "HFSCALE_CACHE": "off"},
                check=True,
            )
            if store != "finished":
                done = work / f"{store}.zarr" / "_hfscale" / "ledger" / "done"
                max(done.iterdir()).unlink()
        expected = {store: _shown(work / f"{store}.zarr", code) for store in STORES}
        (GOLDEN / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")
        _pack(work, GOLDEN / f"{name}.tar.xz")


def _code_of(commit: str, work: Path) -> Path:
    code = work / "code"
    code.mkdir()
    archive = subprocess.run(["git", "archive", commit, "hfscale"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(code, filter="data")
    return code


def _shown(store: Path, code: Path) -> object:
    """What the code that wrote a store shows of it."""
    command = [sys.executable, "-c", PROGRAM, "show", store.name, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    shown = subprocess.run(command, cwd=store.parent, env=environment, capture_output=True, check=True).stdout
    return json.loads(shown)


def _pack(work: Path, target: Path) -> None:
    """Pack the inputs and the stores, without names of users and times."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(work.rglob("*")):
            relative = path.relative_to(work)
            if path.is_file() and relative.parts[0] != "code" and path.name != "lock":
                entry = tarfile.TarInfo(relative.as_posix())
                entry.size = path.stat().st_size
                tar.addfile(entry, io.BytesIO(path.read_bytes()))
    target.write_bytes(lzma.compress(packed.getvalue(), preset=9))


if __name__ == "__main__":
    main()
