"""How to make a store again: the commands, or the calls in Python where no command can say it."""

import glob
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfscale.plan.contours import Contour
from hfscale.plan.settings import Calculation
from hfscale.store.store import ResultStore
from hfscale.workspace import Inputs
from hfscale.workspace.extension import default_poi
from hfscale.workspace.loading import IN_MEMORY

_DATA_FILE = "data.json"
_VERBS = {"profile": "scan"}
"""Kinds of calculations whose verb has another name."""
_FUNCTIONS = {**_VERBS, "fit": "best_fit"}
"""The same for functions of the package."""
_REPEATED = {
    "parameters": "--parameter",
    "grids": "--grid",
    "modifiers": "--modifier",
    "fix": "--fix",
    "init": "--init",
    "bounds": "--bounds",
    "minos": "--minos",
    "groups": "--group",
    "channels": "--channel",
}
"""Settings that are options to be given once per value."""
_REQUIRED = ("poi_grid", "parameters")
"""Settings without a default."""


@dataclass(frozen=True)
class Reproduction:
    """How to make a store again.

    Attributes:
        commands: For a shell, one after the other; none where the command line cannot say it.
        python: The same as Python.
        files: Files that the commands need besides the inputs, by name: their text.
        remarks: What else has to be known, a sentence each.
    """

    commands: tuple[str, ...]
    python: str
    files: Mapping[str, str]
    remarks: tuple[str, ...]


def reproduction(store: ResultStore, contours: Sequence[Contour] = ()) -> Reproduction:
    """Tell how to make a store, and its contours, again.

    Args:
        store: The store.
        contours: Its contours.
    """
    drawing = [_drawing(store, contour, number) for number, contour in enumerate(contours, start=1)]
    merged = store.attributes["provenance"].get("merged")
    if merged is not None:
        return _merging([str(path) for path in merged], str(store.path), drawing)
    inputs = Inputs.from_json(store.inputs())
    calculation = store.settings["calculation"]
    options = _options(calculation)
    more = [shlex.join(["hfscale", "toys", str(store.path), "--more", str(n)]) for n in _extensions(store)]
    in_memory = IN_MEMORY in f"{inputs.workspace_source} {inputs.patchset_source}"
    commands: tuple[str, ...] = ()
    if options is not None and not in_memory:
        words = [
            "hfscale",
            _name(calculation, _VERBS),
            *_sources(inputs),
            "-o",
            str(store.path),
            *_selectors(inputs),
            *options,
        ]
        commands = (shlex.join(words), *more, *drawing)
    return Reproduction(commands, _python(store, inputs), _files(inputs), _remarks(inputs, in_memory))


def _merging(stores: Sequence[str], path: str, drawing: Sequence[str]) -> Reproduction:
    command = shlex.join(["hfscale", "merge", *stores, "-o", path])
    call = f"hfscale.merge({list(stores)!r}, {path!r})"
    remark = "The store was merged from others; a report on each of these tells how it was made."
    return Reproduction((command, *drawing), f"import hfscale\n\n{call}\n", {}, (remark,))


def _name(calculation: Mapping[str, Any], others: Mapping[str, str]) -> str:
    kind = str(calculation.get("kind", "cls"))
    return others.get(kind, kind)


def _sources(inputs: Inputs) -> list[str]:
    """The arguments that name the inputs, and the names that choose among what is in them."""
    if inputs.patchset_source is None:
        return [inputs.workspace_source]
    if inputs.metadata:
        return [inputs.workspace_source, inputs.patchset_source]
    patches = [word for point in inputs.points for word in ("-p", point.source)]
    return [inputs.workspace_source, *patches]


def _selectors(inputs: Inputs) -> list[str]:
    words = [word for pattern in _patterns(inputs) for word in ("--points", pattern)]
    words += [word for name, value in _measured(inputs).items() for word in (f"--{name}", value)]
    if inputs.data is not None:
        words += ["--data", _DATA_FILE]
    return [*words, "--no-verify-digest"] if _other_digest(inputs) else words


def _measured(inputs: Inputs) -> dict[str, str]:
    """Measurement and parameter of interest, where they are not those that the workspace suggests."""
    measurements = {measurement["name"]: measurement for measurement in inputs.workspace["measurements"]}
    chosen = {} if inputs.measurement == next(iter(measurements)) else {"measurement": inputs.measurement}
    usual = default_poi(measurements[inputs.measurement])
    return chosen if inputs.poi == usual else {**chosen, "poi": inputs.poi}


def _patterns(inputs: Inputs) -> list[str]:
    """Patterns that choose just the points of the store."""
    if inputs.patterns is not None:
        return list(inputs.patterns)
    return [glob.escape(point.name) for point in inputs.points] if inputs.patchset_source is not None else []


def _other_digest(inputs: Inputs) -> bool:
    """Whether the patchset was made for another workspace, by its own account."""
    named = inputs.metadata.get("digests", {}).get("sha256", inputs.workspace_digest)
    return bool(named != inputs.workspace_digest)


def _options(calculation: Mapping[str, Any]) -> list[str] | None:
    """The options for what differs from the defaults; None where a setting has no form on the command line."""
    words: list[str] = []
    for name, value in _changed(calculation).items():
        option = _REPEATED.get(name, f"--{name.replace('_', '-')}")
        if name in _REPEATED:
            words += [word for item in _items(name, value) for word in (option, item)]
        elif value is True:
            words.append(option)
        elif name == "interpcode":
            words += [option, ",".join(f"{kind}={code}" for kind, code in value.items())]
        elif isinstance(value, Mapping) and len(set(value.values())) == 1:
            words += [option, _text(next(iter(value.values())))]
        elif isinstance(value, Mapping | list):
            return None
        else:
            words += [option, _text(value)]
    return words


def _items(name: str, value: Any) -> list[str]:
    """The values of an option that is given several times."""
    if not isinstance(value, Mapping):
        return [str(item) for item in value]
    joint = ":" if name == "bounds" else ","
    texts = {
        key: joint.join(map(_text, item)) if isinstance(item, list) else _text(item) for key, item in value.items()
    }
    return [f"{key}={text}" for key, text in texts.items()]


def _changed(calculation: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from the defaults of a calculation of their kind, beside the kind itself."""
    own = Calculation.model_validate(calculation)
    required = {name: calculation[name] for name in _REQUIRED if calculation.get(name)}
    fields: dict[str, Any] = {"kind": own.kind, "calctype": own.calctype, **required}
    fields |= {name: True for name in ("adaptive", "adaptive_grid") if getattr(own, name)}
    usual = Calculation.model_validate(fields).document()
    names = [name for name in calculation if name != "kind"]
    chosen = {name: calculation[name] for name in names if name in fields or calculation[name] != usual.get(name)}
    return {name: value for name, value in chosen.items() if (name, value) != ("calctype", "asymptotics")}


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _extensions(store: ResultStore) -> list[int]:
    """Toys that were added to those that the settings ask for, once for every time."""
    # Rounds of an adaptive number of toys follow from the settings.
    adaptive = bool(store.settings["calculation"].get("adaptive"))
    return [] if adaptive else [toys.count for toys in store.rounds[1:]]


def _drawing(store: ResultStore, contour: Contour, number: int) -> str:
    """The command that draws a contour."""
    words = ["hfscale", "contour", str(store.path), "-x", contour.x, "-y", contour.y]
    for name, value in contour.model_dump(mode="json", exclude={"x", "y", "output"}, exclude_defaults=True).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, list):
            words += [word for item in value for word in (option.removesuffix("s"), str(item))]
        else:
            words += [option] if value is True else [option, _text(value)]
    output = Path(contour.output)
    file = output.name if number == 1 else f"{output.stem}-{number}{output.suffix}"
    return shlex.join([*words, "-o", file])


def _files(inputs: Inputs) -> dict[str, str]:
    data = _data(inputs)
    return {} if data is None else {_DATA_FILE: json.dumps(data, indent=1, allow_nan=False)}


def _data(inputs: Inputs) -> dict[str, Any] | None:
    """The data in place of the observed ones, as `hfscale.workspace.observed.read_data` takes them."""
    if inputs.data is None:
        return None
    observations = [{"name": name, "data": list(data)} for name, data in inputs.data["observations"].items()]
    return {"observations": observations, "auxdata": dict(inputs.data["auxdata"])}


def _python(store: ResultStore, inputs: Inputs) -> str:
    """The call of the function that makes the store, and those that added toys."""
    calculation = store.settings["calculation"]
    in_memory = IN_MEMORY in inputs.workspace_source
    arguments = ["workspace" if in_memory else repr(inputs.workspace_source)]
    options: dict[str, Any] = {"store": str(store.path)}
    if inputs.metadata:
        arguments.append("patchset" if IN_MEMORY in str(inputs.patchset_source) else repr(inputs.patchset_source))
    elif inputs.patchset_source is not None:
        options["patches"] = [point.source for point in inputs.points]
    options |= {"points": _patterns(inputs)} if _patterns(inputs) else {}
    options |= _measured(inputs)
    options |= {"verify_digest": False} if _other_digest(inputs) else {}
    options |= {} if inputs.data is None else {"data": _data(inputs)}
    options |= {name: _argument(value) for name, value in _changed(calculation).items()}
    lines = [*arguments, *(f"{name}={value!r}" for name, value in options.items())]
    call = f"hfscale.{_name(calculation, _FUNCTIONS)}(\n" + "".join(f"    {line},\n" for line in lines) + ")"
    more = [f"hfscale.toys({str(store.path)!r}, {count})" for count in _extensions(store)]
    return "\n".join(["import hfscale", "", call, *more]) + "\n"


def _argument(value: Any) -> Any:
    """A setting as functions take it: pairs of bounds and the like are tuples, which JSON has not."""
    if not isinstance(value, Mapping):
        return value
    return {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}


def _remarks(inputs: Inputs, in_memory: bool) -> tuple[str, ...]:
    remarks = []
    if in_memory:
        remarks.append("The inputs were documents in Python, not files; the store has a copy of them.")
    if not inputs.metadata and inputs.patchset_source is not None and inputs.patterns != ():
        remarks.append("Patches that were given and not selected are not named here, and count for the digest.")
    return tuple(remarks)
