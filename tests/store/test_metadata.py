"""What is written beside the numbers of every kind of store, for readers without this package."""

import json
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr

from hfscale.plan.cells import Cell
from hfscale.plan.digests import settings_document
from hfscale.plan.toys import make_round
from hfscale.store.files import done_folder
from hfscale.store.store import ResultStore
from tests.store.conftest import MU, NAMES

CALCULATIONS: dict[str, dict[str, Any]] = {
    "cls": {"kind": "cls"},
    "scan": {"kind": "scan"},
    "limit": {"kind": "limit"},
    "significance": {"kind": "significance"},
    "profile of one parameter": {"kind": "profile", "parameters": ["lumi"]},
    "profile of two parameters": {"kind": "profile", "parameters": ["lumi", "mu_SIG"]},
    "toys": {"kind": "cls", "calctype": "toybased"},
    "limit with toys": {"kind": "limit", "calctype": "toybased"},
    "significance with toys": {"kind": "significance", "calctype": "toybased"},
}
CODECS = {"bytes", "vlen-utf8", "zstd", "crc32c"}


def some_store(make_store: Callable[..., ResultStore], calculation: dict[str, Any]) -> ResultStore:
    settings = settings_document({}, "m", "mu", calculation, NAMES, ["m_x", "mu", "decay"])
    toys = make_round(0, 0, 5, 20, 10, [Cell(0), Cell(6)], NAMES, "")
    return make_store(
        settings=settings,
        rounds=(toys,) if "calctype" in calculation else (),
        grid=[5] * len(calculation.get("parameters", ())),
        mu=np.array([0.5, 1.0]) if calculation["kind"] == "scan" else MU,
    )


@pytest.mark.parametrize("kind", CALCULATIONS)
def test_every_array_says_what_it_is(make_store: Callable[..., ResultStore], kind: str) -> None:
    store = some_store(make_store, CALCULATIONS[kind])
    members = dict(zarr.open_group(store.path, mode="r", use_consolidated=False).members(max_depth=None))
    arrays = {name: node for name, node in members.items() if isinstance(node, zarr.Array)}
    assert ("toys/0000/q" in arrays) == ("calctype" in CALCULATIONS[kind])
    for name, node in arrays.items():
        metadata = node.metadata.to_dict()
        names = metadata.get("dimension_names") or ()
        assert len(names) == node.ndim, name
        assert all(names), name
        assert node.attrs["long_name"], name
        assert node.attrs["units"] == "1", name
        # Numbers and text only: reading a store runs nobody's code.
        assert node.dtype.kind in "fiuT", name
        codecs = [codec["name"] for codec in metadata["codecs"]]
        assert set(codecs) <= CODECS, name
        assert codecs[-1] == "crc32c" or name.startswith("_hfscale"), name
        if "status" in name:
            meanings = node.attrs["flag_meanings"].split()
            assert len(meanings) == len(node.attrs["flag_values"]), name


@pytest.mark.parametrize("kind", CALCULATIONS)
def test_every_kind_of_store_opens_in_xarray_without_a_warning(
    make_store: Callable[..., ResultStore], kind: str
) -> None:
    store = some_store(make_store, CALCULATIONS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(store.path, engine="zarr", chunks=None)
        assert {"name", "m_x", "label_mu", "decay", "parameter"} <= set(tree.coords)
        assert tree["status"].dims[0] == "point"
        if "calctype" in CALCULATIONS[kind]:
            toys = tree["toys/0000"]
            assert {"name", "mu", "hypothesis", "toy", "seed"} <= set(toys.coords)
            assert toys["q"].dims == ("point", "mu", "hypothesis", "toy")


def test_who_made_a_store_when_and_with_what_is_json(small_store: Path) -> None:
    attributes = json.loads((small_store / "zarr.json").read_text())["attributes"]
    assert attributes["Conventions"].startswith("CF-")
    provenance = attributes["provenance"]
    assert {"hfscale", "jax", "numpy", "zarr"} <= provenance["versions"].keys()
    assert {"host", "machine", "python", "workspace", "patchset"} <= provenance.keys()
    assert provenance["digests"] == attributes["settings"]["inputs"]
    assert attributes["settings"]["calculation"]["test_poi"] == 1.0
    created = datetime.fromisoformat(attributes["created"])
    markers = [json.loads(path.read_text()) for path in done_folder(small_store).iterdir()]
    assert len(markers) == 3
    for marker in markers:
        started, finished = (datetime.fromisoformat(marker[key]) for key in ("started", "finished"))
        assert created.timestamp() - 1.0 <= started.timestamp() < finished.timestamp()
        assert (finished - started).total_seconds() == pytest.approx(marker["seconds"], abs=1e-5)
        assert marker["host"] == provenance["host"]
        assert marker["versions"]["numpy"] == provenance["versions"]["numpy"]
