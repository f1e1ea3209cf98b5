"""The workspace of templates, made by cabinetry and checked by pyhf."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hfscale.errors import ModelError, SourceError
from hfscale.store.files import write_bytes
from hfscale.templating.configuration import Config

_WORKER_SAYS_NOTHING = (FileNotFoundError, KeyError, ValueError)
"""What makes a part impossible: the driver, which has all of them, meets it again and says so."""


def write_part(config: Config, drafts: Path, identity: str, region: int, sample: int) -> None:
    """Make the part of a workspace that is one sample in one region, if that is possible, for `write_workspace`.

    Args:
        config: cabinetry's configuration.
        drafts: Where to.
        identity: That of the orders, see `write_workspace`.
        region: Number of the region in the configuration.
        sample: Number of the sample.
    """
    from pyhf.exceptions import InvalidSpecification

    try:
        samples = _samples(config, region, sample)
        _validate_samples(samples)
    except (*_WORKER_SAYS_NOTHING, InvalidSpecification):
        return
    write_bytes(_part_file(drafts, identity, region, sample), json.dumps(samples).encode())


def write_workspace(config: Config, path: Path, drafts: Path, identity: str | None) -> None:
    """Make the workspace of finished templates and write it as cabinetry does, at once.

    Args:
        config: cabinetry's configuration.
        path: Where to.
        drafts: Where `write_part` wrote parts; the others are made here.
        identity: Of the orders by which parts were made, None for none. Others there are of a task that an earlier
            run left to itself.

    Raises:
        ModelError: It is no valid workspace, or some of its numbers are none.
        SourceError: A template is missing, or a systematic lacks what a workspace needs of it.
    """
    from pyhf.exceptions import InvalidSpecification

    try:
        document = _assembled(config, drafts, identity)
        _refuse_no_numbers(document)
        _validate(document)
    except FileNotFoundError as error:
        raise SourceError(
            f"the workspace needs a template that the configuration does not make: {error.filename}",
            remedy="symmetrize one of the two templates of a systematic, not both",
        ) from error
    except KeyError as error:
        raise SourceError(
            f"a systematic lacks {error.args[0]}", remedy="give Up and Down of a Normalization their Normalization"
        ) from error
    except InvalidSpecification as error:
        raise ModelError(f"the workspace is not valid: {error}", remedy="correct the configuration") from error
    write_bytes(path, json.dumps(document, sort_keys=True, indent=4, allow_nan=False).encode())


def places(config: Config) -> list[tuple[int, int]]:
    """Return the number of the region and of the sample of every part of the workspace."""
    samples = [k for k, sample in enumerate(config["Samples"]) if not sample.get("Data", False)]
    return [(region, sample) for region in range(len(config["Regions"])) for sample in samples]


def _part_file(drafts: Path, identity: str, region: int, sample: int) -> Path:
    return drafts / f"part-{identity}-{region}-{sample}.json"


def _samples(config: Config, region: int, sample: int) -> list[dict[str, Any]]:
    """Have cabinetry make the samples of a channel that come from one in the configuration: one, or none."""
    from cabinetry.workspace import WorkspaceBuilder

    alone = {**config, "Regions": [config["Regions"][region]], "Samples": [config["Samples"][sample]]}
    with np.errstate(all="ignore"):
        # What is no number is found in the end.
        (channel,) = WorkspaceBuilder(alone).channels()
    samples: list[dict[str, Any]] = channel["samples"]
    return samples


def _assembled(config: Config, drafts: Path, identity: str | None) -> dict[str, Any]:
    """Put the parts together, as cabinetry's ``WorkspaceBuilder.build`` does."""
    from cabinetry.workspace import WorkspaceBuilder

    channels: list[dict[str, Any]] = [{"name": region["Name"], "samples": []} for region in config["Regions"]]
    for region, sample in places(config):
        file = None if identity is None else _part_file(drafts, identity, region, sample)
        found = json.loads(file.read_bytes()) if file is not None and file.exists() else None
        if found is None:
            found = _samples(config, region, sample)
            _validate_samples(found)
        channels[region]["samples"] += found
    builder = WorkspaceBuilder(config)
    return {
        "channels": channels,
        "measurements": builder.measurements(),
        "observations": builder.observations(),
        "version": "1.0.0",
    }


def _validate_samples(samples: list[dict[str, Any]]) -> None:
    """Have pyhf validate samples: its schema has no rule on several samples together."""
    from pyhf import schema

    if samples:
        schema.validate({"channels": [{"name": "part", "samples": samples}]}, "model.json")


def _validate(document: Mapping[str, Any]) -> None:
    """Have pyhf validate everything but the modifiers of samples, which are validated already."""
    import pyhf

    channels = [
        {**channel, "samples": [{**sample, "modifiers": []} for sample in channel["samples"]]}
        for channel in document["channels"]
    ]
    pyhf.schema.validate({**document, "channels": channels}, "workspace.json")
    pyhf.Workspace(document, validate=False)


def _refuse_no_numbers(document: Mapping[str, Any]) -> None:
    for channel in document["channels"]:
        for sample in channel["samples"]:
            for part, data in _numbers(sample):
                if not all(math.isfinite(x) for x in data):
                    raise ModelError(
                        f"sample {sample['name']} of channel {channel['name']} has NaN in {part}",
                        remedy="leave out variations of samples without any yield, or empty samples",
                    )


def _numbers(sample: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    yield "its yields", sample["data"]
    for modifier in sample["modifiers"]:
        data, name = modifier["data"], f"the {modifier['type']} {modifier['name']}"
        if isinstance(data, Mapping):
            for value in data.values():
                yield name, value if isinstance(value, list) else [value]
        elif data is not None:
            yield name, data
