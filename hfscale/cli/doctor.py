"""The verb ``doctor``: what this machine offers, and whether fits work on it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.environment import keep_compiled_programs, open_to_others, programs_folder
from hfscale.cli.messages import say, write, write_fields, write_json
from hfscale.cli.options import json_option, loudness_options
from hfscale.errors import HfscaleError

if TYPE_CHECKING:
    from hfscale.doctor.machine import Part

_FAILED = 1
_BYTES = ("total", "available", "size")
_EPILOG = """\b
Examples:
  hfscale doctor
  hfscale doctor --seconds 0 --json

\b
Where JAX sees a GPU, fits per second by the size of batches are measured on it and on a CPU, and kept: --device auto
takes the GPU for campaigns whose tasks are larger than where it begins to win.

\b
Exit codes: 0 done; 1 done, but something does not work."""


@click.command("doctor", epilog=_EPILOG)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.0),
    default=5.0,
    show_default=True,
    help="Length of the self-test, and of the measurement of each device, after compiling; 0 for none.",
)
@json_option
@loudness_options
def doctor_command(seconds: float, as_json: bool) -> int:
    """Devices, threads, memory, versions and compiled programs here, and how many fits there are per second on each."""
    from hfscale.doctor import machine
    from hfscale.doctor.crossover import crossover
    from hfscale.doctor.self_test import self_test

    keep_compiled_programs()
    looks: dict[str, Callable[[], Part]] = {
        "versions": machine.versions,
        "threads": machine.threads,
        "memory": machine.memory,
        "compiled programs": look_at_programs,
        "devices": machine.devices,
    }
    if seconds > 0.0:
        looks["self-test"] = lambda: self_test(seconds)
        looks["crossover"] = lambda: crossover(seconds)
    found, errors = examine(looks)
    if as_json:
        _write_json(found, errors)
    else:
        _write(found, errors)
    return _FAILED if errors else 0


def examine(looks: "dict[str, Callable[[], Part]]") -> "tuple[dict[str, Part], dict[str, str]]":
    """Look at one part after the other; what goes wrong with one, by name, does not hide the others."""
    found: dict[str, Part] = {}
    errors: dict[str, str] = {}
    for name, look in looks.items():
        try:
            found[name] = look()
        except HfscaleError as error:
            errors[name] = str(error)
        except Exception as error:  # noqa: BLE001 (what may be wrong with a machine is not known beforehand)
            errors[name] = f"{type(error).__name__}: {error}"
    return found, errors


def look_at_programs() -> "Part":
    """The folder in which JAX keeps compiled programs, and who can write there."""
    from hfscale.doctor.machine import Part

    own = programs_folder()
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    folder = Path(chosen) if chosen else own
    if folder is None:
        return Part({"folder": None}, ("compiled programs are not kept between runs: unset HFSCALE_CACHE=off",))
    files = [path.stat() for path in folder.glob("*-cache")] if folder.is_dir() else []
    mode = f"{stat.S_IMODE(folder.stat().st_mode):04o}" if folder.is_dir() else None
    values: dict[str, Any] = {"folder": str(folder), "used": bool(chosen), "permissions": mode}
    values |= {"entries": len(files), "size": sum(file.st_size for file in files)}
    place = open_to_others(folder)
    if place is None:
        return Part(values)
    return Part(values, (f"others can write in {place}, and could run code as you: chmod go-w {place}",))


def _write_json(found: "dict[str, Part]", errors: dict[str, str]) -> None:
    parts = {name.replace(" ", "_").replace("-", "_"): dict(part.values) for name, part in found.items()}
    hints = [hint for part in found.values() for hint in part.hints]
    write_json({**parts, "hints": hints, "errors": errors})


def _write(found: "dict[str, Part]", errors: dict[str, str]) -> None:
    for name, part in found.items():
        write(f"{name}:")
        write_fields({f"  {key}": _shown(key, value) for key, value in part.values.items()})
    for hint in (hint for part in found.values() for hint in part.hints):
        write(f"hint: {hint}")
    for name, error in errors.items():
        say(f"error: {name}: {error}", "error", part=name)


def _shown(key: str, value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, int) and (key in _BYTES or (key == "cgroup_limit" and value > 2**20)):
        return f"{value / 2**20:,.0f} MiB"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
