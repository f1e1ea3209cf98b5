"""Clusters that others could reach: refused by address, warned of as client."""

import json
import warnings
from pathlib import Path

import pytest

from hfscale.errors import HfscaleWarning, InputError, SourceError
from hfscale.runtime.executors.access import is_open_scheduler, warn_of_open_scheduler
from hfscale.runtime.executors.choose import Cluster, check_cluster, open_executor

OPEN = ("tcp://192.0.2.1:8786", "192.0.2.1:8786", "ws://192.0.2.1:8786", "tcp://[2001:db8::1]:8786", "tcp://0.0.0.0:1")
CLOSED = ("tls://192.0.2.1:8786", "gateway://192.0.2.1:8786", "tcp://127.0.0.1:1", "localhost:1", "tcp://[::1]:1")


@pytest.mark.parametrize("address", OPEN)
def test_a_plaintext_scheduler_beyond_this_machine_is_refused_unless_accepted(address: str, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address, "workers": {}}))
    for scheduler in (address, str(file)):
        with pytest.raises(InputError, match=r"run code as you[^$]*tls://[^$]*--insecure"):
            check_cluster("dask", Cluster(scheduler=scheduler))
        check_cluster("dask", Cluster(scheduler=scheduler, insecure=True))
    with pytest.warns(HfscaleWarning, match=r"not encrypted.*distributed.Security"):
        warn_of_open_scheduler(address)


@pytest.mark.parametrize("address", CLOSED)
def test_others_are_not(address: str) -> None:
    check_cluster("dask", Cluster(scheduler=address))
    warn_of_open_scheduler(address)


def test_a_name_that_means_nothing_is_not_this_machine() -> None:
    assert is_open_scheduler("tcp://no-such-host.invalid:8786")
    assert is_open_scheduler("tcp://")


@pytest.mark.parametrize("text", ["{", "[]", "{}", None])
def test_a_file_that_is_none_of_a_scheduler(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SourceError, match=str(file)):
        check_cluster("dask", Cluster(scheduler=str(file)))


@pytest.mark.parametrize(("engine", "cluster"), [("auto", Cluster("tls://a:1")), ("dask", Cluster(None, "auto"))])
def test_a_cluster_of_another_engine_is_refused(engine: str, cluster: Cluster) -> None:
    with pytest.raises(InputError, match="of no use"):
        check_cluster(engine, cluster)


@pytest.fixture
def no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty home folder, and no setting of Ray."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_USE_TLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("address", ["auto", "192.0.2.1:6379", "ray://192.0.2.1:10001"])
def test_a_ray_cluster_is_not_joined_without_a_token(
    address: str, no_token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(ray_address=address)
    with pytest.raises(InputError, match=r"without a token[^$]*RAY_AUTH_TOKEN_PATH[^$]*--insecure"):
        open_executor("ray", 1, cluster)
    check_cluster("ray", cluster._replace(insecure=True))
    token = no_token / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("secret")
    check_cluster("ray", cluster)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(InputError, match="without a token"):
        check_cluster("ray", cluster)


def test_a_ray_cluster_of_this_machine_alone_is_joined(no_token: Path) -> None:
    check_cluster("ray", Cluster(ray_address="127.0.0.1:6379"))


@pytest.mark.dask
def test_a_plaintext_client_is_warned_of() -> None:
    distributed = pytest.importorskip("distributed")
    from hfscale.runtime.executors.choose import as_executor

    with (
        distributed.LocalCluster(
            1, processes=False, host="127.0.0.1", protocol="tcp://", dashboard_address=None
        ) as own,
        distributed.Client(own, set_as_default=False) as client,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            as_executor(client).close()
        # What a scheduler on another machine looks like, without listening to other machines here.
        client.scheduler.addr = "tcp://192.0.2.1:8786"
        with pytest.warns(HfscaleWarning, match="192.0.2.1"):
            as_executor(client).close()
        client.scheduler.addr = own.scheduler_address
