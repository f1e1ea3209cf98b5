"""Write reference-minima.json: the lowest minima that two other minimisers find on the published likelihoods.

Usage: python -m tests.data.make_reference_minima [--points N] [--iminuit-points N] [--starts N] [REGION ...]
       python -m tests.data.make_reference_minima --more-iminuit MINUTES [REGION ...]

Run it in the root of the repository. For each point it makes three fits, with the POI free and at 1 and 0, each with
L-BFGS-B (scipy) from several starts and with iminuit (strategy 2), on the likelihood and the exact gradients of
hfscale.model; nothing of hfscale.fit takes part. The lowest value wins, and fits whose starts disagree are printed.
iminuit takes seconds for 60 parameters and a minute for 328, so the number of its points can be limited; the file
lists them. Regions that are not named keep what the file holds. With --more-iminuit, iminuit fits points that it has
not fitted yet, for so many minutes, and lowers what it finds to be too high; the file is written after every point.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hfscale.model.structure import ModelGroup, PointNumbers
from hfscale.work.models import build_models
from hfscale.workspace import Inputs, load_inputs
from tests.minimisers import Fit, Fits, lbfgsb_minimum, minuit_minimum, scattered_starts

FILE = Path(__file__).with_name("reference-minima.json")
DATA = Path(os.environ.get("HFSCALE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
REGIONS = ("sbottom-RegionA", "sbottom-RegionB", "1Lbb-simplified", "offshell3L")
HYPOTHESES: dict[str, float | None] = {"free": None, "mu=1": 1.0, "mu=0": 0.0}
DISAGREEMENT = 1e-6
SEED = 20_071_727


def main() -> int:
    """Compute the minima and add them to the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("regions", nargs="*", metavar="REGION", default=REGIONS)
    parser.add_argument("--points", type=int, help="points of each region, evenly spread; all by default")
    parser.add_argument("--iminuit-points", type=int, help="how many of them iminuit fits too; all by default")
    parser.add_argument("--starts", type=int, default=8, help="scattered starts of L-BFGS-B beside the suggested one")
    parser.add_argument("--more-iminuit", type=float, metavar="MINUTES", help="only let iminuit fit further points")
    options = parser.parse_args()
    document = json.loads(FILE.read_text()) if FILE.is_file() else {"minima": {}, "iminuit": {}}
    if options.more_iminuit is not None:
        deadline = time.monotonic() + 60.0 * options.more_iminuit
        for region in options.regions:
            ask_iminuit(document, region, deadline)
        return 0
    for region in options.regions:
        begin = time.process_time()
        names, inputs = chosen_points(region, options.points)
        second = {names[k] for k in spread(len(names), options.iminuit_points)}
        document["minima"][region] = region_minima(region, names, inputs, second, options.starts)
        document["iminuit"][region] = sorted(second)
        sys.stderr.write(f"{region}: {time.process_time() - begin:.0f} s of one core\n")
    write(document)
    return 0


def write(document: dict[str, Any]) -> None:
    """Write the file."""
    document["quantity"] = "twice the negative log-likelihood at its minimum, constants included"
    document["versions"] = {name: version(name) for name in ("iminuit", "scipy", "numpy", "jax")}
    FILE.write_text(json.dumps(dict(sorted(document.items())), indent=1) + "\n")


def ask_iminuit(document: dict[str, Any], region: str, deadline: float) -> None:
    """Let iminuit fit the points of a region that it has not fitted, from their start and where L-BFGS-B ends."""
    names, inputs = chosen_points(region, None)
    groups = [(group, Fits(group)) for group in build_models(inputs)]
    rows = [(names[member], group, fits, row) for group, fits in groups for row, member in enumerate(group.members)]
    waiting = [entry for entry in rows if entry[0] not in document["iminuit"][region]]
    # In an order that is spread over the plane however early the time is over.
    for k in np.random.default_rng(SEED).permutation(len(waiting)):
        name, group, fits, row = waiting[k]
        if time.monotonic() > deadline:
            return
        known = document["minima"][region][name]
        for hypothesis, mu in HYPOTHESES.items():
            numbers, start = hypothesis_numbers(group, row, mu)
            found = candidates(fits.fit(numbers), start, 0, True)
            print_disagreement(f"{region} {name} {hypothesis}", {**found, "known": known[hypothesis]})
            known[hypothesis] = min(known[hypothesis], round(min(found.values()), 9))
        document["iminuit"][region] = sorted([*document["iminuit"][region], name])
        write(document)


def spread(total: int, count: int | None) -> np.ndarray:
    """Positions of some of all, from the first to the last."""
    wanted = total if count is None else min(count, total)
    return np.unique(np.linspace(0, total - 1, wanted).round().astype(int))


def chosen_points(region: str, count: int | None) -> tuple[list[str], Inputs]:
    """Names of some points of a region, and the inputs with those alone."""
    inputs = load_inputs(DATA / f"{region}.tar.gz", verify_digest=False)
    points = tuple(inputs.points[k] for k in spread(len(inputs.points), count))
    return [point.name for point in points], replace(inputs, points=points)


def region_minima(
    region: str, names: list[str], inputs: Inputs, second: set[str], starts: int
) -> dict[str, dict[str, float]]:
    """Point -> hypothesis -> twice -ln L; iminuit is asked about the points in `second`."""
    minima: dict[str, dict[str, float]] = {}
    for group in build_models(inputs):
        fits = Fits(group)
        for row, member in enumerate(group.members):
            name = names[member]
            minima[name] = {}
            for hypothesis, mu in HYPOTHESES.items():
                numbers, start = hypothesis_numbers(group, row, mu)
                found = candidates(fits.fit(numbers), start, starts, name in second)
                minima[name][hypothesis] = round(min(found.values()), 9)
                print_disagreement(f"{region} {name} {hypothesis}", found)
    return dict(sorted(minima.items()))


def print_disagreement(label: str, found: dict[str, float]) -> None:
    """Print which minimisers ended higher than the lowest, from which start, and by how much."""
    high = {k: v - min(found.values()) for k, v in found.items() if v > min(found.values()) + DISAGREEMENT}
    if high:
        sys.stderr.write(f"{label}: " + ", ".join(f"{k} +{v:.1e}" for k, v in high.items()) + "\n")


def hypothesis_numbers(group: ModelGroup, row: int, mu: float | None) -> tuple[PointNumbers, np.ndarray]:
    """Numbers (one row) and suggested start of a fit with the POI free or fixed."""
    numbers, start = group.points.take(np.array([row])), group.inits[row].copy()
    if mu is not None:
        fixed = numbers.fixed.copy()
        fixed[:, group.structure.poi] = True
        numbers, start[group.structure.poi] = numbers._replace(fixed=fixed), mu
    return numbers, start


def candidates(fit: Fit, start: np.ndarray, starts: int, with_iminuit: bool) -> dict[str, float]:
    """Twice -ln L where each minimiser ended, by its name and start.

    iminuit starts from the suggested values and where L-BFGS-B was lowest.
    """
    values: dict[str, float] = {}
    ends: list[np.ndarray] = []
    for k, begin in enumerate([start, *scattered_starts(fit, start, starts, SEED)]):
        ends.append(lbfgsb_minimum(fit, begin))
        values[f"L-BFGS-B {k}"] = 2.0 * fit.evaluate(ends[-1])[0]
    best = ends[int(np.argmin(list(values.values())))]
    if with_iminuit:
        for name, begin in (("iminuit", start), ("iminuit from L-BFGS-B", best)):
            values[name] = 2.0 * fit.evaluate(minuit_minimum(fit, begin))[0]
    return values


if __name__ == "__main__":
    sys.exit(main())
