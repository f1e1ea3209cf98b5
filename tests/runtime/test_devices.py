"""Which device is chosen, and that every worker has a GPU of its own. The GPUs are made up: there is none here."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from hfscale.errors import InputError
from hfscale.runtime.crossover import Crossover, Rate, choose_device, keep_crossover
from hfscale.runtime.devices import CPU, Device, Gpu, find_gpus
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import as_executor, open_executor
from hfscale.runtime.executors.local import LocalExecutor
from tests.program import Search

TWO = (Gpu("2", "NVIDIA H200", 100 * 2**30), Gpu("5", "NVIDIA H200", 100 * 2**30))
GPUS = Device("gpu", TWO)
NAMES = ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION")


def environment(seconds: float = 0.0) -> dict[str, str]:
    """What a worker sees, after a while, so that no worker takes two calls of two."""
    time.sleep(seconds)
    return dict(os.environ)


def run_all(executor: Executor, calls: int) -> list[dict[str, str]]:
    handles = [executor.submit(environment, 0.5) for _ in range(calls)]
    found: list[dict[str, str]] = []
    while handles:
        for handle, outcome in executor.wait(handles, 60.0).items():
            assert outcome.error is None, outcome.error
            found.append(outcome.value)
            handles.remove(handle)
    return found


def test_gpus_are_named_as_the_environment_lets_them_be_seen() -> None:
    answer = json.dumps([["NVIDIA H200", 100 * 2**30], ["NVIDIA H200", 100 * 2**30]])
    assert find_gpus(lambda: answer, {"CUDA_VISIBLE_DEVICES": "2,5"}) == TWO
    assert [gpu.place for gpu in find_gpus(lambda: f"a notice\n{answer}\n", {})] == ["0", "1"]
    assert find_gpus(lambda: "[]", {}) == ()


def test_a_gpu_that_jax_cannot_start_on_is_none() -> None:
    def fail() -> str:
        raise subprocess.CalledProcessError(1, "python")

    assert find_gpus(fail, {}) == ()


def test_a_gpu_that_is_not_there_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="JAX sees none") as caught:
        choose_device("gpu", 1000.0, find=lambda: ())
    assert "hfscale[cuda]" in str(caught.value.remedy)
    assert "jax[cuda12]" in str(caught.value.remedy)
    assert choose_device("auto", 1000.0, find=lambda: ()).kind == "cpu"
    assert choose_device("cpu", 1e9, find=lambda: TWO) == CPU
    assert choose_device("gpu", 1.0, find=lambda: TWO) == GPUS
    # What clusters have cannot be seen from here.
    assert choose_device("gpu", 1.0, elsewhere=True, find=lambda: ()) == Device("gpu")


def test_auto_follows_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import version

    def chosen(fits: float, gpus: tuple[Gpu, ...] = TWO) -> Device:
        return choose_device("auto", fits, find=lambda: gpus)

    monkeypatch.setenv("HFSCALE_CACHE", str(tmp_path))
    assert chosen(1e6).kind == "cpu"
    assert "hfscale doctor" in str(chosen(1e6).reason)
    # One GPU wins from 256 on against a CPU, two GPUs against sixteen CPUs from 2048 on.
    rates = (Rate(16, 900.0, 100.0), Rate(256, 1000.0, 4000.0), Rate(2048, 1000.0, 9000.0), Rate(16_384, None, 2e5))
    measured = Crossover(rates[:3], 16, ("NVIDIA H200",) * 2, version("jaxlib"))
    assert measured.fits == 2048
    assert measured._replace(cpus=1).fits == 256
    assert measured._replace(cpus=64).fits is None
    keep_crossover(measured)
    assert chosen(2047.0).kind == "cpu"
    assert chosen(2048.0)[:2] == GPUS[:2]
    assert "from 2048 fits" in str(chosen(2048.0).reason)
    # Of other GPUs nothing is known, nor from what is left of a broken file.
    assert chosen(1e6, TWO[:1]).kind == "cpu"
    (tmp_path / "hfscale" / "crossover.json").write_text("{")
    assert chosen(1e6).kind == "cpu"


def test_more_workers_than_gpus_are_refused() -> None:
    assert (GPUS.workers(None, 16), GPUS.workers(1, 16), CPU.workers(None, 16)) == (2, 1, 16)
    with pytest.raises(InputError, match="3 workers were asked for, but each needs a GPU of its own"):
        open_executor("processes", 3, device=GPUS)


def test_an_executor_keeps_its_own_device() -> None:
    with pytest.raises(InputError, match="computes on cpu"):
        as_executor(LocalExecutor(), device=GPUS)
    with as_executor(LocalExecutor("gpu")) as executor:
        assert executor.device == "gpu"


def check_two_workers(found: list[dict[str, str]]) -> None:
    assert {worker["CUDA_VISIBLE_DEVICES"] for worker in found} == {"2", "5"}
    assert {tuple(worker.get(name) for name in NAMES[:1] + NAMES[2:]) for worker in found} == {
        ("cuda,cpu", "false", "0.80")
    }


def test_every_process_has_a_gpu_of_its_own_and_so_has_the_one_that_replaces_it() -> None:
    with open_executor("processes", device=GPUS) as executor:
        assert (executor.slots(), executor.device) == (2, "gpu")
        check_two_workers(run_all(executor, 4))
        handles = [executor.submit(environment, 600.0) for _ in range(2)]
        executor.wait(handles, 0.1)
        (hanging, other) = handles
        executor.abandon([hanging])
        found = run_all(executor, 1)
        executor.cancel([other])
        assert found[0]["CUDA_VISIBLE_DEVICES"] in ("2", "5")
    with open_executor("processes", 1) as executor:
        (plain,) = run_all(executor, 1)
        assert plain["JAX_PLATFORMS"] == "cpu"
        assert plain.get("CUDA_VISIBLE_DEVICES") == os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.dask
def test_every_dask_worker_has_a_gpu_of_its_own() -> None:
    before = {name: os.environ.get(name) for name in NAMES}
    with open_executor("dask", device=GPUS) as executor:
        assert (executor.slots(), executor.device) == (2, "gpu")
        check_two_workers(run_all(executor, 4))
    # The driver computes on CPUs.
    assert {name: os.environ.get(name) for name in NAMES} == before


@pytest.mark.dask
def test_a_dask_cluster_is_used_where_its_workers_say_that_they_have_gpus(small: Search) -> None:
    import distributed

    import hfscale

    options = {"n_workers": 1, "processes": False, "host": "127.0.0.1", "protocol": "tcp"}
    options |= {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}
    for resources, works in (({}, False), ({"GPU": 1}, True)):
        with (
            distributed.LocalCluster(threads_per_worker=2, resources=resources, **options) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            if works:
                with as_executor(client, device=Device("gpu")) as executor:
                    # Two threads, but one GPU.
                    assert (executor.slots(), executor.idle()) == (1, 1)
                    assert len(run_all(executor, 2)) == 2
            else:
                with pytest.raises(InputError, match="has the resource GPU"):
                    as_executor(client, device=Device("gpu"))
                # Before anything is written.
                with pytest.raises(InputError, match="has the resource GPU"):
                    hfscale.cls(small.workspace, small.patchset, store=small.store, executor=client, device="gpu")
                assert not small.store.exists()


@pytest.mark.ray
@pytest.mark.slow
def test_every_actor_of_ray_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_executor("ray", device=GPUS) as executor:
        assert (executor.slots(), executor.device) == (2, "gpu")
        found = run_all(executor, 4)
    assert len({worker["CUDA_VISIBLE_DEVICES"] for worker in found}) == 2
    assert {worker["JAX_PLATFORMS"] for worker in found} == {"cuda,cpu"}
