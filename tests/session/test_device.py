"""A session on GPUs: refused where there is none, and one device for all of its jobs."""

import jax
import pytest

import hfscale
from hfscale.errors import InputError
from hfscale.fit import devices
from hfscale.runtime import crossover
from hfscale.runtime.devices import Gpu
from hfscale.store.open import open_store
from tests.program import Search


def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="JAX sees none here"):
        hfscale.Session("processes", device="gpu")


def test_all_jobs_compute_on_the_device_of_the_session(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossover, "find_gpus", lambda: (Gpu("0", "made up"),))
    monkeypatch.setattr(devices, "jax_devices", lambda kind: jax.devices("cpu"))
    with hfscale.Session("local", device="gpu") as session:
        with pytest.raises(InputError, match="device is not an option of a job"):
            session.cls(small.workspace, small.patchset, store=small.store, device="cpu")
        results = session.cls(small.workspace, small.patchset, store=small.store).result(600.0)
    assert results.status().finished
    store = open_store(small.store)
    assert store.attributes["provenance"]["device"] == "gpu"
    assert {marker["device"] for marker in store.markers(store.done()).values()} == {"gpu (cpu)"}
