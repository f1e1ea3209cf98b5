import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr

from hfscale.errors import StoreError
from hfscale.store.create import label_array_names
from hfscale.store.layout import NSIGMA, VARIABLES
from hfscale.store.open import is_store, open_store
from hfscale.store.store import ResultStore

MakeStore = Callable[..., ResultStore]


@pytest.mark.parametrize("consolidated", [None, True, False])
def test_xarray_reads_a_new_store_without_this_package_and_without_warnings(
    store: ResultStore, consolidated: bool | None
) -> None:
    with xarray.open_zarr(store.path, consolidated=consolidated) as dataset:
        dataset.load()
        assert dict(dataset.sizes) == {"point": 7, "mu": 1, "nsigma": 5, "parameter": 3}
        assert set(dataset.data_vars) == set(VARIABLES)
        assert set(dataset.coords) == {"name", "m_x", "label_mu", "decay", "mu", "nsigma", "parameter"}
        assert list(dataset["name"].values[:2]) == ["signal_0", "signal_1"]
        assert list(dataset["decay"].values[:2]) == ["tt", "bb"]
        assert list(dataset["nsigma"].values) == list(NSIGMA)
        assert np.isnan(dataset["CLs_obs"].values).all()
        assert (dataset["status"].values == 0).all()
        assert all({"long_name", "units"} <= variable.attrs.keys() for variable in dataset.variables.values())
        assert dataset["status"].attrs["flag_meanings"] == "not_run ok no_signal failed"


@pytest.mark.parametrize("use_consolidated", [None, False])
def test_zarr_lists_the_whole_store_without_warnings(store: ResultStore, use_consolidated: bool | None) -> None:
    group = zarr.open_group(store.path, mode="r", use_consolidated=use_consolidated)
    members = dict(group.members(max_depth=None))
    assert VARIABLES.keys() < members.keys()
    assert all(node.dtype.kind != "O" for node in members.values() if isinstance(node, zarr.Array))


def test_a_chunk_is_one_task(store: ResultStore) -> None:
    for name in VARIABLES:
        node = store.group[name]
        assert isinstance(node, zarr.Array)
        assert node.chunks == (3, *node.shape[1:])


def test_a_store_opens_as_it_was_made(store: ResultStore) -> None:
    again = open_store(store.path)
    assert again == store
    assert again.inputs() == {"workspace": {"channels": []}}
    assert again.settings["poi"] == "mu_SIG"
    assert again.labels == {"m_x": "m_x", "mu": "label_mu", "decay": "decay"}
    assert again.attributes["provenance"] == {"command": "cls"}


def test_labels_that_cannot_name_an_array_get_a_name_that_can() -> None:
    assert label_array_names(["m x", "m_x", "CLs_obs", "a/b", "..", "_q"]) == {
        "m x": "m_x",
        "m_x": "m_x_2",
        "CLs_obs": "label_CLs_obs",
        "a/b": "a_b",
        "..": "label_..",
        "_q": "label__q",
    }


def test_what_exists_and_is_no_store_is_not_touched(make_store: MakeStore, tmp_path: Path) -> None:
    file, folder = tmp_path / "notes.txt", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    for path in (file, folder):
        with pytest.raises(StoreError, match="not a result store"):
            make_store(path)
    assert file.read_text() == "mine"
    assert list(folder.iterdir()) == []
    assert sorted(tmp_path.iterdir()) == [folder, file]


def test_an_existing_store_is_not_made_again(store: ResultStore, make_store: MakeStore) -> None:
    with pytest.raises(StoreError, match="exists already"):
        make_store(store.path)


def test_a_missing_parent_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"folder .*nowhere.* does not exist"):
        make_store(tmp_path / "nowhere" / "results.zarr")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_parent_without_write_permission_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        make_store(folder / "results.zarr")


def test_a_creation_that_fails_leaves_nothing(make_store: MakeStore, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Poison(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]
            raise KilledError

    with pytest.raises(KilledError):
        make_store(inputs=Poison(a=1))
    assert list(tmp_path.iterdir()) == []


def test_old_drafts_of_killed_creations_are_removed(make_store: MakeStore, tmp_path: Path) -> None:
    old, young = tmp_path / ".results.zarr.1.partial", tmp_path / ".results.zarr.2.partial"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    make_store()
    assert sorted(tmp_path.iterdir()) == [young, tmp_path / "results.zarr"]


def test_what_is_no_store_does_not_open(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "other.zarr", mode="w-", zarr_format=3)
    assert not is_store(tmp_path / "other.zarr")
    with pytest.raises(StoreError, match="is not a result store"):
        open_store(tmp_path / "other.zarr")
    with pytest.raises(StoreError, match="does not exist"):
        open_store(tmp_path / "nowhere.zarr")


def test_a_store_of_a_newer_version_does_not_open(store: ResultStore) -> None:
    file = store.path / "zarr.json"
    file.write_text(file.read_text().replace('"hfscale_format": 1', '"hfscale_format": 99'))
    with pytest.raises(StoreError, match="store format 99"):
        open_store(store.path)


def test_a_damaged_plan_is_named(store: ResultStore) -> None:
    (store.path / "_hfscale" / "ledger" / "plan.json").write_text("{")
    with pytest.raises(StoreError, match=r"plan\.json"):
        open_store(store.path)
