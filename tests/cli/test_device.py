"""``--device``: refused where there is no GPU, and the same numbers where the CPU plays the part of one."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml

from hfscale.fit import devices
from hfscale.runtime import crossover
from hfscale.runtime.devices import Gpu
from hfscale.store.files import done_folder
from hfscale.store.open import open_store
from tests.program import Search, arrays_of, hfscale


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossover, "find_gpus", lambda: (Gpu("0", "made up", None),))
    monkeypatch.setattr(devices, "jax_devices", lambda kind: jax.devices("cpu"))


def devices_of_tasks(store: Path) -> set[str | None]:
    return {json.loads(marker.read_text()).get("device") for marker in done_folder(store).iterdir()}


def test_a_gpu_that_is_not_there_is_refused_and_nothing_written(small: Search, tmp_path: Path) -> None:
    store = tmp_path / "results.zarr"
    ended = hfscale("cls", small.workspace, small.patchset, "-o", store, "--device", "gpu")
    assert ended.code == 2
    assert "JAX sees none here" in ended.err
    assert "remedy: pip install 'hfscale[cuda]' (jax[cuda12])" in ended.err
    document = {"schema": 1, "workspace": str(small.workspace), "patchset": str(small.patchset), "store": str(store)}
    campaign = tmp_path / "campaign.yaml"
    campaign.write_text(yaml.safe_dump({**document, "run": {"device": "gpu"}}))
    assert hfscale("run", campaign).code == 2
    assert not store.exists()
    # The command line wins, and auto never fails.
    ended = hfscale("run", campaign, "--device", "auto")
    assert ended.code == 0, ended.err
    assert "device: cpu (JAX sees no GPU)" in ended.err
    assert open_store(store).attributes["provenance"]["device"] == "cpu"
    assert devices_of_tasks(store) == {None}
    assert hfscale("worker", store, "--device", "gpu").code == 2


def test_a_gpu_gives_the_same_numbers_and_is_recorded(small: Search, tmp_path: Path, gpu: None) -> None:
    stores = {device: tmp_path / f"{device}.zarr" for device in ("cpu", "gpu")}
    for device, store in stores.items():
        options = ("--executor", "local", "--task-points", "2", "--device", device)
        ended = hfscale("cls", small.workspace, small.patchset, "-o", store, *options)
        assert ended.code == 0, ended.err
        assert open_store(store).attributes["provenance"]["device"] == device
    assert devices_of_tasks(stores["gpu"]) == {"gpu (cpu)"}
    found, known = arrays_of(stores["gpu"]), arrays_of(stores["cpu"])
    for name in ("//q", "//CLs_obs", "//CLs_exp"):
        assert np.isfinite(known[name]).any()
        np.testing.assert_allclose(found[name], known[name], rtol=0.0, atol=1e-9)


def test_more_workers_than_gpus_are_refused_and_nothing_written(small: Search, tmp_path: Path, gpu: None) -> None:
    store = tmp_path / "results.zarr"
    ended = hfscale("cls", small.workspace, small.patchset, "-o", store, "--device", "gpu", "--workers", 2)
    assert ended.code == 2
    assert "2 workers were asked for, but each needs a GPU of its own, and there are 1 here" in ended.err
    assert not store.exists()


def test_going_on_on_another_device_is_said(small: Search, tmp_path: Path, gpu: None) -> None:
    store = tmp_path / "results.zarr"
    common = (small.workspace, small.patchset, "-o", store, "--executor", "local", "--task-points", "2")
    assert hfscale("cls", *common).code == 0
    left = sorted(done_folder(store).iterdir())[0]
    left.unlink()
    ended = hfscale("cls", *common, "--device", "gpu")
    assert ended.code == 0
    assert "was begun on cpu and goes on on gpu: test statistics agree to about 1e-9" in " ".join(ended.err.split())
    assert devices_of_tasks(store) == {None, "gpu (cpu)"}
    # Nothing is left now, and nothing to say.
    assert "begun on" not in hfscale("cls", *common, "--device", "gpu").err


def test_toys_and_workers_compute_there_too(small: Search, tmp_path: Path, gpu: None) -> None:
    store = tmp_path / "toys.zarr"
    common = (small.workspace, small.patchset, "-o", store, "--executor", "local", "--points", "*_0")
    names = hfscale("inspect", small.workspace, small.patchset, "--json")
    assert names.code == 0
    ended = hfscale("cls", *common[:-2], "--calctype", "toybased", "--ntoys", "50", "--device", "gpu")
    assert ended.code == 0, ended.err
    assert devices_of_tasks(store) == {"gpu (cpu)"}
    for marker in done_folder(store).iterdir():
        marker.unlink()
    assert hfscale("worker", store, "--device", "gpu").code == 0
    assert devices_of_tasks(store) == {"gpu (cpu)"}
    assert hfscale("toys", store, "--more", "50", "--executor", "local").code == 0
    assert devices_of_tasks(store) == {None, "gpu (cpu)"}
