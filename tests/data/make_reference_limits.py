"""Write reference-limits.json: upper limits of points of sbottom RegionA, found by pyhf.

Usage: python -m tests.data.make_reference_limits [--minutes M] [--points N]

Run it in the root of the repository. The points are spread over those of the patchset; a point with a limit outside the
bounds of the POI is passed over. Each takes pyhf about a minute, so the file is written after every point, and what it
holds already is kept: run it again to go on.
"""

import argparse
import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
from pyhf.infer.intervals.upper_limits import toms748_scan

from tests.data.documents import read_region_a, write_numbers

FILE = Path(__file__).with_name("reference-limits.json")
SEED = 20_071_727
BOUNDS = (0.02, 9.98)
RTOL = 1e-4


def main() -> int:
    """Find limits until the time or the points are over, and add them to the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--points", type=int, default=20, help="points in the file at the end")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    document = json.loads(FILE.read_text()) if FILE.is_file() else {"limits": {}, "passed_over": {}}
    workspace, patchset = read_region_a("BkgOnly.json"), pyhf.PatchSet(read_region_a("patchset.json"))
    deadline = time.monotonic() + 60.0 * options.minutes
    # In an order that is spread over the plane however early the time is over.
    for k in np.random.default_rng(SEED).permutation(len(patchset.patches)):
        patch = patchset.patches[k]
        if time.monotonic() > deadline or len(document["limits"]) >= options.points:
            break
        if patch.name in document["limits"] or patch.name in document["passed_over"]:
            continue
        begin = time.process_time()
        try:
            document["limits"][patch.name] = limits(pyhf.Workspace(patchset.apply(workspace, patch.name)))
        except (ValueError, pyhf.exceptions.FailedMinimization) as error:
            document["passed_over"][patch.name] = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        write(document)
        sys.stderr.write(f"{patch.name}: {time.process_time() - begin:.0f} s\n")
    return 0


def limits(workspace: pyhf.Workspace) -> list[float]:
    """Observed limit, and the expected ones from -2 to +2 sigma."""
    settings = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    model = workspace.model(modifier_settings=settings)
    observed, expected = toms748_scan(workspace.data(model), model, *BOUNDS, level=0.05, rtol=RTOL)
    found = [float(observed), *(float(value) for value in expected)]
    if max(found) > BOUNDS[1]:
        raise ValueError(f"a limit is {max(found):g}")
    return [round(value, 8) for value in found]


def write(document: dict[str, Any]) -> None:
    """Write the file."""
    document["quantity"] = "upper limits at CLs = 0.05: observed, and expected from -2 to +2 standard deviations"
    write_numbers(FILE, document)


if __name__ == "__main__":
    sys.exit(main())
