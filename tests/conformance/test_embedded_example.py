"""The embedded example against CLs that pyhf computed with a tight tolerance."""

import json
from pathlib import Path

import numpy as np

from hfscale.inference.results import PointStatus
from tests.models import EXAMPLE, cls_of, patched

REFERENCE = Path(__file__).parents[1] / "data" / "exclusion-reference-cls.json"


def test_cls_of_the_embedded_example() -> None:
    reference = json.loads(REFERENCE.read_text())["points"]
    background, specs = patched(EXAMPLE, list(reference))
    block = cls_of(*specs, background=background)
    assert (block.status == PointStatus.OK).all()
    for k, (name, expected) in enumerate(reference.items()):
        wanted = np.array([expected["CLs_obs"], *expected["CLs_exp"]])
        found = np.array([block.CLs_obs[k], *block.CLs_exp[k]])
        # Far beyond exclusion the reference itself is good to some 1e-6 only.
        tolerance = np.where(wanted > 1e-9, 1e-6, 1e-5)
        assert (abs(found / wanted - 1.0) < tolerance).all(), name
