"""What a site is: a batch system, and what its users must ask it for."""

import re
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from hfscale.plan.settings import Settings
from hfscale.sites.kubernetes.options import KubernetesOptions

Mode = Literal["array", "dask", "ray"]
"""How workers get their tasks: each its share of them, from Dask, or from Ray."""

_UNITS = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SPAN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _read_walltime(given: Any) -> int:
    """Seconds; YAML itself reads 10:00:00 as a number of them, but not 04:00:00."""
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given
    text = str(given).strip()
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    elif span := _SPAN.fullmatch(text):
        total = int(float(span[1]) * _SPAN_SECONDS[span[2]])
    else:
        total = 0
    if total < 1:
        raise ValueError("a walltime is written HH:MM:SS, D-HH:MM:SS, 90m, 4h or 2d")
    return total


def _read_memory(given: Any) -> int:
    """Mebibytes."""
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given
    found = _MEMORY.fullmatch(str(given).strip())
    if found is None or (size := round(float(found[1]) * _UNITS[found[2].upper()])) < 1:
        raise ValueError("memory is written 2G or 1500M")
    return size


def _one_line(text: str) -> str:
    if "\n" in text.strip():
        raise ValueError("it must be one line; give a list of lines")
    return text.strip()


Line = Annotated[str, BeforeValidator(lambda text: _one_line(text) if isinstance(text, str) else text)]


class Resources(Settings):
    """What each job of a site asks for.

    Attributes:
        walltime: Seconds that a job may run, written ``04:00:00``, ``1-12:00:00``, ``90m`` or ``4h``.
        memory: Mebibytes, written ``2G`` or ``1500M``.
        cpus: CPUs; a worker computes on one.
        gpus: GPUs.
        partition: Partition or queue, None for that of the site; the key ``queue`` means the same.
        account: Who is charged, None for the user's default.
    """

    walltime: Annotated[int, BeforeValidator(_read_walltime)] = 4 * 3600
    memory: Annotated[int, BeforeValidator(_read_memory)] = 2048
    cpus: int = Field(default=1, ge=1)
    gpus: int = Field(default=0, ge=0)
    partition: Line | None = Field(default=None, validation_alias=AliasChoices("partition", "queue"))
    account: Line | None = None


class Site(Settings):
    """A batch system, and what the jobs of a campaign need there.

    Attributes:
        kind: Which batch system; `hfscale.sites.systems` knows them.
        mode: How workers get their tasks.
        resources: What each job asks for.
        setup: Lines of shell that make the command below available on the nodes.
        command: Command that runs hfscale there, as a shell takes it; None for that of this environment, or plain
            ``hfscale`` in an image.
        image: Container image, None to run without.
        container: Command that runs a program in an image, where the batch system does not do that itself.
        directives: Further lines for the batch system, as its manual has them, without its prefix.
        grace: Seconds between the signal that ends a worker and the end of its job.
        shared_filesystem: Whether nodes see the folder of the store.
        logs: Folder for scripts and logs, None to keep them in the store.
        kubernetes: What pods need; of no meaning elsewhere.
    """

    kind: str
    mode: Mode = "array"
    resources: Resources = Resources()
    setup: tuple[Line, ...] = ()
    command: Line | None = None
    image: Line | None = None
    container: Line = "apptainer exec"
    directives: tuple[Line, ...] = ()
    grace: int = Field(default=60, ge=1, le=3600)
    shared_filesystem: bool = True
    logs: str | None = None
    kubernetes: KubernetesOptions = KubernetesOptions()

    @property
    def device_option(self) -> str:
        """What is added to a command line for jobs that ask for GPUs, with a space before it."""
        return " --device gpu" if self.resources.gpus else ""

    @field_validator("setup", mode="before")
    @classmethod
    def _split_lines(cls, given: Any) -> Any:
        """Take a block of text for its lines."""
        return tuple(given.splitlines()) if isinstance(given, str) else given


def write_walltime(seconds: int) -> str:
    """The walltime as ``HH:MM:SS``, with as many hours as it takes."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
