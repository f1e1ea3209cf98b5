"""What toys are thrown from: fits of the observed data of several points."""

import numpy as np
from jaxtyping import Int

from hfscale.inference.toys.results import ToyOrigins
from hfscale.inference.toys.settings import ToySettings
from hfscale.model.structure import ModelGroup


def toy_origins(group: ModelGroup, rows: Int[np.ndarray, " point"], mu: float, settings: ToySettings) -> ToyOrigins:
    """Fit the observed data of the points in `rows` of a group, testing the POI value `mu`."""
    raise NotImplementedError
