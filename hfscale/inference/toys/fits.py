"""Fits of toys: two for each, and the test statistic from them."""

from hfscale.inference.toys.results import ToyBlock, ToyOrigins
from hfscale.inference.toys.settings import Hypothesis, ToySettings
from hfscale.model.structure import ModelGroup


def run_toys(
    group: ModelGroup,
    row: int,
    origins: ToyOrigins,
    hypothesis: Hypothesis,
    mu: float,
    first: int,
    count: int,
    settings: ToySettings,
) -> ToyBlock:
    """Throw and fit toys `first` to `first + count - 1` of a point, testing the POI value `mu`."""
    raise NotImplementedError
