"""Write pyhf-toys.json: test statistics of pyhf's own toys at RegionA sbottom_1300_205_60, POI value 1.

Usage: nice -n 10 python -m tests.data.make_pyhf_toys [--minutes M] [--toys N]

Run it in the root of the repository. It does what pyhf.infer.calculators.ToyCalculator does, with its functions: fits
the observed data under each hypothesis, throws main and auxiliary data from there, and fits every toy twice with pyhf's
default optimiser. Toys are made one by one, each with a seed of its own, so that the file can be written after each and
what it holds is kept: run it again to go on. pyhf makes about one toy per second; one whose fit fails is listed.
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
from pyhf.infer.mle import fixed_poi_fit
from pyhf.infer.test_statistics import qmu_tilde

from tests.data.documents import read_region_a, write_numbers

FILE = Path(__file__).with_name("pyhf-toys.json")
POINT = "sbottom_1300_205_60"
MU = 1.0
HYPOTHESES = {"sb": MU, "b": 0.0}
SEED = 20_071_727


def main() -> int:
    """Make toys of both hypotheses in turn until the time or the toys are over, and add them to the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--toys", type=int, default=300, help="toys of each hypothesis in the file at the end")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    deadline = time.monotonic() + 60.0 * options.minutes
    document = json.loads(FILE.read_text()) if FILE.is_file() else {"q": {}, "failed": {}}
    workspace = pyhf.Workspace(
        pyhf.PatchSet(read_region_a("patchset.json")).apply(read_region_a("BkgOnly.json"), POINT)
    )
    settings = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    model = workspace.model(modifier_settings=settings)
    fits = fit_settings(model)
    origins = {name: fixed_poi_fit(mu, workspace.data(model), model, *fits) for name, mu in HYPOTHESES.items()}
    for toy in range(options.toys):
        for number, (name, parameters) in enumerate(origins.items()):
            values, failed = document["q"].setdefault(name, []), document["failed"].setdefault(name, [])
            if toy < len(values) or time.monotonic() > deadline:
                continue
            # pyhf draws from the global generator of numpy.
            np.random.seed([SEED, number, toy])
            data = model.make_pdf(pyhf.tensorlib.astensor(parameters)).sample((1,))[0]
            try:
                values.append(float(np.ravel(qmu_tilde(MU, data, model, *fits))[0]))
            except pyhf.exceptions.FailedMinimization:
                values.append(None)
                failed.append(toy)
            write(document)
    sys.stderr.write(", ".join(f"{len(values)} toys of {name}" for name, values in document["q"].items()) + "\n")
    return 0


def fit_settings(model: pyhf.Model) -> tuple[list[float], list[tuple[float, float]], list[bool]]:
    """Start values, bounds and fixed parameters as pyhf suggests them."""
    config = model.config
    return config.suggested_init(), config.suggested_bounds(), config.suggested_fixed()


def write(document: dict[str, Any]) -> None:
    """Write the file."""
    document["quantity"] = "q-tilde of pyhf's toys, null where a fit failed: sb thrown with the POI at 1, b at 0"
    document["point"], document["poi"] = f"sbottom-RegionA {POINT}", MU
    write_numbers(FILE, document)


if __name__ == "__main__":
    sys.exit(main())
