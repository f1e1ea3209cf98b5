"""Environment of the processes that compute: threads, and where compiled programs are kept between runs.

Libraries read these variables when they are first imported, so they are set before that; what the user has set stays.
"""

import grp
import hashlib
import os
import platform
import pwd
import stat
import warnings
from importlib.metadata import version
from pathlib import Path

from hfscale.errors import HfscaleWarning
from hfscale.fit.kinds import DeviceKind
from hfscale.runtime.devices import GPU_MEMORY

OFF = "off"


def use_one_thread() -> None:
    """Keep the libraries below to one thread: more gain nothing on such small matrices, and fight over busy cores."""
    for variable in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def use_device(kind: DeviceKind) -> None:
    """Have JAX in this process look for a device of that kind alone, and leave memory of a GPU to others."""
    # A campaign on CPUs must not take memory of a GPU, which JAX does as soon as it sees one.
    variables = {"JAX_PLATFORMS": "cpu"} if kind == "cpu" else GPU_MEMORY
    for variable, value in variables.items():
        os.environ.setdefault(variable, value)


def keep_compiled_programs() -> Path | None:
    """Let JAX keep compiled programs on disk, for this process and the workers that it starts.

    Whoever can write there can run code in our processes: the folder belongs to the user alone. Programs are machine
    code, so every version of jaxlib and every kind of processor has a folder of its own. ``HFSCALE_CACHE`` names
    another place, or ``off``. A folder that others can write is not used, with a warning; one that the user chose in
    JAX's own setting is used, with a warning.

    Returns:
        The folder, or None where programs are not kept or the user keeps them elsewhere.
    """
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if chosen:
        open_folder = open_to_others(Path(chosen))
        if open_folder is not None:
            _warn_of_open_folder(open_folder, "JAX_COMPILATION_CACHE_DIR is used nevertheless")
        return None
    folder = programs_folder()
    if folder is None or not _made_private(folder):
        return None
    open_folder = open_to_others(folder)
    if open_folder is not None:
        _warn_of_open_folder(open_folder, "compiled programs are not kept there; HFSCALE_CACHE names another place")
        return None
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
    return folder


def programs_folder() -> Path | None:
    """Return where compiled programs would be kept by ourselves, None if that is switched off; makes nothing."""
    place = os.environ.get("HFSCALE_CACHE", "")
    if place == OFF:
        return None
    root = Path(place or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hfscale"
    return root / f"jax-{version('jaxlib')}-{_processor()}"


def open_to_others(folder: Path) -> Path | None:
    """Return the folder, or the one above it, through which other users could put files into it; None if none.

    Folders above let others in if they could rename what is inside: writable, and not sticky as /tmp is.
    """
    inside = folder.resolve()
    for place in (inside, *inside.parents):
        try:
            found = place.stat()
        except OSError:
            continue
        sticky = place != inside and bool(found.st_mode & stat.S_ISVTX)
        foreign = found.st_uid not in (os.geteuid(), 0)
        if foreign or (_others_may_write(found) and not sticky):
            return place
    return None


def _others_may_write(found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _is_own_group(found.st_gid)


def _is_own_group(group: int) -> bool:
    """Say whether a group is that which many systems make for each user, with nobody else in it."""
    try:
        return grp.getgrgid(group).gr_name == pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False


def _made_private(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder.parent, folder):
            place.chmod(0o700)
    except OSError:
        return False
    return True


def _warn_of_open_folder(folder: Path, consequence: str) -> None:
    warnings.warn(
        f"others can write in {folder}, and whoever writes compiled programs there can run code as you: {consequence}",
        HfscaleWarning,
        stacklevel=3,
    )


def _processor() -> str:
    """Short digest of the kind of processor."""
    lines: list[str] = []
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        text = cpuinfo.read_text(errors="replace").partition("\n\n")[0]
        lines = [line for line in text.splitlines() if line.startswith(("model name", "flags", "Features"))]
    return hashlib.sha256("\n".join([platform.machine(), *lines]).encode()).hexdigest()[:12]
