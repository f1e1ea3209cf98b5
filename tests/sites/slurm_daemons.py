"""A SLURM of two virtual nodes on the loopback interface, in a folder of its own; nothing of it is left."""

import getpass
import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
_NODES = ("n1", "n2")
_START_SECONDS = 60

# Both daemons listen on 127.0.0.1 alone (NoInAddrAny, NoCtldInAddrAny).
_CONFIGURATION = """\
ClusterName=hfscale-test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
SlurmctldPort={ports[0]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={root}/ctld
SlurmdSpoolDir={root}/d-%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5,sched_interval=5
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=600
KillWait=10
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=4000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=5 State=UP
"""


def missing_program() -> str | None:
    """Return a program of SLURM that is not installed, None if all are."""
    return next((program for program in PROGRAMS if _path(program) is None), None)


@contextmanager
def running_slurm(root: Path) -> Iterator[Path]:
    """Run the daemons, and give the file that SLURM_CONF is to name."""
    configuration = _write_files(root)
    munged = [
        "--force",
        f"--key-file={root}/munge.key",
        f"--socket={root}/munge.socket",
        f"--pid-file={root}/munge.pid",
    ]
    munged += [f"--log-file={root}/munge.log", f"--seed-file={root}/munge.seed", "--num-threads=2"]
    with ExitStack() as stack:
        stack.enter_context(_daemon(root, "munged", "--foreground", *munged))
        _wait_for(lambda: (root / "munge.socket").exists(), root)
        stack.enter_context(_daemon(root, "slurmctld", "-D", "-f", str(configuration)))
        for node in _NODES:
            stack.enter_context(_daemon(root, "slurmd", "-D", "-N", node, "-f", str(configuration)))
        _wait_for(lambda: _idle_nodes(configuration) == len(_NODES), root)
        yield configuration
        slurm(configuration, "scancel", f"--user={getpass.getuser()}")


def slurm(configuration: Path, *command: str) -> str:
    """Run a command of that SLURM, and return what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(configuration), check=False)
    return done.stdout


def _write_files(root: Path) -> Path:
    for folder in ("ctld", *(f"d-{node}" for node in _NODES)):
        (root / folder).mkdir(parents=True)
    key = root / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    configuration = root / "slurm.conf"
    values = {"host": platform.node(), "user": getpass.getuser(), "root": root, "ports": free_ports(3)}
    configuration.write_text(_CONFIGURATION.format(**values))
    return configuration


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]


@contextmanager
def _daemon(root: Path, program: str, *arguments: str) -> Iterator[None]:
    path = _path(program)
    assert path is not None
    environment = _environment(root / "slurm.conf")
    with (root / f"{program}.out").open("a") as out:
        process = subprocess.Popen([path, *arguments], stdout=out, stderr=out, env=environment, start_new_session=True)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(configuration: Path) -> dict[str, str]:
    return {**os.environ, "SLURM_CONF": str(configuration)}


def _path(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _idle_nodes(configuration: Path) -> int:
    return (
        slurm(configuration, "sinfo", "--noheader", "--Node", "--partition=debug", "--format=%T").split().count("idle")
    )


def _wait_for(condition: Callable[[], bool], root: Path) -> None:
    for _ in range(_START_SECONDS * 5):
        if condition():
            return
        time.sleep(0.2)
    written = "\n".join(path.read_text()[-2000:] for path in (*root.glob("*.out"), *root.glob("*.log")))
    raise RuntimeError(f"SLURM did not start:\n{written}")
