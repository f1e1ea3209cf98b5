"""The campaign file: reading it, applying overrides, and saying exactly what is wrong with it."""

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from hfscale.errors import InputError, SchemaError, SourceError
from hfscale.plan.contours import Contour
from hfscale.plan.paths import is_scheduler_file, resolve_source, resolve_sources, resolve_store
from hfscale.plan.schema_errors import Location, keys_of, schema_error
from hfscale.plan.settings import Calculation, RunOptions, Settings
from hfscale.plan.yamlfile import line_of, parse_yaml


class Campaign(Settings):
    """Everything one campaign file declares, with all paths made absolute.

    Attributes:
        schema_version: Version of the file format, the key ``schema`` of the file.
        workspace: Background workspace (JSON, archive, or ``ARCHIVE::MEMBER``).
        patchset: Patchset, or None.
        patches: JSON patches, one signal point each, instead of a patchset.
        measurement: Name of the measurement, None for the first of the workspace.
        poi: Name of the parameter of interest, None for the measurement's own.
        verify_digest: Whether the patchset's digest must be that of the workspace.
        data: File with data in place of the observed ones, or None.
        calculation: What is computed.
        points: Patterns of the names of signal points; empty means all.
        store: Where results go.
        run: How it is run.
        contours: The figures to draw at the end.
    """

    schema_version: Literal[1] = Field(alias="schema")
    workspace: str
    patchset: str | None = None
    patches: tuple[str, ...] = ()
    measurement: str | None = None
    poi: str | None = None
    verify_digest: bool = True
    data: str | None = None
    calculation: Calculation = Calculation()
    points: tuple[str, ...] = ()
    store: str
    run: RunOptions = RunOptions()
    contours: tuple[Contour, ...] = ()


def load_campaign(path: str | Path, overrides: Sequence[str] = ()) -> Campaign:
    """Read a campaign file.

    Args:
        path: The YAML file. Relative paths in it are relative to its folder.
        overrides: Texts ``key=value`` where ``key`` is dotted (``calculation.test_poi``, ``contours.0.output``) and
            ``value`` is YAML. They act as if written in the file.

    Returns:
        The campaign, with absolute paths.

    Raises:
        SourceError: The file cannot be read.
        InputError: An override is not of the form ``key=value`` or does not fit the file's structure.
        SchemaError: The file is not YAML, or a key is unknown, missing, repeated, or has a wrong value.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"the campaign file {file} cannot be read: {error}") from error
    document = parse_yaml(text, source=str(file))
    if not isinstance(document, dict):
        raise SchemaError(
            f"{file} is not a campaign file: its top level is not a mapping of keys",
            remedy=f"start from the keys {', '.join(keys_of(Campaign))}",
        )
    return check_campaign(document, overrides, source=str(file), folder=file.resolve().parent, text=text)


def check_campaign(
    document: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    source: str = "the campaign",
    folder: Path,
    text: str | None = None,
) -> Campaign:
    """Make a campaign of the mapping of keys that a campaign file would have.

    Args:
        document: The mapping, which is not changed.
        overrides: As `load_campaign`.
        source: What the mapping is called in messages.
        folder: The folder that relative paths are relative to.
        text: The YAML text that it was read from, for lines in messages; None if there is none.

    Raises:
        InputError, SchemaError: As `load_campaign`.
    """
    own = copy.deepcopy(dict(document))
    for override in overrides:
        apply_override(own, override)
    try:
        campaign = Campaign.model_validate(own)
    except ValidationError as error:
        raise schema_error(source, error, Campaign, partial(_line, text or "", overrides)) from error
    return _with_absolute_paths(campaign, folder)


def apply_override(document: dict[str, Any], override: str) -> None:
    """Set one value of a campaign document in place from a text ``key=value``; see `load_campaign`."""
    key, separator, text = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts):
        raise InputError(
            f"the override {override!r} is not of the form key=value",
            remedy="for example --set calculation.test_poi=0.5",
        )
    try:
        value = parse_yaml(text, source=f"the value of --set {key}")
        _set_value(document, parts, value)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(
            f"the override {override!r} does not fit the campaign file: {key} leads nowhere",
            place=key,
            remedy=f"known keys are {', '.join(keys_of(Campaign))}",
        ) from error


def _set_value(document: dict[str, Any], parts: Sequence[str], value: object) -> None:
    node: Any = document
    for part in parts[:-1]:
        if isinstance(node, list):
            node = node[int(part)]
            continue
        if node.get(part) is None:
            node[part] = {}
        node = node[part]
        if not isinstance(node, dict | list):
            raise TypeError(part)
    if isinstance(node, list):
        node[int(parts[-1])] = value
    else:
        node[parts[-1]] = value


def _line(text: str, overrides: Sequence[str], location: Location) -> int | None:
    """The line of a value of the file, None for one that an override set."""
    key = ".".join(map(str, location))
    for override in overrides:
        given = override.partition("=")[0].strip()
        if key == given or key.startswith(f"{given}."):
            return None
    return line_of(text, location)


def _with_absolute_paths(campaign: Campaign, folder: Path) -> Campaign:
    calculation = campaign.calculation
    for key in ("cross_section", "signal_uncertainty"):
        if isinstance(given := getattr(calculation, key), str):
            calculation = calculation.model_copy(update={key: resolve_source(given, folder)})
    run = campaign.run
    if run.scheduler is not None and is_scheduler_file(run.scheduler):
        run = run.model_copy(update={"scheduler": resolve_source(run.scheduler, folder)})
    return campaign.model_copy(
        update={
            "workspace": resolve_source(campaign.workspace, folder),
            "patchset": None if campaign.patchset is None else resolve_source(campaign.patchset, folder),
            "patches": tuple(resolve_sources(patch, folder) for patch in campaign.patches),
            "calculation": calculation,
            "data": None if campaign.data is None else resolve_source(campaign.data, folder),
            "store": resolve_store(campaign.store, folder),
            "run": run,
            "contours": tuple(
                contour.model_copy(
                    update={
                        "output": resolve_source(contour.output, folder),
                        "style_file": contour.style_file and resolve_source(contour.style_file, folder),
                    }
                )
                for contour in campaign.contours
            ),
        }
    )
