"""Pictures of the templates in a folder beside their systematic variations, drawn by cabinetry."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hfscale.errors import SelectionError, SourceError
from hfscale.templating.configuration import Config, load_config
from hfscale.templating.recipes import Item, file_of
from hfscale.templating.recipes import Variation as Direction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.plot.cabinetry.templates import Heights


class TemplateVariation(NamedTuple):
    """The templates of a systematic variation of a sample in a region.

    Attributes:
        region, sample, systematic: Names in the configuration.
        folder: Where the templates are.
        variable: What they are histograms of.
        nominal: Name of the template.
        up, down: Names of its variations; None for one that is made by symmetrising when the workspace is built.
    """

    region: str
    sample: str
    systematic: str
    folder: Path
    variable: str
    nominal: str
    up: str | None = None
    down: str | None = None


def list_variations(
    config: str | Path | Mapping[str, Any],
    folder: str | Path | None = None,
    *,
    regions: Sequence[str] = (),
    samples: Sequence[str] = (),
    systematics: Sequence[str] = (),
) -> tuple[TemplateVariation, ...]:
    """List the variations that have templates, in the order of the configuration.

    Args:
        config: YAML file of cabinetry, or its content.
        folder: Where the templates are; the configuration's ``HistogramFolder`` by default.
        regions, samples, systematics: Patterns of names; all by default.

    Raises:
        InputError: The configuration is wrong, or cabinetry is not installed.
        SelectionError: There is none that matches.
    """
    document = load_config(config, folder)
    wanted = (("region", regions), ("sample", samples), ("systematic", systematics))
    found = [
        one for one in _variations(document) if all(_matches(getattr(one, key), patterns) for key, patterns in wanted)
    ]
    if not found:
        raise SelectionError(
            "no systematic variation with templates matches",
            remedy=f"systematics are {', '.join(one['Name'] for one in document.get('Systematics', [])) or 'none'}",
        )
    return tuple(found)


def draw_variation(variation: TemplateVariation, *, style: str = "plain", title: str | None = None) -> "Figure":
    """Draw a template and its variations, before and after post-processing.

    Args:
        variation: From `list_variations`.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure.

    Raises:
        SourceError: A template is missing.
        SelectionError: No such style.
    """
    from hfscale.plot.cabinetry.templates import Variation, draw_templates

    def read(name: str | None, suffix: str = "") -> "Heights | None":
        return None if name is None else _read(variation.folder, f"{name}{suffix}")[1]

    edges, nominal = _read(variation.folder, f"{variation.nominal}_modified")
    drawn = Variation(
        label=f"region: {variation.region}\nsample: {variation.sample}\nsystematic: {variation.systematic}",
        variable=variation.variable,
        edges=edges,
        nominal=nominal,
        up=read(variation.up),
        down=read(variation.down),
        up_processed=read(variation.up, "_modified"),
        down_processed=read(variation.down, "_modified"),
    )
    return draw_templates(drawn, style=style, title=title)


def _variations(document: Config) -> Iterable[TemplateVariation]:
    """All variations, by what cabinetry's route visits."""
    from cabinetry import histo, route

    folder = Path(document["General"]["HistogramFolder"])
    found: dict[tuple[str, str, str], TemplateVariation] = {}

    def add(region: Item, sample: Item, systematic: Item, template: Direction) -> None:
        if template is None:
            return
        key = (region["Name"], sample["Name"], systematic["Name"])
        nominal = histo.name(region, sample, {})
        known = found.get(key) or TemplateVariation(*key, folder, str(region.get("Variable", "observable")), nominal)
        name = histo.name(region, sample, systematic, template=template)
        found[key] = known._replace(up=name) if template == "Up" else known._replace(down=name)

    route.apply_to_all_templates(document, add)
    return found.values()


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _read(folder: Path, name: str) -> "tuple[np.ndarray, Heights]":
    from cabinetry import histo

    from hfscale.plot.cabinetry.templates import Heights

    if not (folder / file_of(name)).is_file():
        raise SourceError(
            f"{folder} has no template {file_of(name)}",
            remedy="make the templates with hfscale templates, or name their folder with --folder",
        )
    found = histo.Histogram.from_path(folder / name, modified=False)
    return np.asarray(found.bins), Heights(np.asarray(found.yields), np.asarray(found.stdev))
