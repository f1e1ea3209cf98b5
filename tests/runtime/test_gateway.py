"""Clusters of a Dask Gateway: how they are named, and what is told where there is none."""

import sys

import dask
import pytest

from hfscale.errors import InputError
from hfscale.plan.paths import is_scheduler_file
from hfscale.runtime.executors.access import gateway_cluster_name, is_open_scheduler
from hfscale.runtime.executors.choose import Cluster, check_cluster, open_executor

NEW = Cluster(scheduler="gateway")


@pytest.mark.parametrize(
    ("scheduler", "name"),
    [
        ("gateway", None),
        ("gateway://", None),
        ("gateway://default.1a2b", "default.1a2b"),
        # As dask-gateway itself writes it.
        ("gateway://hub.example.org:443/default.1a2b", "default.1a2b"),
    ],
)
def test_a_cluster_is_a_new_one_or_has_a_name(scheduler: str, name: str | None) -> None:
    assert gateway_cluster_name(scheduler) == name
    assert not is_scheduler_file(scheduler)
    assert not is_open_scheduler(scheduler)
    check_cluster("dask", Cluster(scheduler=scheduler))


def test_a_file_of_that_name_is_meant_by_its_path() -> None:
    assert is_scheduler_file("./gateway")
    assert is_scheduler_file("gateway.json")


def test_a_new_cluster_needs_a_number_of_workers() -> None:
    with pytest.raises(InputError, match=r"how many workers[^$]*--workers N"):
        open_executor("dask", None, NEW)


def test_without_an_address_the_configuration_is_pointed_at() -> None:
    pytest.importorskip("dask_gateway")
    with (
        dask.config.set({"gateway.address": None}),
        pytest.raises(InputError, match=r"No dask-gateway address[^$]*DASK_GATEWAY__ADDRESS"),
    ):
        open_executor("dask", 2, NEW)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_gateway", None)
    with pytest.raises(InputError, match=r"pip install 'hfscale\[gateway\]'"):
        open_executor("dask", 2, NEW)
