"""``--scheduler``: a Dask cluster with TLS that runs, and the files of its keys in Dask's own configuration."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.program import ROOT, Search, arrays_of, hfscale, start_hfscale

KEYS = ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")


class TlsCluster(NamedTuple):
    """A scheduler with TLS on the loopback interface, and the variables that let a client in."""

    file: Path
    access: dict[str, str]


def serve(stack: ExitStack, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NPROC": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = stack.enter_context(
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    )
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    return process


@pytest.fixture(scope="module")
def tls_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsCluster]:
    from distributed.security import Security

    folder = tmp_path_factory.mktemp("keys")
    keys = Security.temporary()
    for name, text in (
        ("ca.pem", keys.tls_ca_file),
        ("cert.pem", keys.tls_client_cert),
        ("key.pem", keys.tls_client_key),
    ):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    ca, cert, key = (str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    tls = ("--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key)
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        own = ("--host", "127.0.0.1", "--port", "0", "--protocol", "tls", "--scheduler-file", str(file))
        scheduler = serve(stack, "dask_scheduler", *own, "--no-dashboard", *tls)
        while not (file.exists() and file.read_text().endswith("}")):
            assert scheduler.poll() is None
            time.sleep(0.1)
        own = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--nthreads", "1")
        serve(stack, "dask_worker", "--scheduler-file", str(file), *own, "--local-directory", str(folder), *tls)
        names = [f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in KEYS]
        yield TlsCluster(file, dict(zip(names, (ca, cert, key), strict=True)))


def run(cluster: TlsCluster, access: dict[str, str], *arguments: Any) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in access.items():
            patch.setenv(name, value)
        process = start_hfscale(*arguments)
    _, err = process.communicate(timeout=300)
    return process.returncode, err


@pytest.mark.dask
@pytest.mark.slow
def test_a_tls_scheduler_is_joined_with_the_keys_of_the_configuration_and_left_running(
    tls_cluster: TlsCluster, small: Search, small_store: Path
) -> None:
    given = ("cls", small.workspace, small.patchset, "-o", small.store, "--executor", "dask")
    code, err = run(tls_cluster, {}, *given, "--scheduler", tls_cluster.file)
    assert code == 2, err
    assert "error: the Dask scheduler tls://127.0.0.1:" in err
    assert all(f"DASK_DISTRIBUTED__COMM__TLS__{name}" in err for name in KEYS)
    assert "Traceback" not in err
    # A campaign file names the scheduler's file relative to itself.
    campaign = tls_cluster.file.with_name("campaign.yaml")
    document = {"schema": 1, "workspace": str(small.workspace), "patchset": str(small.patchset)}
    document |= {"store": str(small.store), "run": {"executor": "dask", "scheduler": tls_cluster.file.name}}
    campaign.write_text(yaml.safe_dump(document))
    code, err = run(tls_cluster, tls_cluster.access, "run", campaign)
    assert code == 0, err
    assert "9 points ok" in err
    expected = arrays_of(small_store)
    found = arrays_of(small.store)
    assert found.keys() == expected.keys()
    assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)
    code, err = run(tls_cluster, tls_cluster.access, *given, "--scheduler", tls_cluster.file)
    assert (code, "nothing to do" in err) == (0, True), err


def test_an_open_scheduler_is_refused_before_anything_is_written(small: Search) -> None:
    ended = hfscale(
        "cls", small.workspace, small.patchset, "-o", small.store, "--executor", "dask", "--scheduler", "192.0.2.1:8786"
    )
    assert ended.code == 2
    assert "neither encrypted nor on this machine alone" in ended.err
    assert "--insecure" in ended.err
    campaign = small.folder / "campaign.yaml"
    document = {"schema": 1, "workspace": "BkgOnly.json", "patchset": "patchset.json", "store": "results.zarr"}
    for run_options in (
        {"executor": "dask", "scheduler": "tcp://192.0.2.1:8786"},
        {"executor": "ray", "ray_address": "auto"},
    ):
        campaign.write_text(yaml.safe_dump({**document, "run": run_options}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_AUTH_MODE", "disabled")
            ended = hfscale("run", campaign)
        assert ended.code == 2
        assert "run code as you" in ended.err
    assert small.left() == ["campaign.yaml"]


@pytest.mark.dask
@pytest.mark.slow
def test_a_scheduler_without_workers_is_waited_for_and_then_the_same_command_continues(
    small: Search, small_store: Path
) -> None:
    file = small.folder / "scheduler.json"
    given = ("cls", small.workspace, small.patchset, "-o", small.store, "--executor", "dask", "--scheduler", file)
    with ExitStack() as stack:
        own = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), "--no-dashboard")
        scheduler = serve(stack, "dask_scheduler", *own)
        while not (file.exists() and file.read_text().endswith("}")):
            assert scheduler.poll() is None
            time.sleep(0.1)
        ended = hfscale(*given, "--wait-workers", "2s")
        assert ended.code == 3
        assert "dask has had no worker for 2 s" in ended.err
        assert "run the same command again to continue" in ended.err
        own = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--nthreads", "1")
        serve(stack, "dask_worker", "--scheduler-file", str(file), *own, "--local-directory", str(small.folder))
        ended = hfscale(*given)
    assert ended.code == 0, ended.err
    expected, found = arrays_of(small_store), arrays_of(small.store)
    assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)


def test_help_tells_that_only_drive_waits_without_end() -> None:
    help_of_drive = " ".join(hfscale("drive", "--help").out.split())
    assert "[default: 10m; of drive: without end]" in help_of_drive


def test_what_is_no_duration_is_refused_before_anything_is_written(small: Search) -> None:
    for option in ("--wait-workers", "--task-limit"):
        ended = hfscale("cls", small.workspace, small.patchset, "-o", small.store, option, "ten")
        assert ended.code == 2
        assert "'ten' cannot be read" in ended.err
        assert "30m" in ended.err
    assert not small.store.exists()


@pytest.mark.slow
def test_tasks_that_take_too_long_are_given_up(small: Search) -> None:
    # A fresh process needs longer to import what it computes with.
    given = ("cls", small.workspace, small.patchset, "-o", small.store, "--task-points", "9")
    ended = hfscale(*given, "--executor", "processes", "--workers", "1", "--task-limit", "0.1s")
    assert ended.code == 1
    assert "it ran for more than 0.1 s and was stopped" in ended.err
