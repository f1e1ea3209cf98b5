"""A Dask Gateway on the loopback interface, in a folder of its own; nothing of it is left."""

import base64
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.program import ROOT
from tests.sites.slurm_daemons import free_ports

_START_SECONDS = 120
_USER, _PASSWORD = "tester", "for tests alone"
# The defaults of the commands name some that Dask has no more.
_CONFIGURATION = """\
from dask_gateway_server.options import Float, Mapping, Options
def settings(options):
    return {{"worker_memory": f"{{options.worker_memory}} G", "environment": dict(options.environment)}}
c.Backend.cluster_options = Options(Float("worker_memory", 2.0, max=4.0), Mapping("environment"), handler=settings)
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.SimpleAuthenticator.password = "{password}"
c.DaskGateway.address = "127.0.0.1:{ports[0]}"
c.Proxy.address = "127.0.0.1:{ports[1]}"
c.UnsafeLocalBackend.clusters_directory = "{root}/clusters"
c.ClusterConfig.scheduler_cmd = ["{python}", "-m", "distributed.cli.dask_scheduler"]
c.ClusterConfig.worker_cmd = ["{python}", "-m", "distributed.cli.dask_worker", "--host", "127.0.0.1"]
c.ClusterConfig.adaptive_period = 1
"""


class GatewayServer(NamedTuple):
    """A server that runs: its address, and its process."""

    address: str
    process: "subprocess.Popen[bytes]"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that say to Dask what a facility says to it."""
        options = {"worker_memory": 1.5, "environment": {"NPROC": "1", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}}
        return {
            "DASK_GATEWAY__ADDRESS": self.address,
            "DASK_GATEWAY__AUTH__TYPE": "basic",
            "DASK_GATEWAY__AUTH__KWARGS": json.dumps({"username": _USER, "password": _PASSWORD}),
            "DASK_GATEWAY__CLUSTER__OPTIONS": json.dumps(options),
        }

    def ask(self, path: str = "", document: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
        """Get what the server says of the user's clusters, or post a document."""
        token = base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            f"{self.address}/api/v1/clusters/{path}", data=data, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def end(self, name: str) -> None:
        """Have the server end a cluster."""
        self.ask(name, method="DELETE")

    def states(self) -> dict[str, str]:
        """State of each of the user's clusters that has not ended."""
        return {name: cluster["status"] for name, cluster in self.ask().items()}

    def workers(self) -> dict[int, list[str]]:
        """Process number and command line of each worker that runs."""
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                command = process.cmdline()
            except psutil.Error:
                continue
            if "distributed.cli.dask_worker" in command:
                found[process.pid] = command
        return found


@contextmanager
def running_gateway(root: Path) -> Iterator[GatewayServer]:
    """Run a server."""
    ports = free_ports(2)
    configuration = root / "dask_gateway_config.py"
    values = {"root": root, "ports": ports, "password": _PASSWORD, "python": sys.executable}
    configuration.write_text(_CONFIGURATION.format(**values))
    command = [sys.executable, "-m", "dask_gateway_server", "-f", str(configuration)]
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen([*_alone(), *command], stdout=log, stderr=log, cwd=root, start_new_session=True)
        server = GatewayServer(f"http://127.0.0.1:{ports[1]}", process)
        try:
            _wait_for(server, root / "server.log")
            yield server
        finally:
            _end(process)


def _alone() -> list[str]:
    """Words that give a command process numbers of its own, if that is allowed: its end is that of all it started."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if shutil.which("unshare") is None:
        return []
    return words if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0 else []


def _wait_for(server: GatewayServer, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            server.ask()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"the gateway did not start:\n{log.read_text()[-3000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Have the server end its clusters and itself, and end what is left of it."""
    if process.poll() is not None:
        return
    outermost = psutil.Process(process.pid)
    server = outermost.children()[0] if outermost.name() == "unshare" else outermost
    server.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
