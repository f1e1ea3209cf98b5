"""Making a new store: complete under another name first, then put in place, so that no half store is ever seen."""

import glob
import os
import re
import shutil
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hfscale.errors import StoreError
from hfscale.inference.results import SIGNAL_VARIATIONS
from hfscale.plan.tasks import Plan
from hfscale.plan.toys import ToyRound
from hfscale.store import files
from hfscale.store.blocks import BlockSizes
from hfscale.store.layout import (
    FORMAT_VERSION,
    GRID_DIMENSIONS,
    NAMED_AXES,
    NSIGMA,
    RESERVED,
    Variable,
    block_shape,
    compressors,
    variables_of,
)
from hfscale.store.objects import ObjectPlace
from hfscale.store.open import is_store, open_store
from hfscale.store.places import Place, local, put_in_place, store_place
from hfscale.store.seals import write_manifest
from hfscale.store.store import ResultStore
from hfscale.store.toys import create_round

if TYPE_CHECKING:
    import zarr

_PLAIN_NAME = re.compile(r"[^A-Za-z0-9_.+-]")


def create_store(
    path: str | Place,
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    plan: Plan,
    labels: Mapping[str, np.ndarray],
    parameters: Sequence[str],
    mu: Float[np.ndarray, "mu"],
    provenance: Mapping[str, Any],
    rounds: Sequence[ToyRound] = (),
    grid: Sequence[int] = (),
) -> ResultStore:
    """Make an empty store with every array, the plan and a copy of the inputs.

    Args:
        path: Folder to make. It must not exist.
        settings: The document of `hfscale.plan.digests.settings_document`; its ``points`` name the signal points.
        inputs: JSON document that workers read their inputs from.
        plan: The tasks; a task is one chunk of the point axis.
        labels: One array over the points per label of the patchset, of numbers or of text.
        parameters: Names of the model's parameters.
        mu: The tested values of the parameter of interest; none where the calculation finds its own.
        provenance: JSON document of who made it with what: versions, digests.
        rounds: The toys, if the calculation has any.
        grid: How many values of each scanned parameter there are, if the calculation scans any.

    Raises:
        StoreError: The path exists, its parent is missing, or it cannot be written; nothing was touched.
    """
    target = store_place(path)
    refuse_target(target)
    _sweep_old_drafts(target)
    failure, remedy = f"the store {target} cannot be written", "make room, or choose another place for the store"
    with files.drafted(target, failure, remedy) as draft:
        _write_arrays(draft, settings, plan, labels, parameters, mu, grid, provenance)
        _write_documents(draft, inputs, plan)
        write_manifest(files.manifest_file(draft), draft, "", files.read_json(draft / "zarr.json")["attributes"])
        for toys in rounds:
            # Without an axis of POI values, toys test the background-only hypothesis.
            create_round(draft, toys, settings["points"], mu if len(mu) else np.zeros(1))
        put_in_place(draft, target)
    return open_store(target)


def refuse_target(target: Place) -> None:
    """Raise StoreError where no new store can be made: something exists there, or the folder cannot be written."""
    if is_store(target):
        raise StoreError(f"the store {target} exists already", remedy="continue it, or give another name")
    if isinstance(target, ObjectPlace):
        if target.is_dir():
            raise StoreError(
                f"there are objects below {target}, which is not a result store; none was touched",
                remedy="give another name for the store, or remove them",
            )
    else:
        _refuse_folder(local(target))


def _refuse_folder(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise StoreError(
            f"{target} exists and is not a result store; it was not touched",
            remedy="give another name for the store, or move what is there",
        )
    if not target.parent.is_dir():
        raise StoreError(
            f"the folder {target.parent} of the store {target.name} does not exist", remedy="make the folder first"
        )
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise StoreError(f"the folder {target.parent} cannot be written", remedy="choose another place for the store")


def _sweep_old_drafts(target: Place) -> None:
    """Remove what is left of attempts to make this store that were killed more than an hour ago."""
    if isinstance(target, ObjectPlace):
        return
    oldest, path = time.time() - 3600.0, local(target)
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*{files.PARTIAL_SUFFIX}"):
        if draft.stat().st_mtime < oldest:
            shutil.rmtree(draft, ignore_errors=True)


def _write_arrays(
    draft: Path,
    settings: Mapping[str, Any],
    plan: Plan,
    labels: Mapping[str, np.ndarray],
    parameters: Sequence[str],
    mu: Float[np.ndarray, "mu"],
    grid: Sequence[int],
    provenance: Mapping[str, Any],
) -> None:
    import zarr

    label_names = label_array_names(list(labels))
    variables = variables_of(settings["calculation"])
    scan_values = [f"values_{axis}" for axis, _ in zip(GRID_DIMENSIONS, grid)]
    group = zarr.open_group(
        zarr.storage.LocalStore(draft),
        mode="w-",
        zarr_format=3,
        attributes={
            "Conventions": "CF-1.12",
            "hfscale_format": FORMAT_VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": dict(settings),
            "labels": {label_names[label]: label for label in labels},
            "provenance": dict(provenance),
            "manifest": files.manifest_file(Path()).as_posix(),
            # Read by xarray, which then shows these arrays as coordinates.
            "coordinates": " ".join(["name", *label_names.values(), *scan_values]),
        },
    )
    for variable in variables.values():
        _create_variable(group, variable, plan, BlockSizes(len(mu), len(parameters), tuple(grid)))
    _create_coordinate(group, "name", "point", np.array(settings["points"], dtype=object), "name of the signal point")
    for label, values in labels.items():
        _create_coordinate(group, label_names[label], "point", values, label)
    if any("mu" in variable.dims for variable in variables.values()):
        _create_coordinate(group, "mu", "mu", mu, "tested value of the parameter of interest")
    if grid:
        scanned = np.array(settings["calculation"]["parameters"], dtype=object)
        _create_coordinate(group, "scanned", "scanned", scanned, "name of the scanned parameter")
    _create_coordinate(group, "nsigma", "nsigma", np.array(NSIGMA), "standard deviations from the expected median")
    if any("signal_variation" in variable.dims for variable in variables.values()):
        long_name = "standard deviations of the cross-section of the signal"
        _create_coordinate(group, "signal_variation", "signal_variation", np.array(SIGNAL_VARIATIONS), long_name)
    _create_coordinate(group, "parameter", "parameter", np.array(parameters, dtype=object), "name of the parameter")
    used = {dim for variable in variables.values() for dim in variable.dims}
    channels = settings["calculation"].get("channels", ())
    named: dict[str, Sequence[str]] = {"parameter_other": parameters, "channel": channels, **NAMED_AXES}
    for axis in used & named.keys():
        _create_coordinate(group, axis, axis, np.array(named[axis], dtype=object), f"name of the {axis}")
    files.create_ledger_node(group)
    with warnings.catch_warnings():
        # zarr notes that consolidated metadata is not in the format's specification yet. Here it only saves readers a
        # listing: all metadata are final when the store is made.
        warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
        zarr.consolidate_metadata(group.store)


def _create_variable(group: "zarr.Group", variable: Variable, plan: Plan, sizes: BlockSizes) -> None:
    group.create_array(
        variable.name,
        shape=block_shape(variable, plan.n_points, *sizes),
        chunks=tuple(max(size, 1) for size in block_shape(variable, plan.task_points, *sizes)),
        dtype=variable.dtype,
        fill_value=variable.fill,
        compressors=compressors(),
        dimension_names=variable.dims,
        attributes=variable.attributes(),
    )


def _create_coordinate(group: "zarr.Group", name: str, dim: str, values: np.ndarray, long_name: str) -> None:
    is_number = values.dtype.kind in "fiu"
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=(max(len(values), 1),),
        dtype="float64" if is_number else str,
        fill_value=float("nan") if is_number else "",
        compressors=compressors(),
        dimension_names=(dim,),
        attributes={"long_name": long_name, "units": "1"},
    )
    # A chunk of nothing but fill values must become a file too, so that one that was lost is noticed.
    array = array.with_config({"write_empty_chunks": True})
    array[:] = values.astype("float64") if is_number else values.astype(object)


def label_array_names(labels: Sequence[str]) -> dict[str, str]:
    """Choose the name of the array of each label: the label itself where it can be one.

    A label that is the name of another array gets the prefix ``label_``; characters that zarr or the list of
    coordinates cannot hold become underscores; labels that fall together then are numbered.
    """
    chosen: dict[str, str] = {}
    for label in labels:
        name = _PLAIN_NAME.sub("_", label)
        if name in RESERVED or not name.strip("._") or name.startswith("_"):
            name = f"label_{name}"
        unique, number = name, 2
        while unique in chosen.values():
            unique, number = f"{name}_{number}", number + 1
        chosen[label] = unique
    return chosen


def _write_documents(draft: Path, inputs: Mapping[str, Any], plan: Plan) -> None:
    files.write_json(files.plan_file(draft), plan.to_json())
    files.write_compressed_json(files.inputs_file(draft), inputs)
    for folder in (files.done_folder(draft), files.failed_folder(draft)):
        folder.mkdir()
