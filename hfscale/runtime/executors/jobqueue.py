"""Dask workers that are jobs of a batch system, by dask-jobqueue: submitted by the driver, replaced when they are lost.

What a site's file leaves at its default is taken from the user's own ``jobqueue.yaml`` (or the variables
``DASK_JOBQUEUE__...``), where that says something. Connections are encrypted, with keys that live as long
as the driver.
"""

# mypy: allow-untyped-calls
# (dask-jobqueue has no annotations)

import importlib.util
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hfscale.errors import BatchSystemError, InputError, SourceError
from hfscale.runtime.executors.workers import WORKER_ENVIRONMENT

_LOOPBACK = "127.0.0.1:0"
_CLASSES = MappingProxyType({"slurm": ("SLURMCluster", "SLURMJob"), "htcondor": ("HTCondorCluster", "HTCondorJob")})
_LONGEST_STAGGER = 240
_CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")


@dataclass(frozen=True)
class WorkerJobs:
    """The jobs of Dask workers.

    Attributes:
        kind: Batch system, ``slurm`` or ``htcondor``: a section of ``jobqueue.yaml``.
        name: Name of the jobs.
        workers: How many jobs there are to be at any time.
        walltime: Seconds that one may run.
        memory: Its mebibytes.
        cpus: Its CPUs, each of which has a worker process.
        gpus: Its GPUs.
        chosen: Which of walltime, memory and cpus go before ``jobqueue.yaml``.
        partition, account: As the batch system names them, None for what ``jobqueue.yaml`` says.
        grace: Seconds before the end of the walltime in which no worker is left.
        setup: Lines of shell before the worker is started.
        python: Command that runs Python, None for what ``jobqueue.yaml`` says, or the driver's.
        directives: Further lines for the batch system.
        folder: Folder for logs and keys, which all nodes see.
    """

    kind: str
    name: str
    workers: int
    walltime: int
    memory: int
    cpus: int
    gpus: int
    chosen: tuple[str, ...]
    partition: str | None
    account: str | None
    grace: int
    setup: tuple[str, ...]
    python: str | None
    directives: tuple[str, ...]
    folder: str


def read_worker_jobs(file: str) -> WorkerJobs:
    """Read what `hfscale submit` wrote.

    Raises:
        SourceError: The file cannot be read, or is none of those.
    """
    try:
        document = json.loads(Path(file).read_bytes())
        lists: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
        }
        return WorkerJobs(**lists)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        keys = ", ".join(field.name for field in fields(WorkerJobs))
        raise SourceError(
            f"{file} does not describe jobs of workers: {error}",
            remedy=f"give the file workers.json that hfscale submit wrote, with the keys {keys}",
        ) from error


@contextmanager
def submitted_workers(jobs: WorkerJobs) -> Iterator[Any]:
    """Have jobs of workers submitted, and give their cluster, a `dask_jobqueue.JobQueueCluster`; its end ends them.

    As many jobs as are asked for are there or queued at any time: a job that is lost is replaced, which a cluster of a
    fixed size does not do.

    Raises:
        InputError: dask-jobqueue is not installed, or ``jobqueue.yaml`` does not fit.
        BatchSystemError: Nothing can be submitted.
    """
    import distributed

    kind = getattr(_jobqueue(), _CLASSES[jobs.kind][0])
    keys = Path(jobs.folder) / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        **job_options(jobs),
        "security": distributed.Security.temporary(),
        "protocol": "tls://",
        "shared_temp_directory": _of_user(jobs.kind, "shared-temp-directory") or str(keys),
        "scheduler_options": {"dashboard_address": _LOOPBACK, **(_of_user(jobs.kind, "scheduler-options") or {})},
    }
    try:
        cluster = kind(**options)
    except (ValueError, TypeError) as error:
        raise _misdescribed(error) from error
    except (OSError, RuntimeError) as error:
        raise BatchSystemError(
            f"the Dask scheduler did not start: {error}", remedy="see the log of the driver"
        ) from error
    with cluster:
        cluster.adapt(minimum_jobs=jobs.workers, maximum_jobs=jobs.workers)
        yield cluster


def can_describe_jobs() -> bool:
    """Say whether dask-jobqueue is installed."""
    return importlib.util.find_spec("dask_jobqueue") is not None


def job_script(jobs: WorkerJobs) -> str:
    """Return the script of one job as it will be, but for the address of the scheduler and the files of its keys.

    Nothing is started or written.

    Raises:
        InputError: dask-jobqueue is not installed, or ``jobqueue.yaml`` does not fit.
    """
    kind = getattr(_jobqueue(), _CLASSES[jobs.kind][0]).job_cls
    options = job_options(jobs)
    # A job makes the folder of its logs as soon as it is described.
    with tempfile.TemporaryDirectory() as stand_in:
        described = {**options, "log_directory": stand_in}
        try:
            job = kind("tls://SCHEDULER:PORT", name="WORKER", protocol="tls://", **described)
        except (ValueError, TypeError) as error:
            raise _misdescribed(error) from error
        return str(job.job_script()).replace(stand_in, options["log_directory"])


def job_options(jobs: WorkerJobs) -> dict[str, Any]:
    """Return the arguments of dask-jobqueue that describe one job."""
    cores = int(_choose(jobs, "cpus", "cores", jobs.cpus))
    options = {
        "cores": cores,
        "processes": int(_of_user(jobs.kind, "processes") or cores),
        "memory": _choose(jobs, "memory", "memory", f"{jobs.memory}MiB"),
        "job_name": jobs.name,
        "job_script_prologue": [
            *(_of_user(jobs.kind, "job-script-prologue") or ()),
            *_exports(jobs),
            *commands_of(jobs.setup),
        ],
        "worker_extra_args": [*(_of_user(jobs.kind, "worker-extra-args") or ()), *_worker_arguments(jobs)],
        "log_directory": _of_user(jobs.kind, "log-directory") or str(Path(jobs.folder) / "workers"),
    }
    if jobs.python is not None:
        options["python"] = jobs.python
    return {**options, **(_of_slurm(jobs) if jobs.kind == "slurm" else _of_htcondor(jobs))}


def commands_of(setup: Sequence[str]) -> list[str]:
    """Return the lines of a setup without comments: some batch systems get them on one line, which those would end."""
    return [line for line in setup if line and not line.startswith("#")]


def _of_slurm(jobs: WorkerJobs) -> dict[str, Any]:
    gpus = [f"--gres=gpu:{jobs.gpus}"] if jobs.gpus else []
    extra = [*(_of_user("slurm", "job-extra-directives") or ()), *gpus, *jobs.directives]
    named = {"queue": jobs.partition, "account": jobs.account}
    options = {key: value for key, value in named.items() if value is not None}
    return {**options, "walltime": _clock(_walltime(jobs)), "job_extra_directives": extra}


def _of_htcondor(jobs: WorkerJobs) -> dict[str, Any]:
    extra = dict(_of_user("htcondor", "job-extra-directives") or {})
    extra |= {"allowed_job_duration": str(_walltime(jobs)), "batch_name": jobs.name}
    if jobs.gpus:
        extra["request_gpus"] = str(jobs.gpus)
    if jobs.account is not None:
        extra["accounting_group"] = jobs.account
    extra |= {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in jobs.directives)}
    return {"disk": _of_user("htcondor", "disk") or "1 GB", "job_extra_directives": extra}


def _worker_arguments(jobs: WorkerJobs) -> list[str]:
    """Workers leave one after the other before the walltime ends, and hand back what they have."""
    walltime = _walltime(jobs)
    stagger = min(_LONGEST_STAGGER, walltime // 10)
    # The lifetime is that, more or less the stagger.
    lifetime = max(walltime - jobs.grace - stagger, walltime // 2)
    arguments = ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{stagger}s", "--dashboard-address", _LOOPBACK]
    return [*arguments, "--resources", "GPU=1"] if jobs.gpus else arguments


def _exports(jobs: WorkerJobs) -> list[str]:
    kept = {name: value for name, value in WORKER_ENVIRONMENT.items() if not (jobs.gpus and name == "JAX_PLATFORMS")}
    return [f"export {name}={value}" for name, value in kept.items()]


def _misdescribed(error: Exception) -> InputError:
    return InputError(
        f"jobs of Dask workers cannot be described: {error}", remedy="correct jobqueue.yaml or the site file"
    )


def _walltime(jobs: WorkerJobs) -> int:
    """Seconds; dask-jobqueue's own default, half an hour, is nobody's choice."""
    given = _choose(jobs, "walltime", "walltime", jobs.walltime)
    if isinstance(given, int):
        return given
    found = _CLOCK.fullmatch(str(given).strip())
    if found is None:
        raise InputError(
            f"the walltime {given!r} of jobqueue.yaml cannot be read",
            place=f"jobqueue.{jobs.kind}.walltime",
            remedy="write it HH:MM:SS or D-HH:MM:SS, in quotes",
        )
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _choose(jobs: WorkerJobs, field: str, key: str, value: Any) -> Any:
    """The site's value if the site chose it, else that of the user's file if there is one."""
    own = None if field in jobs.chosen else _of_user(jobs.kind, key)
    return value if own is None else own


def _of_user(kind: str, key: str) -> Any:
    """What the user's own configuration of Dask says, without the defaults of dask-jobqueue."""
    import dask

    own: dict[str, Any] = dask.config.collect(paths=dask.config.paths)
    return dask.config.get(f"jobqueue.{kind}.{key}", default=None, config=own)


def _jobqueue() -> Any:
    try:
        import dask_jobqueue
    except ImportError as error:
        raise InputError(
            "the mode dask needs dask-jobqueue, which is not installed", remedy="pip install 'hfscale[jobqueue]'"
        ) from error
    return dask_jobqueue
