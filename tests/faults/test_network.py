"""Who can reach the workers: nobody from another machine, and nobody without the keys."""

import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import open_executor
from tests.program import Search, start_hfscale

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc/net/tcp")

LISTENING = "0A"


def process_tree(root: int) -> set[int]:
    """Return a process and all its descendants."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])
    tree = {root}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return tree


def socket_inodes(process: int) -> set[str]:
    inodes = set()
    for link in Path(f"/proc/{process}/fd").glob("*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return inodes


def listening_addresses(processes: set[int]) -> set[str]:
    """Return the addresses at which any of the processes listens, by Linux's tables of sockets."""
    inodes = {inode for process in processes for inode in socket_inodes(process)}
    addresses = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in inodes:
                words = bytes.fromhex(fields[1].partition(":")[0])
                packed = b"".join(
                    struct.pack(">I", *struct.unpack("=I", words[i : i + 4])) for i in range(0, len(words), 4)
                )
                addresses.add(socket.inet_ntop(family, packed))
    return addresses


def test_the_tables_are_read_right() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert "127.0.0.1" in listening_addresses({os.getpid()})
    with socket.create_server(("0.0.0.0", 0)):
        assert "0.0.0.0" in listening_addresses({os.getpid()})


@pytest.mark.dask
def test_nothing_listens_beyond_this_machine(dask_executor: Executor) -> None:
    tree = process_tree(os.getpid())
    assert len(tree) >= 1 + dask_executor.slots()
    # Other tests of this process may have left a browser's driver, which listens on both loopback addresses.
    assert "127.0.0.1" in listening_addresses(tree) <= {"127.0.0.1", "::1"}


@pytest.mark.dask
def test_a_client_without_the_keys_is_refused(dask_executor: Executor) -> None:
    import distributed

    from hfscale.runtime.executors.dask import DaskExecutor

    assert isinstance(dask_executor, DaskExecutor)
    address = dask_executor.client.scheduler.address
    assert address.startswith("tls://127.0.0.1:")
    with pytest.raises((OSError, RuntimeError)):
        distributed.Client(address.replace("tls://", "tcp://"), timeout=2, set_as_default=False)
    with pytest.raises(TypeError, match="TLS"):
        distributed.Client(address, timeout=2, set_as_default=False)


def test_worker_processes_listen_nowhere() -> None:
    before = listening_addresses(process_tree(os.getpid()) - {os.getpid()})
    with open_executor("processes", 1) as executor:
        handle = executor.submit(os.getpid)
        worker = executor.wait([handle], 60.0)[handle].value
        assert worker in process_tree(os.getpid())
        assert listening_addresses({worker}) == set()
        assert listening_addresses(process_tree(os.getpid()) - {os.getpid()}) == before


JOIN = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False)
"""


@pytest.mark.ray
@pytest.mark.slow
def test_ray_is_closed_to_others() -> None:
    with open_executor("ray", 1) as executor:
        import ray

        handle = executor.submit(os.getpid)
        assert executor.wait([handle], 60.0)[handle].error is None
        tree = process_tree(os.getpid())
        assert len(tree) > 3
        # The second is the first in the notation of sockets for both families.
        assert "127.0.0.1" in listening_addresses(tree) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        context = ray.get_runtime_context()
        (folder,) = {path for path in Path(tempfile.gettempdir()).glob("hfscale-*/r") if is_open_in(path, tree)}
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder.parent / "token").stat().st_mode) == 0o600
        arguments = [sys.executable, "-c", JOIN, context.gcs_address]
        # Without the second, Ray would look for the loopback address at that of the machine, where nothing listens.
        environment = {"RAY_AUTH_MODE": "disabled", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
        joined = subprocess.run(arguments, env={**os.environ, **environment}, capture_output=True, timeout=300)
        assert joined.returncode != 0
        assert b"InvalidAuthToken" in joined.stderr
    assert not folder.parent.exists()


ENGINES = [
    pytest.param("processes", set(), marks=pytest.mark.slow),
    pytest.param("dask", {"127.0.0.1"}, marks=[pytest.mark.dask, pytest.mark.slow]),
    pytest.param("ray", {"127.0.0.1"}, marks=[pytest.mark.ray, pytest.mark.slow]),
]


@pytest.mark.parametrize(("engine", "wanted"), ENGINES)
def test_a_running_campaign_listens_on_the_loopback_interface_alone(
    engine: str, wanted: set[str], small: Search
) -> None:
    options = ("--executor", engine, "--workers", 2, "--task-points", 2)
    process = start_hfscale("cls", small.workspace, small.patchset, "-o", small.store, *options)
    seen, most = set(), 0
    while process.poll() is None:
        tree = process_tree(process.pid)
        most = max(most, len(tree))
        # The second is the first in the notation of sockets for both families.
        seen |= {address.removeprefix("::ffff:") for address in listening_addresses(tree)}
        time.sleep(0.05)
    assert process.returncode == 0, process.communicate()[1]
    process.communicate()
    assert most > 2
    assert seen == wanted


def is_open_in(folder: Path, processes: set[int]) -> bool:
    """Say whether one of the processes has a file below a folder open."""
    links = (link for process in processes for link in Path(f"/proc/{process}/fd").glob("*"))
    for link in links:
        try:
            if str(link.readlink()).startswith(str(folder)):
                return True
        except OSError:
            continue
    return False
