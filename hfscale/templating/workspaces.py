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


def write_workspace(config: Config, path: Path) -> None:
    """Make the workspace of finished templates and write it as cabinetry does, at once.

    Raises:
        ModelError: It is no valid workspace, or some of its numbers are none.
        SourceError: A template is missing, or a systematic lacks what a workspace needs of it.
    """
    from cabinetry import workspace
    from pyhf.exceptions import InvalidSpecification

    try:
        with np.errstate(all="ignore"):
            # What is no number is found below.
            document = workspace.build(config, with_validation=False)
        _refuse_no_numbers(document)
        workspace.validate(document)
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
