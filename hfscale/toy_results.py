"""Reading the toys of a store: p-values of every signal point, and all toys as one dataset."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from hfscale.inference.results import PointStatus
from hfscale.inference.toys.p_values import PValueStatus, ToyPValues, toy_p_values
from hfscale.store.blocks import open_array
from hfscale.store.layout import HYPOTHESES, TOY_VARIABLES
from hfscale.store.store import ResultStore
from hfscale.store.toys import PointToys

if TYPE_CHECKING:
    import xarray

_WITHOUT_SIGNAL = {"CLs_obs": 1.0, "CLs_exp": [1.0] * 5, "CLsb": 1.0, "CLb": 1.0}


class PointPValues(NamedTuple):
    """What the toys of a signal point say.

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


def read_p_values(store: ResultStore) -> Iterator[PointPValues]:
    """Compute the p-values of every signal point of a store, in order, from the toys of its finished tasks."""
    observed = open_array(store.group, "q")[:, 0]
    found = np.where(store.point_status()[:, 0] == PointStatus.OK, np.asarray(observed), np.nan)
    lost = {task.point: why for task, why in store.toy_failures().items()}
    planned = [sum(task.count for toys in store.rounds for task in toys.by_point.get(k, ())) for k in range(len(found))]
    for k, rounds in enumerate(store.read_toys(range(len(found)), ("q", "status"))):
        q, status = (_joined(rounds, name) for name in ("q", "status"))
        p_values = toy_p_values(float(found[k]), q[0], status[0].astype(np.int64), q[1], status[1].astype(np.int64))
        yield PointPValues(p_values, planned[k], lost.get(k, ""))


def _joined(rounds: Sequence[PointToys], name: str) -> Shaped[np.ndarray, "hypothesis toy"]:
    return np.concatenate([toys.arrays[name] for toys in rounds], axis=1)


def with_toys(point: dict[str, Any], toys: PointPValues) -> dict[str, Any]:
    """Add what toys say to the JSON object of a signal point, which has the numbers of its fits."""
    p, incomplete = toys.p_values, toys.present < toys.planned
    result = {**point, **_p_value_fields(p), "toys": _toy_fields(p)}
    if point["status"] == "no_signal":
        return {**result, **_WITHOUT_SIGNAL}
    if point["status"] != "ok":
        return result
    if incomplete:
        result["status"] = "partial" if toys.present else "pending"
    elif p.status != PValueStatus.OK:
        result["status"] = "failed"
    reason = toys.reason if incomplete else p.reason
    return {**result, "reason": reason} if reason else result


def _p_value_fields(p: ToyPValues) -> dict[str, Any]:
    return {
        "CLs_obs": _number(p.CLs_obs),
        "CLs_exp": [float(value) for value in p.CLs_exp] if np.isfinite(p.CLs_exp).all() else None,
        "CLsb": _number(p.CLsb),
        "CLb": _number(p.CLb),
    }


def _toy_fields(p: ToyPValues) -> dict[str, Any]:
    return {
        "sb": p.sb.finished,
        "b": p.b.finished,
        "failed_sb": p.sb.failed,
        "failed_b": p.b.failed,
        "CLs_obs_interval": _numbers(p.CLs_obs_interval),
        "CLs_exp_interval": [_numbers(interval) for interval in p.CLs_exp_interval],
        "CLs_obs_bounds": _numbers(p.CLs_obs_bounds),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [_number(value) for value in values]


def toys_to_xarray(store: ResultStore, points: Sequence[int]) -> "xarray.Dataset":
    """All toys of some signal points, of all rounds, ordered by seed and index.

    Args:
        store: The store.
        points: Positions of the points.

    Returns:
        Every array over (point, mu, hypothesis, toy), with the coordinates `name`, `mu`, `hypothesis`, `toy` (index of
        the toy) and `seed`; status 0 (not run) where there is no toy.
    """
    import xarray

    rounds = list(store.read_toys(points))
    seed = np.concatenate([np.full(toys.count, toys.seed) for toys in store.rounds])
    index = np.concatenate([np.arange(toys.first, toys.stop) for toys in store.rounds])
    order = np.lexsort((index, seed))
    dims = ("point", "mu", "hypothesis", "toy")
    variables = {
        name: (dims, np.stack([_joined(toys, name)[None, :, order] for toys in rounds]), variable.attributes())
        for name, variable in TOY_VARIABLES.items()
    }
    coordinates = {
        "name": ("point", [store.names[k] for k in points]),
        "mu": ("mu", np.asarray(open_array(store.group, "mu")[:])),
        "hypothesis": ("hypothesis", list(HYPOTHESES)),
        "toy": ("toy", index[order]),
        "seed": ("toy", seed[order]),
    }
    return xarray.Dataset(variables, coordinates, {"generator": store.rounds[0].generator})
