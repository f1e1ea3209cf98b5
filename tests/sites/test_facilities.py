"""Analysis facilities: what the pages in cluster/facilities tell users to type."""

import asyncio
import functools
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
import distributed
import pytest

from hfscale.runtime.executors.choose import Cluster, open_executor
from tests.program import ROOT

FOLDER = ROOT / "cluster" / "facilities"
# The event loops of Dask and aiohttp.
_FOREIGN = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning")


def snippet(page: str) -> str:
    """The Python that a page tells users to type."""
    found = re.findall(r"```python\n(.*?)```", (FOLDER / page).read_text(), re.DOTALL)
    return str(found[0])


_given: list[str] = []
_loaded: list[distributed.Security] = []


def load_security(info: Mapping[str, Any]) -> distributed.Security:
    """A security loader, as a facility has it."""
    _given.append(info["address"])
    return _loaded[0]


@pytest.mark.dask
def test_the_keys_of_a_facility_are_asked_of_its_security_loader() -> None:
    security = distributed.Security.temporary()
    _loaded[:] = [security]
    loader = {"distributed.client.security-loader": f"{__name__}.load_security"}
    addresses = {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1", "protocol": "tls://"}
    cluster = distributed.LocalCluster(n_workers=0, processes=False, security=security, **addresses)
    with cluster, dask.config.set(loader):
        with open_executor("dask", cluster=Cluster(scheduler=cluster.scheduler_address)) as executor:
            assert executor.slots() == 1
        assert _given == [cluster.scheduler_address]


@_FOREIGN
def test_the_job_script_for_the_batch_service_of_cern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package has invalid escapes
        lxplus = pytest.importorskip("dask_lxplus", reason="no dask-lxplus")
    monkeypatch.setenv("HOME", str(tmp_path))
    # Asynchronous: described, but neither started nor submitted.
    monkeypatch.setattr(lxplus, "CernCluster", functools.partial(lxplus.CernCluster, asynchronous=True))

    async def described() -> str:
        names: dict[str, Any] = {}
        exec(snippet("lxbatch.md").partition("cluster.adapt")[0], names)
        # Nothing of it was started that would have to end.
        names["cluster"].status = distributed.core.Status.closed
        return str(names["cluster"].job_script())

    script = asyncio.run(described())
    for line in ('MY.JobFlavour = "workday"', "MY.IsDaskWorker = true", "MY.DaskWorkerCores = 1", "universe = vanilla"):
        assert f"{line}\n" in script
    assert "export NPROC=1" in script
    assert "--protocol tls://" in script and "--tls-key" in script
    assert "--lifetime 7h --lifetime-stagger 10m" in script and "--worker-port 10000:10100" in script
    assert (tmp_path / ".hfscale-keys").stat().st_mode & 0o777 == 0o700
