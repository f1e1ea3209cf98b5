"""Peers that need an environment of their own: fits of the same points by both, in turns.

python tests/benchmarks/bench_engine.py --peers [--environment FOLDER]
"""

import json
import statistics
import subprocess
import tempfile
import time
import venv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).with_name("peer_nextstat.py")


def environment_with(package: str, folder: Path) -> Path:
    """Return the Python of an environment that holds a package; make it where there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", package], check=True)
    return python


def compare_with_nextstat(archive: Path, n_points: int, repeats: int, environment: Path | None) -> dict[str, Any]:
    """Time a free and a conditional fit of some points of an archive, by NextStat and by hfscale, in turns.

    Both use one thread. NextStat builds and fits one point after the other, hfscale all points at once, compiled; the
    ratio of each turn is that of the fits alone.
    """
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs, patched_workspace

    inputs = load_inputs(archive, verify_digest=False)
    chosen = np.unique(np.linspace(0, len(inputs.points) - 1, n_points).astype(int))
    inputs = replace(inputs, points=tuple(inputs.points[k] for k in chosen))
    (group,) = build_models(inputs)
    ours, theirs, peer = [], [], {}
    with tempfile.TemporaryDirectory() as scratch:
        python = environment_with("nextstat", environment or Path(scratch) / "environment")
        files = []
        for point in inputs.points:
            files.append(Path(scratch) / f"{point.name}.json")
            files[-1].write_text(json.dumps(patched_workspace(inputs, point)))
        own = _seconds_and_minima(group)[1]
        for _ in range(repeats):
            ended = subprocess.run([str(python), str(SCRIPT), *map(str, files)], capture_output=True, check=True)
            peer = json.loads(ended.stdout)
            theirs.append(sum(row["seconds_fits"] for row in peer["fits"]) / len(files))
            ours.append(_seconds_and_minima(group)[0] / len(files))
    found = np.array([[row["twice_nll_free"], row["twice_nll_conditional"]] for row in peer["fits"]])
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    return {
        "nextstat": peer["version"],
        "points": len(files),
        "ms_per_point": {"hfscale": 1e3 * statistics.median(ours), "nextstat": 1e3 * statistics.median(theirs)},
        "ratio": {"median": statistics.median(ratios), "lowest": ratios[0], "highest": ratios[-1]},
        "twice_nll_above_ours": {"highest": float((found - own).max()), "lowest": float((found - own).min())},
    }


def _seconds_and_minima(group: Any) -> tuple[float, np.ndarray]:
    """Seconds of a free and a conditional fit of every row of a group from its start, and twice -ln L of both."""
    from hfscale.fit.escalation import best_fits
    from hfscale.model.structure import PointNumbers

    fixed, start = group.points.fixed.copy(), group.inits.copy()
    fixed[:, group.structure.poi], start[:, group.structure.poi] = True, 1.0
    pairs = zip(group.points, group.points._replace(fixed=fixed), strict=True)
    both = PointNumbers(*(np.concatenate(pair) for pair in pairs))
    begin = time.perf_counter()
    results = best_fits(group.structure, group.shared, both, [np.concatenate([group.inits, start])])
    seconds = time.perf_counter() - begin
    return seconds, 2.0 * results.nll.reshape(2, -1).T[np.argsort(group.members)]
