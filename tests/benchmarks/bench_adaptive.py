"""What it costs to look repeatedly: wrong decisions, bias and toys of adaptive runs of a closed-form model.

    python -m tests.benchmarks.bench_adaptive [--replicas N] [--cells N] [--nsigma Z] [--min-toys N] [--max-toys N]

A counting experiment with a known background of 50 events, of which 47 are observed; CLs and the expected band are
Poisson sums. Writes two tables to standard output. In the first, the signal is chosen so that the exact observed CLs
is as given, and runs have the observed curve alone; in the second, all six curves have to be decided. "Wrong" is a
CLs on the other side of the level than the exact one, where the run ended ("before the end" without those that came
to the most toys), and with the most toys for all. "Error" is the standard deviation over the replicas. The exact band
has steps, as events are whole numbers; where a quantile is close to one, as that of +2 sigma here, the estimate is
biased with any number of toys.
"""

import argparse
import sys

import numpy as np

from hfscale.plan.adaptive import Allocation
from tests.counting_toys import Counting, Runs, cell_run, observed_runs

BACKGROUND, OBSERVED = 50.0, 47
TARGETS = (0.02, 0.03, 0.04, 0.043, 0.045, 0.0475, 0.05, 0.0525, 0.055, 0.057, 0.06, 0.07, 0.1)
SIGNALS = (8.0, 12.0, 16.0, 20.0, 24.0, 30.0, 40.0)


def observed_row(target: float, allocation: Allocation, replicas: int) -> str:
    """One line of the first table."""
    model = Counting.with_cls(target, BACKGROUND, OBSERVED)
    p_sb, p_b = model.p_values(OBSERVED)
    error = target * np.sqrt(((1.0 - p_sb) / p_sb + (1.0 - p_b) / p_b) / allocation.max_toys)
    runs = observed_runs(model, OBSERVED, allocation, replicas, np.random.default_rng(1))
    last = runs.toys == allocation.max_toys
    wrong = _wrong(runs.CLs, target, allocation.level)
    after_last = (runs.CLs[last].mean() - target) / error if last.sum() > 1 else np.nan
    return (
        f"{target:10.4f} {(target - allocation.level) / error:9.1f} {wrong.mean():9.4f} {(wrong & ~last).mean():11.4f}"
        f" {_wrong(runs.fixed, target, allocation.level).mean():9.4f} {runs.toys.mean():9.0f} {last.mean():9.3f}"
        f" {_bias(runs, target)} {after_last:13.2f}"
    )


def _wrong(CLs: np.ndarray, exact: float, level: float) -> np.ndarray:
    wrong: np.ndarray = (CLs < level) != (exact < level)
    return wrong


def _bias(runs: Runs, exact: float) -> str:
    bias = runs.CLs.mean() - exact
    return f"{bias / exact:+11.3f} {bias / runs.CLs.std():11.2f}"


def cell_row(signal: float, allocation: Allocation, replicas: int) -> str:
    """One line of the second table."""
    model, rng = Counting(BACKGROUND, signal), np.random.default_rng(2)
    exact = np.array([model.cls(OBSERVED), *model.band()])
    runs = [cell_run(model, OBSERVED, allocation, rng) for _ in range(replicas)]
    ends, fixed = (np.array([[p.CLs_obs, *p.CLs_exp] for p in ps]) for ps in zip(*(run[1:] for run in runs)))
    toys = np.array([run.toys for run in runs])
    early = toys < allocation.max_toys
    sides = (exact < allocation.level)[None]
    wrong, wrong_fixed = (((CLs < allocation.level) != sides).any(axis=1) for CLs in (ends, fixed))
    spread = ends.std(axis=0)
    bias = (ends.mean(axis=0) - exact) / np.where(spread > 0.0, spread, np.nan)
    columns = " ".join(f"{CLs:7.4f} {b:+5.2f}" for CLs, b in zip(exact, bias))
    rates = f"{wrong.mean():9.3f} {(wrong & early).mean():11.3f} {wrong_fixed.mean():9.3f}"
    return f"{signal:7.1f} {rates} {toys.mean():9.0f}  {columns}"


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, default=2000)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--nsigma", type=float, default=3.0)
    parser.add_argument("--min-toys", type=int, default=500)
    parser.add_argument("--max-toys", type=int, default=20_000)
    options = parser.parse_args()
    allocation = Allocation(nsigma=options.nsigma, min_toys=options.min_toys, max_toys=options.max_toys)
    write = sys.stdout.write
    write("Observed curve alone; distance and the last column in errors of the most toys\n")
    write(" exact CLs  distance     wrong  before end     fixed      toys  come to   bias/CLs  bias/error  after the\n")
    write("                                                                the end                        last look\n")
    for target in TARGETS:
        write(observed_row(target, allocation, options.replicas) + "\n")
    write("\nAll six curves; wrong is one curve or more; of each curve the exact CLs, and the bias in errors\n")
    write(" signal     wrong  before end     fixed      toys  observed      -2 sigma      -1             median\n")
    for signal in SIGNALS:
        write(cell_row(signal, allocation, options.cells) + "\n")


if __name__ == "__main__":
    main()
