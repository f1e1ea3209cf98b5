"""Expected signal events, which turn limits on the POI into limits on numbers of events."""

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.slots import minimise
from hfscale.model.structure import ModelGroup


def signal_yields(group: ModelGroup, rows: Int[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    """Events in all bins of points of a group with the POI at 1 minus those with it at 0, before any fit.

    Nuisance parameters are at the values that the model suggests, whatever the data. Points without signal have 0.
    """
    yields = np.zeros(len(rows))
    signal = group.has_signal[rows]
    if signal.any():
        with_signal, without = (_events(group, rows[signal], poi) for poi in (1.0, 0.0))
        yields[signal] = with_signal - without
    return yields


def _events(group: ModelGroup, rows: Int[np.ndarray, " fitted"], poi: float) -> Float[np.ndarray, " fitted"]:
    """Events with all parameters fixed: by a fit of nothing, whose program the fits of limits need anyway."""
    theta = group.inits[rows]
    theta[:, group.structure.poi] = poi
    points = group.points.take(rows)
    rates = minimise(group.structure, group.shared, points._replace(fixed=np.ones_like(points.fixed)), theta).rates
    events: Float[np.ndarray, " fitted"] = np.where(points.bins > 0, rates, 0.0).sum(axis=1)
    return events
