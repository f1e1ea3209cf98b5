"""Small workspaces, and the way from documents to groups and fits, for tests of the engine."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import jsonpatch
import numpy as np

from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import minimise
from hfscale.inference.asymptotics import TestStatistic
from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.results import CLsBlock
from hfscale.model.build import build_groups
from hfscale.model.custom import CustomModifier
from hfscale.model.interpolation import DEFAULT_CODES, InterpolationCodes
from hfscale.model.point import read_point
from hfscale.model.samples import SampleReader
from hfscale.model.structure import ModelGroup, PointNumbers, SharedNumbers

EXAMPLE = Path(__file__).parents[1] / "pipelines" / "exclusion"
PYHF_WARNING = "ignore:jsonschema.RefResolver is deprecated:DeprecationWarning"
"""Raised by pyhf 0.7.6, which still uses it."""

Spec = dict[str, Any]


def modifier(kind: str, name: str, data: Any = None) -> Spec:
    return {"type": kind, "name": name, "data": data}


def normsys(name: str, hi: float, lo: float) -> Spec:
    return modifier("normsys", name, {"hi": hi, "lo": lo})


def histosys(name: str, hi: Sequence[float], lo: Sequence[float]) -> Spec:
    return modifier("histosys", name, {"hi_data": list(hi), "lo_data": list(lo)})


def normfactor(name: str = "mu") -> Spec:
    return modifier("normfactor", name)


def sample(name: str, data: Sequence[float], *modifiers: Spec) -> Spec:
    return {"name": name, "data": list(data), "modifiers": list(modifiers)}


def workspace(
    channels: Mapping[str, Sequence[Spec]],
    observations: Mapping[str, Sequence[float]],
    parameters: Sequence[Spec] = (),
    poi: str = "mu",
) -> Spec:
    return {
        "channels": [{"name": name, "samples": list(samples)} for name, samples in channels.items()],
        "observations": [{"name": name, "data": list(data)} for name, data in observations.items()],
        "measurements": [{"name": "fit", "config": {"poi": poi, "parameters": list(parameters)}}],
        "version": "1.0.0",
    }


def one_channel(observed: Sequence[float], *samples: Spec, parameters: Sequence[Spec] = (), poi: str = "mu") -> Spec:
    return workspace({"SR": samples}, {"SR": observed}, parameters, poi)


def counting(s: float, b: float, n: float, *modifiers: Spec, parameters: Sequence[Spec] = ()) -> Spec:
    """One bin with a known background, modified as given."""
    return one_channel([n], sample("signal", [s], normfactor()), sample("bkg", [b], *modifiers), parameters=parameters)


def shapesys_model(
    signal: Sequence[float], background: Sequence[float], uncertainty: Sequence[float], observed: Sequence[float]
) -> Spec:
    """Background with an uncorrelated uncertainty, as in many textbook examples."""
    return one_channel(
        observed,
        sample("signal", signal, normfactor()),
        sample("bkg", background, modifier("shapesys", "uncorrelated", list(uncertainty))),
    )


def groups_of(
    specs: Sequence[Spec],
    background: Spec | None = None,
    codes: InterpolationCodes = DEFAULT_CODES,
    modifiers: Mapping[str, CustomModifier] = MappingProxyType({}),
) -> tuple[ModelGroup, ...]:
    """Groups of signal points; the samples of `background` (by default none) are common to all."""
    reader = SampleReader()
    points = [read_point(spec, spec["measurements"][0]["name"], reader, modifiers) for spec in specs]
    channels = [] if background is None else background["channels"]
    common = {channel["name"]: frozenset(s["name"] for s in channel["samples"]) for channel in channels}
    return build_groups(points, specs[0]["measurements"][0]["config"]["poi"], common, codes)


def group_of(*specs: Spec, background: Spec | None = None, codes: InterpolationCodes = DEFAULT_CODES) -> ModelGroup:
    """The only group of some signal points."""
    groups = groups_of(specs, background, codes)
    assert len(groups) == 1
    return groups[0]


def cls_of(
    *specs: Spec,
    mu: float = 1.0,
    test_stat: TestStatistic = "qtilde",
    background: Spec | None = None,
    codes: InterpolationCodes = DEFAULT_CODES,
) -> CLsBlock:
    """CLs of signal points that form one group."""
    group = group_of(*specs, background=background, codes=codes)
    return asymptotic_cls(group, np.arange(len(specs)), mu, test_stat)


def fit_all(group: ModelGroup, start: np.ndarray | None = None, points: PointNumbers | None = None) -> FitResults:
    """Fit every point of a group as it is, from its suggested start values."""
    return minimise(
        group.structure,
        group.shared,
        group.points if points is None else points,
        group.inits if start is None else start,
    )


def with_poi(group: ModelGroup, value: float) -> tuple[PointNumbers, np.ndarray]:
    """Numbers and start values with the POI fixed at a value."""
    fixed, start = group.points.fixed.copy(), group.inits.copy()
    fixed[:, group.structure.poi] = True
    start[:, group.structure.poi] = value
    return group.points._replace(fixed=fixed), start


def on_device(group: ModelGroup) -> tuple[SharedNumbers, PointNumbers]:
    """Numbers of a group as JAX arrays; call it inside `jax.enable_x64`."""
    return jax.device_put(group.shared), jax.device_put(group.points)


def position(group: ModelGroup, name: str) -> int:
    """Internal position of a parameter component."""
    return int(np.flatnonzero(group.order == group.parameter_names.index(name))[0])


def patched(folder: Path, names: Sequence[str]) -> tuple[Spec, list[Spec]]:
    """Background workspace and the patched ones of some signal points, from a folder of two files."""
    background = json.loads((folder / "BkgOnly.json").read_text())
    patches = {p["metadata"]["name"]: p["patch"] for p in json.loads((folder / "patchset.json").read_text())["patches"]}
    return background, [jsonpatch.apply_patch(background, patches[name]) for name in names]
