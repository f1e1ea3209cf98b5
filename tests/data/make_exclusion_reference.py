"""Write exclusion-reference-cls.json: CLs of some points of the embedded example, computed by pyhf alone.

Usage: python tests/data/make_exclusion_reference.py

The default tolerance of scipy's SLSQP leaves errors of up to 1e-4 in CLs; hence the tight one here.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pyhf

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "pipelines" / "exclusion"
POINTS = [
    "gluino_1200_1000",
    "gluino_1400_400",
    "gluino_1600_1500",
    "gluino_1800_1000",
    "gluino_2000_1",
    "gluino_2100_800",
    "gluino_2200_400",
    "gluino_2400_1200",
    "gluino_2600_1",
]
TEST_POI = 1.0


def main() -> int:
    """Compute the points one after the other and write them beside this script."""
    pyhf.set_backend("jax", pyhf.optimize.scipy_optimizer(tolerance=1e-13))
    background_only = json.loads((EXAMPLE / "BkgOnly.json").read_text())
    patchset = pyhf.PatchSet(json.loads((EXAMPLE / "patchset.json").read_text()))
    reference = {
        "pyhf": pyhf.__version__,
        "sha256": {name: sha256(EXAMPLE / name) for name in ("BkgOnly.json", "patchset.json")},
        "test_poi": TEST_POI,
        "test_stat": "qtilde",
        "points": {name: cls(patchset.apply(background_only, name)) for name in POINTS},
    }
    (HERE / "exclusion-reference-cls.json").write_text(json.dumps(reference, indent=1) + "\n")
    return 0


def cls(workspace: pyhf.Workspace) -> dict[str, Any]:
    """Observed CLs and the five expected ones, from -2 to +2 sigma."""
    model = workspace.model()
    data = workspace.data(model)
    observed, expected = pyhf.infer.hypotest(TEST_POI, data, model, test_stat="qtilde", return_expected_set=True)
    return {"CLs_obs": float(observed), "CLs_exp": [float(value) for value in expected]}


def sha256(path: Path) -> str:
    """Digest of a file, so that a test sees when the reference is of another version of the example."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
