"""All toys of a store as one dataset."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from hfscale.inference.toys.feldman_cousins import TwoSidedToys
from hfscale.plan.cells import Cell
from hfscale.plan.settings import Calculation
from hfscale.store.layout import HYPOTHESES, TOY_VARIABLES
from hfscale.store.store import ResultStore
from hfscale.store.toys import CellToys

if TYPE_CHECKING:
    import xarray


class ToyStatistics(NamedTuple):
    """Test statistics of the toys of a signal point and POI value, of all rounds, and what became of each toy."""

    q: Float[np.ndarray, "hypothesis toy"]
    status: Int[np.ndarray, "hypothesis toy"]


def read_statistics(store: ResultStore, cells: Iterable[Cell]) -> Iterator[ToyStatistics]:
    """Read the statistics of toys of one cell after the other; empty ones where the store has no round yet."""
    for rounds in store.read_toys(cells, ("q", "status")):
        yield ToyStatistics(_joined(rounds, "q"), _joined(rounds, "status").astype(np.int64))


def read_tested(store: ResultStore, cells: Iterable[Cell]) -> Iterator[TwoSidedToys]:
    """Read the toys of the tested hypothesis of one cell after the other, of all rounds."""
    names = ("twice_nll_conditional", "twice_nll_free", "mu_hat", "status")
    tested = HYPOTHESES.index("sb")
    for rounds in store.read_toys(cells, names):
        conditional, free, mu_hat, status = (_joined(rounds, name)[tested] for name in names)
        yield TwoSidedToys(np.maximum(conditional - free, 0.0), mu_hat, status.astype(np.int64))


def _joined(rounds: Sequence[CellToys], name: str) -> Shaped[np.ndarray, "hypothesis toy"]:
    nothing = np.zeros((len(HYPOTHESES), 0), dtype=TOY_VARIABLES[name].dtype)
    return np.concatenate([nothing, *(toys.arrays[name] for toys in rounds)], axis=1)


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

    values = Calculation.model_validate(store.settings["calculation"]).toy_poi_values
    cells = [[Cell(point, mu) for mu in range(len(values))] for point in points]
    seed = np.concatenate([np.full(toys.count, toys.seed) for toys in store.rounds])
    index = np.concatenate([np.arange(toys.first, toys.stop) for toys in store.rounds])
    order = np.lexsort((index, seed))
    dims = ("point", "mu", "hypothesis", "toy")
    read = [
        [{name: _joined(toys, name)[:, order] for name in TOY_VARIABLES} for toys in store.read_toys(row)]
        for row in cells
    ]
    variables = {
        name: (dims, np.stack([np.stack([arrays[name] for arrays in row]) for row in read]), variable.attributes())
        for name, variable in TOY_VARIABLES.items()
    }
    coordinates = {
        "name": ("point", [store.names[k] for k in points]),
        "mu": ("mu", list(values)),
        "hypothesis": ("hypothesis", list(HYPOTHESES)),
        "toy": ("toy", index[order]),
        "seed": ("toy", seed[order]),
    }
    return xarray.Dataset(variables, coordinates, {"generator": store.rounds[0].generator})
