"""How long ``hfscale cls`` takes for the 217 points of RegionA from a cold start, next to pyhf on the same machine.

    python tests/benchmarks/bench_cls_cold.py [--data FOLDER] [--pyhf-points N]

Writes one JSON document to standard output: seconds of each executor, seconds of pyhf (JAX backend) per point, the
shortest of them times the number of points, and the ratio. Nothing is asserted: times belong to a machine.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

ARCHIVE = "sbottom-RegionA.tar.gz"
DATA = Path(__file__).parents[3] / "shared" / "data"


def seconds_of_hfscale(archive: Path, executor: str) -> float:
    """Run the command in a new process, into a new store."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["cls", str(archive), "-o", f"{folder}/results.zarr", "--executor", executor, "-q"]
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "from hfscale.cli.main import main; main()", *command], check=True)
        return time.perf_counter() - begin


def read_archive(archive: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the background workspace and the patchset."""
    documents = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if (file := tar.extractfile(member)) is not None:
                documents[Path(member.name).name] = json.load(file)
    return documents["BkgOnly.json"], documents["patchset.json"]


def seconds_of_pyhf(workspace: dict[str, Any], patchset: dict[str, Any], points: int) -> list[float]:
    """Compute CLs of the first points with pyhf, one after the other, as its users do."""
    import pyhf

    pyhf.set_backend("jax", precision="64b")
    patches = pyhf.PatchSet(patchset)
    seconds = []
    for patch in list(patches)[:points]:
        begin = time.perf_counter()
        patched = patches.apply(workspace, patch.name)
        model = patched.model(
            modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
        )
        pyhf.infer.hypotest(1.0, patched.data(model), model, test_stat="qtilde", return_expected_set=True)
        seconds.append(time.perf_counter() - begin)
    return seconds


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    parser.add_argument("--pyhf-points", type=int, default=2)
    options = parser.parse_args()
    archive = options.data / ARCHIVE
    workspace, patchset = read_archive(archive)
    n_points = len(patchset["patches"])
    ours = {executor: seconds_of_hfscale(archive, executor) for executor in ("local", "dask", "auto")}
    per_point = seconds_of_pyhf(workspace, patchset, options.pyhf_points)
    theirs = min(per_point) * n_points  # the first one imports JAX
    document = {
        "points": n_points,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "hfscale_seconds": ours,
        "pyhf_seconds_per_point": per_point,
        "pyhf_seconds_for_all_points": theirs,
        "ratio": {executor: theirs / seconds for executor, seconds in ours.items()},
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
