"""What each template of a configuration is made from: files, tree, variable, binning, weight and selection.

Which settings of regions, samples and systematics override which others is asked of cabinetry, whose functions for
that are not public: they are used in this module alone.
"""

import math
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from hfscale.errors import InputError, SchemaError
from hfscale.templating.configuration import Config

AskedInputs = Literal["auto", "ntuples", "histograms"]
"""What templates are made from: ntuples are filled into histograms, histograms are collected."""

Item = dict[str, Any]
Variation = Literal["Up", "Down"] | None


@dataclass(frozen=True)
class Template:
    """A template, and how it is made.

    Attributes:
        name: cabinetry's name of it.
        region, sample: Names in the configuration.
        paths: Files of ntuples, which may have wildcards; or one histogram, as ``file:histogram``.
        tree: Tree in the files; None where a histogram is collected.
        variable: What is filled; an expression of branches, as the following two.
        bins: Edges of the bins.
        weight: Weight of events, None for one.
        selection: Which events are filled, None for all.
        is_data: Whether it is observed data, which may be zero everywhere.
        smoothing: Algorithm of smoothing, None for none.
        nominal: Name of the nominal template.
    """

    name: str
    region: str
    sample: str
    paths: tuple[str, ...]
    tree: str | None = None
    variable: str = ""
    bins: tuple[float, ...] = ()
    weight: str | None = None
    selection: str | None = None
    is_data: bool = False
    smoothing: str | None = None
    nominal: str = ""

    @property
    def file(self) -> str:
        """Name of the file that cabinetry reads it from."""
        return file_of(self.name)

    @property
    def processed_file(self) -> str:
        """Name of the file with the template after post-processing."""
        return file_of(f"{self.name}_modified")

    @property
    def origin(self) -> str:
        """Where it comes from, for messages."""
        files = ", ".join(self.paths)
        return files if self.tree is None else f"tree {self.tree} of {files}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Template":
        """Read the document that `to_json` made."""
        return cls(**{**document, "paths": tuple(document["paths"]), "bins": tuple(document["bins"])})


def file_of(name: str) -> str:
    """Return the file of a histogram of cabinetry by its name, of which cabinetry drops what follows the last dot."""
    return Path(name).with_suffix(".npz").name


def list_templates(config: Config, inputs: AskedInputs = "auto") -> tuple[Template, ...]:
    """List all templates that a configuration needs, in cabinetry's order; reads no input.

    Args:
        config: From `hfscale.templating.configuration.load_config`.
        inputs: What they are made from. ``auto``: ntuples if any region has a variable, else histograms.

    Raises:
        SchemaError: A setting is missing, or two templates would be the same file.
    """
    from cabinetry import route

    found: list[Template] = []
    recipe = _recipe(config, inputs)

    def add(region: Item, sample: Item, systematic: Item, variation: Variation) -> None:
        found.append(recipe(region, sample, systematic, variation))

    try:
        route.apply_to_all_templates(config, add)
    except (NotImplementedError, ValueError) as error:
        # Of cabinetry: a part of the path has no setting.
        raise SchemaError(f"the configuration cannot be used: {error}", place="/General/InputPath") from error
    _refuse_equal_files(found)
    return tuple(found)


def _recipe(config: Config, inputs: AskedInputs) -> Callable[[Item, Item, Item, Variation], Template]:
    if inputs not in ("auto", "ntuples", "histograms"):
        raise InputError(f"templates cannot be made from {inputs!r}", remedy="choose auto, ntuples or histograms")
    if inputs == "histograms" or (inputs == "auto" and not any("Variable" in r for r in config["Regions"])):
        return _HistogramRecipes(config)
    _require(config["Regions"], "Regions", ("Variable", "Binning"))
    _require(config["Samples"], "Samples", ("Tree",))
    _check_binnings(config["Regions"])
    return _NtupleRecipes(config)


def _require(items: Sequence[Item], kind: str, keys: Sequence[str]) -> None:
    for k, item in enumerate(items):
        for key in keys:
            if key not in item:
                raise SchemaError(
                    f"{item['Name']} has no {key}, which templates from ntuples need",
                    place=f"/{kind}/{k}",
                    remedy=f"add {key}, or make the templates from histograms (--inputs histograms)",
                )


def _check_binnings(regions: Sequence[Item]) -> None:
    for k, region in enumerate(regions):
        edges = region["Binning"]
        if not all(math.isfinite(e) for e in edges) or any(b <= a for a, b in pairwise(edges)):
            raise SchemaError(
                f"the bins of {region['Name']} are not in ascending order",
                place=f"/Regions/{k}/Binning",
                remedy="list the edges of the bins from low to high",
            )


class _NtupleRecipes:
    """Templates that are filled with the events of ntuples."""

    def __init__(self, config: Config) -> None:
        self._path = config["General"]["InputPath"]

    def __call__(self, region: Item, sample: Item, systematic: Item, variation: Variation) -> Template:
        from cabinetry.templates import builder

        place = (region, sample, systematic, variation)
        return Template(
            paths=tuple(_absolute(str(path)) for path in builder._ntuple_paths(self._path, *place)),
            tree=builder._position_in_file(*place[1:]),
            variable=builder._variable(*place),
            bins=tuple(float(edge) for edge in region["Binning"]),
            weight=builder._weight(*place),
            selection=builder._filter(*place),
            **_common(*place),
        )


class _HistogramRecipes:
    """Templates that are collected from histograms."""

    def __init__(self, config: Config) -> None:
        self._path = config["General"]["InputPath"]
        self._variation = config["General"].get("VariationPath", "")

    def __call__(self, region: Item, sample: Item, systematic: Item, variation: Variation) -> Template:
        from cabinetry.templates import collector

        place = (region, sample, systematic, variation)
        path = _absolute(collector._histo_path(self._path, self._variation, *place))
        return Template(paths=(path,), **_common(*place))


def _common(region: Item, sample: Item, systematic: Item, variation: Variation) -> dict[str, Any]:
    from cabinetry import histo
    from cabinetry.templates import postprocessor

    return {
        "name": histo.name(region, sample, systematic, template=variation),
        "region": region["Name"],
        "sample": sample["Name"],
        "nominal": histo.name(region, sample, {}),
        "is_data": bool(sample.get("Data", False)),
        "smoothing": postprocessor._smoothing_algorithm(region, sample, systematic),
    }


def _absolute(path: str) -> str:
    """A path that means the same in every worker: cabinetry's are relative to the folder that it runs in."""
    return path if "://" in path else os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 (a path may end in ":tree")


def _refuse_equal_files(templates: Sequence[Template]) -> None:
    owners = defaultdict(list)
    for template in templates:
        owners[template.file].append(template.name)
        owners[template.processed_file].append(f"{template.name}, post-processed")
        if os.sep in template.name:
            raise SchemaError(f"{template.name} is no name of a file", remedy=f"leave out the {os.sep} of names")
    for file, names in owners.items():
        if len(names) > 1:
            raise SchemaError(
                f"cabinetry would write several templates to {file}: {'; '.join(names[:3])}",
                remedy="choose names of regions, samples and systematics that differ, without dots",
            )
