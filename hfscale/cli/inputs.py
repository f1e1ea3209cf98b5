"""Verbs that look at inputs and compute nothing: ``inspect`` and ``validate``."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.messages import say, write, write_fields, write_json
from hfscale.cli.options import input_options, json_option, loudness_options, modifier_option, take_inputs

if TYPE_CHECKING:
    from hfscale.workspace import Inputs

BAD_INPUT = 2


@click.command("inspect", epilog="Example: hfscale inspect BkgOnly.json patchset.json --json")
@input_options
@modifier_option
@json_option
@loudness_options
def inspect_command(as_json: bool, modifiers: dict[str, str], **options: Any) -> None:
    """What is in a workspace and its patchset: channels, samples, modifiers, parameters, signal points."""
    from hfscale.workspace import load_inputs

    chosen = take_inputs(options)
    inputs = load_inputs(chosen.workspace, chosen.patchset, **chosen.keywords())
    summary = summarize(inputs, modifiers)
    if as_json:
        write_json(summary)
        return
    channels = summary.pop("channels")
    shown = {name: _short(value) for name, value in summary.items()}
    write_fields(shown)
    for channel in channels:
        write(f"  {channel['name']}: {channel['bins']} bins, samples {', '.join(channel['samples'])}")


def summarize(inputs: "Inputs", modifiers: Mapping[str, str]) -> dict[str, Any]:
    """Counts and names of what the inputs hold, as a JSON document; models are those of the first point."""
    from hfscale.work.custom import import_modifiers
    from hfscale.work.models import build_models, parameter_names, pruning_report

    groups = build_models(inputs, modifiers=import_modifiers(modifiers))
    pruned = pruning_report(inputs)
    channels = sorted(inputs.workspace["channels"], key=lambda channel: str(channel["name"]))
    samples = [sample for channel in channels for sample in channel["samples"]]
    kinds = Counter(modifier["type"] for sample in samples for modifier in sample["modifiers"])
    return {
        "workspace": inputs.workspace_source,
        "digest": inputs.workspace_digest,
        "measurement": inputs.measurement,
        "measurements": [measurement["name"] for measurement in inputs.workspace["measurements"]],
        "poi": inputs.poi,
        "modifiers": dict(sorted(kinds.items())),
        "pruned": {} if pruned is None else {"modifiers": pruned.n_dropped, "parameters": len(pruned.vanished)},
        "parameters": len(parameter_names(groups)),
        "structures": len(groups),
        "points": len(inputs.points),
        "points_without_signal": int(sum((~group.has_signal).sum() for group in groups)),
        "labels": {label: _range([point.values[label] for point in inputs.points]) for label in inputs.labels},
        "first_points": [point.name for point in inputs.points[:3]],
        "channels": [
            {
                "name": channel["name"],
                "bins": len(channel["samples"][0]["data"]),
                "samples": sorted(sample["name"] for sample in channel["samples"]),
            }
            for channel in channels
        ],
    }


def _range(values: list[Any]) -> list[Any]:
    if any(isinstance(value, str) for value in values):
        return sorted({str(value) for value in values})
    return [min(values), max(values)]


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


@click.command("validate", epilog="Example: hfscale validate BkgOnly.json patchset.json")
@input_options
@modifier_option
@json_option
@loudness_options
def validate_command(as_json: bool, modifiers: dict[str, str], **options: Any) -> int:
    """Check a workspace and every signal point, and list all problems; exit code 2 where there are any."""
    from hfscale.errors import HfscaleError
    from hfscale.work.custom import import_modifiers
    from hfscale.work.models import build_models
    from hfscale.workspace import find_problems, load_inputs

    chosen = take_inputs(options)
    problems: list[HfscaleError] = []
    n_points = 0
    try:
        inputs = load_inputs(chosen.workspace, chosen.patchset, **chosen.keywords())
        n_points = len(inputs.points)
        problems = find_problems(inputs)
        if not problems:
            build_models(inputs, modifiers=import_modifiers(modifiers))
    except HfscaleError as error:
        problems = [error]
    if as_json:
        entries = [{"kind": p.kind, "message": p.message, "place": p.place, "remedy": p.remedy} for p in problems]
        write_json({"valid": not problems, "points": n_points, "problems": entries})
    else:
        for problem in problems:
            say(f"error: {problem}")
        if not problems:
            write(f"valid: {n_points} signal points")
    return BAD_INPUT if problems else 0
