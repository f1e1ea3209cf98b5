"""Reading a store: as an xarray dataset, the status of its points, and the reasons of those that failed."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from hfscale.inference.results import PointStatus
from hfscale.plan.tasks import Plan
from hfscale.store.blocks import chunk_of
from hfscale.store.layout import Variable
from hfscale.store.whole_chunks import WholeChunks

if TYPE_CHECKING:
    import xarray
    import zarr


def open_dataset(group: "zarr.Group", status: UInt8[np.ndarray, "point *mu"]) -> "xarray.Dataset":
    """Open a store as a dataset whose arrays are read when they are used.

    `xarray.open_zarr` gives the same of a sound store without this package, but for one thing: a task that was killed
    between its data and its marker shows what it has stored there, and nothing here.

    Args:
        group: The group of the store, with the chunks of unfinished tasks hidden. Reading a damaged chunk of another
            raises StoreError.
        status: Status of every point.
    """
    import xarray

    dataset: xarray.Dataset = xarray.open_zarr(group.store, chunks=None)
    stored = dataset["status"]
    return dataset.assign(status=(stored.dims, status, stored.attrs))


def point_status(
    chunks: WholeChunks, plan: Plan, variable: Variable, done: AbstractSet[str]
) -> UInt8[np.ndarray, "point *mu"]:
    """Return the status of every point at every POI value, "not run" for those of unfinished tasks.

    Raises:
        StoreError: A chunk of a finished task is missing or damaged.
    """
    status = np.full(chunks.shape(variable.name), PointStatus.NOT_RUN, dtype=np.uint8)
    for task in plan.tasks:
        if task.id in done:
            status[task.start : task.stop] = chunks.read(chunk_of(variable, plan, task))
    return status


def point_reasons(
    names: Sequence[str], plan: Plan, markers: Iterable[Mapping[str, Any]], failures: Mapping[str, str]
) -> dict[str, str]:
    """Return why each failed point failed, its own reason or that of its task, in the order of the points."""
    found: dict[str, str] = {}
    for marker in markers:
        found.update({str(name): str(why) for name, why in marker.get("reasons", {}).items()})
    for task_id, why in failures.items():
        task = plan.task(task_id)
        found.update(dict.fromkeys(names[task.start : task.stop], why))
    return {name: found[name] for name in names if name in found}
