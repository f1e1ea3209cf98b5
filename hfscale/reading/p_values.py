"""p-values of the signal points of a store from their toys, computed when they are read, and as JSON fields."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from hfscale.inference.results import PointStatus
from hfscale.inference.toys.p_values import PValueStatus, ToyPValues, toy_p_values
from hfscale.plan.cells import Cell
from hfscale.plan.toys import planned_toys
from hfscale.reading.records import number, numbers
from hfscale.reading.toys import read_statistics
from hfscale.store.blocks import open_array
from hfscale.store.store import ResultStore


class CellPValues(NamedTuple):
    """What the toys of a signal point at a POI value say.

    Attributes:
        p_values: From the toys that there are.
        planned: Toys per hypothesis that were planned.
        reason: Why toys are missing, empty where they were not run yet or none is missing.
    """

    p_values: ToyPValues
    planned: int
    reason: str

    @property
    def present(self) -> int:
        """Toys per hypothesis that were run."""
        return self.p_values.b.finished + self.p_values.b.failed


def read_p_values(store: ResultStore, points: Iterable[int] | None = None) -> Iterator[CellPValues]:
    """Compute p-values from the toys of the finished tasks of a store: point by point, for each POI value in order.

    Args:
        store: The store.
        points: Positions of the signal points, None for all.
    """
    observed = observed_statistics(store)
    n_points, n_values = observed.shape
    chosen = range(n_points) if points is None else points
    cells = [Cell(point, mu) for point in chosen for mu in range(n_values)]
    lost = {task.cell: why for task, why in store.toy_failures().items()}
    planned = planned_toys(store.rounds)
    for cell, (q, status) in zip(cells, read_statistics(store, cells), strict=True):
        p_values = toy_p_values(float(observed[cell]), q[0], status[0], q[1], status[1])
        yield CellPValues(p_values, planned.get(cell, 0), lost.get(cell, ""))


def observed_statistics(store: ResultStore) -> Float[np.ndarray, "point mu"]:
    """Observed test statistic of every signal point and POI value, NaN where there is none."""
    name = "q" if "q" in store.variables else "q0"
    n_points = len(store.names)
    found = np.asarray(open_array(store.group, name)[...]).reshape(n_points, -1)
    status = np.asarray(store.point_status()).reshape(n_points, -1)
    return np.where(status == PointStatus.OK, found, np.nan)


def with_cls(point: dict[str, Any], toys: CellPValues, observed: bool) -> dict[str, Any]:
    """Add CLs from toys to the JSON object of a signal point at a POI value, which has the numbers of its fits.

    Args:
        point: The object.
        toys: What the toys say.
        observed: Whether there are observed data to say something of.
    """
    p = toys.p_values
    fields = {
        "CLs_obs": number(p.CLs_obs),
        "CLs_exp": _band(p.CLs_exp),
        "CLsb": number(p.CLsb),
        "CLb": number(p.CLb),
        "toys": {
            **_counts(p),
            "CLs_obs_interval": numbers(p.CLs_obs_interval),
            "CLs_exp_interval": [numbers(interval) for interval in p.CLs_exp_interval],
            "CLs_obs_bounds": numbers(p.CLs_obs_bounds),
        },
    }
    if point["status"] == "no_signal":
        fields |= {"CLs_obs": 1.0, "CLs_exp": [1.0] * 5, "CLsb": 1.0, "CLb": 1.0}
    return {**point, **fields, **_standing(point, toys, observed)}


def with_p0(point: dict[str, Any], toys: CellPValues, observed: bool) -> dict[str, Any]:
    """Add p0 and Z from toys, as `with_cls`; the tested hypothesis is the background-only one, with POI 0."""
    p = toys.p_values
    fields = {
        "p0": number(p.CLsb),
        "Z": significance_of(p.CLsb),
        "p0_exp": _band(p.CLsb_exp),
        "Z_exp": None if _band(p.CLsb_exp) is None else [significance_of(value) for value in p.CLsb_exp],
        "toys": {**_counts(p), "p0_interval": numbers(p.CLsb_interval)},
    }
    if point["status"] == "no_signal":
        fields |= {"p0": 0.5, "Z": 0.0, "p0_exp": None, "Z_exp": None}
    return {**point, **fields, **_standing(point, toys, observed)}


def _standing(point: dict[str, Any], toys: CellPValues, observed: bool) -> dict[str, Any]:
    """The status that the toys leave a point with, and the reason where it is not "ok"."""
    if point["status"] != "ok":
        return {}
    if toys.present < toys.planned or not toys.planned:
        status, reason = "partial" if toys.present else "pending", toys.reason
    else:
        status, reason = _verdict(toys.p_values, observed)
    return {"status": status, **({"reason": reason} if reason else {})}


def _verdict(p: ToyPValues, observed: bool) -> tuple[str, str]:
    if p.status == PValueStatus.OK or (not observed and p.sb.finished and p.b.finished):
        return "ok", ""
    if observed or p.status == PValueStatus.NO_TOYS:
        return "failed", p.reason
    return "failed", "no toy of one of the hypotheses is finished"


def _counts(p: ToyPValues) -> dict[str, int]:
    return {"sb": p.sb.finished, "b": p.b.finished, "failed_sb": p.sb.failed, "failed_b": p.b.failed}


def significance_of(p_value: float) -> float | None:
    """Standard deviations of a one-sided p-value: 0 without an excess; none for 0, which more toys would raise."""
    return max(0.0, -float(ndtri(p_value))) if p_value > 0.0 else None


def _band(values: Float[np.ndarray, " nsigma"]) -> list[float] | None:
    return [float(value) for value in values] if np.isfinite(values).all() else None
