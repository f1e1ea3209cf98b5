"""Campaigns behind a real Dask Gateway, which the tests start and stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.program import ROOT, Search, digests_of, hfscale
from tests.sites.gateway_server import GatewayServer, running_gateway
from tests.sites.slow_workers import write_command
from tests.sites.test_facilities import snippet

pytestmark = [pytest.mark.dask, pytest.mark.slow]
pytest.importorskip("dask_gateway_server", reason="no dask-gateway-server")
pytest.importorskip("sqlalchemy", reason="no sqlalchemy, which dask-gateway-server needs")

_PATIENCE = 300.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as server:
        yield server


def start(server: GatewayServer, folder: Path, *command: object, **changed: str) -> "subprocess.Popen[str]":
    """Start a command with what a facility says to Dask."""
    own = {"PYTHONPATH": str(ROOT), "NPROC": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **own, **server.environment, **changed},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    """Wait for a command that must succeed, and return what it wrote."""
    written, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, written
    return written


def cls_words(search: Search, *arguments: object, seconds: float = 0.0) -> list[object]:
    """A command that computes the search in tasks of one point."""
    program = search.folder / "hfscale.py"
    write_command(program, seconds)
    inputs = (search.workspace, search.patchset, "-o", search.store, "--task-points", 1)
    return [program, "cls", *inputs, "--executor", "dask", *arguments]


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.3)


def test_a_cluster_is_started_for_a_run_replaces_a_lost_worker_and_ends(
    server: GatewayServer, small: Search, small_store: Path
) -> None:
    words = cls_words(small, "--scheduler", "gateway", "--workers", 2, seconds=5.0)
    process = start(server, small.folder, *words)
    wait_until(lambda: process.poll() is not None or _tasks_done(small.store) > 0)
    assert process.poll() is None, finish(process)
    before = server.workers()
    # What the user's own configuration asks for.
    assert {command[command.index("--memory-limit") + 1] for command in before.values()} == {str(int(1.5 * 2**30))}
    lost = next(iter(before))
    os.kill(lost, signal.SIGKILL)
    wait_until(lambda: process.poll() is not None or server.workers().keys() - before.keys())
    assert process.poll() is None, "no worker was started in its place"
    finish(process)
    assert digests_of(small.store) == digests_of(small_store)
    wait_until(lambda: not server.states())


def test_a_cluster_that_runs_is_joined_and_goes_on(server: GatewayServer, small: Search, small_store: Path) -> None:
    name = server.ask(document={"cluster_options": {"environment": {"NPROC": "1", "PYTHONPATH": str(ROOT)}}})["name"]
    wait_until(lambda: server.states()[name] == "RUNNING")
    server.ask(f"{name}/scale", {"count": 1})
    # The workers cannot see the store.
    finish(start(server, small.folder, *cls_words(small, "--scheduler", f"gateway://{name}", "--gather")))
    assert digests_of(small.store) == digests_of(small_store)
    assert server.states()[name] == "RUNNING"
    assert len(server.workers()) == 1
    server.end(name)


def test_a_cluster_ends_with_an_interrupted_run_and_a_run_with_its_cluster(
    server: GatewayServer, small: Search, small_store: Path
) -> None:
    words = cls_words(small, "--scheduler", "gateway", "--workers", 1, seconds=5.0)
    interrupted = start(server, small.folder, *words)
    wait_until(lambda: interrupted.poll() is not None or _tasks_done(small.store) > 0)
    interrupted.send_signal(signal.SIGINT)
    written, _ = interrupted.communicate(timeout=_PATIENCE)
    assert interrupted.returncode == 3, written
    # A worker may end its task before it ends itself.
    wait_until(lambda: not server.states() and not server.workers())
    done = _tasks_done(small.store)
    bereft = start(server, small.folder, *words)
    wait_until(lambda: bereft.poll() is not None or _tasks_done(small.store) > done)
    assert bereft.poll() is None, bereft.communicate()[0]
    (name,) = server.states()
    server.end(name)
    written, _ = bereft.communicate(timeout=_PATIENCE)
    assert bereft.returncode == 3, written
    assert "the Dask scheduler gateway://" in written and "is gone" in written
    assert "Traceback" not in written
    finish(start(server, small.folder, *cls_words(small, "--scheduler", "gateway", "--workers", 1)))
    assert digests_of(small.store) == digests_of(small_store)


def test_what_a_notebook_types(server: GatewayServer, small: Search, small_store: Path) -> None:
    typed = snippet("dask-gateway.md").replace("workers=50", "workers=1")
    finish(start(server, small.folder, sys.executable, "-c", typed))
    assert digests_of(small.store) == digests_of(small_store)


def test_a_submitted_driver_outlives_the_command_that_started_it(
    server: GatewayServer, small: Search, small_store: Path
) -> None:
    program = small.folder / "hfscale.py"
    write_command(program)
    inputs = {"workspace": "BkgOnly.json", "patchset": "patchset.json", "store": "results.zarr"}
    (small.folder / "campaign.yaml").write_text(yaml.safe_dump({"schema": 1, **inputs, "run": {"task_points": 1}}))
    words = ("submit", "campaign.yaml", "--site", "gateway", "--workers", 1, "--set", f"command={program}")
    finish(start(server, small.folder, program, *words))
    wait_until(lambda: hfscale("status", small.store, "--json").json()["jobs"][0]["states"] != {"running": 1})
    assert hfscale("status", small.store, "--json").json()["jobs"][0]["states"] == {"done": 1}
    assert digests_of(small.store) == digests_of(small_store)
    assert not server.states()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AUTH__KWARGS", '{"username": "tester", "password": "wrong"}', "Unauthorized"),
        ("CLUSTER__OPTIONS", '{"worker_memory": 64}', "worker_memory"),
        ("ADDRESS", "http://127.0.0.1:1", "Cannot connect"),
    ],
)
def test_what_the_gateway_refuses_is_told(
    server: GatewayServer, small: Search, variable: str, value: str, said: str
) -> None:
    words = cls_words(small, "--scheduler", "gateway", "--workers", 1)
    wait_until(lambda: not server.states())
    process = start(server, small.folder, *words, **{f"DASK_GATEWAY__{variable}": value})
    written, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 2, written
    assert "error: the Dask Gateway gives no cluster: " in written
    assert said in written
    assert not server.states()


def _tasks_done(store: Path) -> int:
    if not store.exists():
        return 0
    ended = hfscale("status", store, "--json")
    return int(ended.json()["tasks_done"]) if ended.code == 0 else 0
