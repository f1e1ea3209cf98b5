"""What a control group of Linux grants to this process: containers and batch jobs have less than the machine."""

from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_UNLIMITED_BYTES = 2**60
"""What version 1 says for no limit is close to the largest integer."""


def cpu_limit(root: Path = _ROOT, own: Path = _OWN) -> float | None:
    """Return how many CPUs' time the control groups of this process grant it, None for no limit.

    Args:
        root: Where control groups are mounted.
        own: File that names those of this process.
    """
    limits = []
    for folder in _folders(root, own, "cpu"):
        quota, period = [*_words(folder / "cpu.max"), "", ""][:2]
        if not quota:
            quota, period = ("".join(_words(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
        if quota.isdecimal() and period.isdecimal() and int(period) > 0:
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def memory_limit(root: Path = _ROOT, own: Path = _OWN) -> int | None:
    """Return how many bytes of memory the control groups of this process grant it, None for no limit."""
    limits = []
    for folder in _folders(root, own, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = "".join(_words(folder / name))
            if text.isdecimal() and int(text) < _UNLIMITED_BYTES:
                limits.append(int(text))
    return min(limits, default=None)


def _folders(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups of this process, version 2 or 1, and of those above; limits of all of them hold."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / controller if controllers else root
        # Inside a container, the path is often that outside; what is mounted is then its own group.
        folder = mount / path.lstrip("/")
        yield from (place for place in (folder, *folder.parents) if place == mount or mount in place.parents)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
