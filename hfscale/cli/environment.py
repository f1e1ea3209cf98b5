"""Environment of the processes that compute: threads, and where compiled programs are kept between runs.

Libraries read these variables when they are first imported, so they are set before that; what the user has set stays.
"""

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

OFF = "off"


def use_one_thread() -> None:
    """Keep the libraries below to one thread: more gain nothing on such small matrices, and fight over busy cores."""
    for variable in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def keep_compiled_programs() -> Path | None:
    """Let JAX keep compiled programs on disk, for this process and the workers that it starts.

    Whoever can write there can run code in our processes: the folder belongs to the user alone. Programs are machine
    code, so every version of jaxlib and every kind of processor has a folder of its own. ``HFSCALE_CACHE`` names
    another place, or ``off``.

    Returns:
        The folder, or None where programs are not kept or the user keeps them elsewhere.
    """
    place = os.environ.get("HFSCALE_CACHE", "")
    if place == OFF or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    root = Path(place or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hfscale"
    folder = root / f"jax-{version('jaxlib')}-{_processor()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError:
        return None
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
    return folder


def _processor() -> str:
    """Short digest of the kind of processor."""
    lines: list[str] = []
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        text = cpuinfo.read_text(errors="replace").partition("\n\n")[0]
        lines = [line for line in text.splitlines() if line.startswith(("model name", "flags", "Features"))]
    return hashlib.sha256("\n".join([platform.machine(), *lines]).encode()).hexdigest()[:12]
