"""CLs at many POI values: what single calculations give, with fewer fits."""

import numpy as np
import pytest

from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.results import PointStatus
from hfscale.inference.scans import scan_cls
from hfscale.model.structure import ModelGroup
from tests.models import group_of, normfactor, normsys, one_channel, sample

VALUES = (0.0, 0.5, 1.0, 3.0)


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    background = sample("bkg", [50.0, 25.0], normsys("JES", 1.1, 0.9))
    signals = ([5.0, 2.0], [3.0, 9.0], [0.0, 0.0])
    specs = [one_channel([48, 30], background, sample("signal", rates, normfactor())) for rates in signals]
    return group_of(*specs, background=one_channel([48, 30], background))


def test_a_scan_gives_what_single_values_give(group: ModelGroup) -> None:
    blocks = scan_cls(group, np.arange(3), VALUES)
    for value, block in zip(VALUES, blocks, strict=True):
        single = asymptotic_cls(group, np.arange(3), value)
        for name in ("status", "CLs_obs", "CLs_exp", "q", "q_asimov", "mu_hat", "twice_nll_conditional"):
            np.testing.assert_allclose(getattr(block, name), getattr(single, name), rtol=1e-6, atol=1e-6, err_msg=name)
    assert blocks[0].CLs_obs[:2] == pytest.approx([1.0, 1.0])
    assert blocks[0].status[2] == PointStatus.NO_SIGNAL


def test_what_does_not_depend_on_the_poi_is_fitted_once(group: ModelGroup) -> None:
    (block, *_) = scan_cls(group, np.arange(2), VALUES)
    assert block.n_fits == 1 + 2 * 2 + 2 * 2 * len(VALUES)
